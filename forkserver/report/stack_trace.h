// Who had called whom, of a thread that is dead: from its registers, a copy of its stack and the
// files of what it had loaded. By libdw (elfutils), which unwinds by the files' unwind tables
// (.eh_frame) and finds names in their symbol tables and lines in their debug information, if that
// is of 64 MiB at most, also in /usr/lib/debug by build id. Nothing is fetched from anywhere.
//
//     StackTracer tracer("/proc/self/exe");
//     for (const StackFrame& frame : tracer.Trace(crash)) ...
//
// Files are opened by the names that the dead process gave, for reading only, where this host can
// vouch for them (module_file.h), and used only where they have the build id that the process had
// in memory: an update on disk is not mistaken for what ran. Where a file cannot be had, the frame
// has module and offset only, and the trace says why. libdw opens no other file for them but what
// /usr/lib/debug has of that build id, and what that names: no .gnu_debuglink is followed.
//
// Threads: one at a time. Allocates, and reads files. The files of the last process stay open, a
// descriptor each, and the next one that had loaded the same is traced in a fraction of the time;
// Forget closes them.
#ifndef FORKSERVER_REPORT_STACK_TRACE_H_
#define FORKSERVER_REPORT_STACK_TRACE_H_

#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "forkserver/report/crash_record.h"

namespace forkserver {

struct StackFrame {
  uint64_t address = 0;
  std::string module = {};    // the path, "[vdso]"; empty: the address is in none
  uint64_t offset = 0;        // of the address in the module's file (as its symbols are numbered)
  std::string function = {};  // demangled; empty: unknown
  uint64_t function_offset = 0;
  std::string file = {};  // of the source; empty: unknown
  int line = 0;
};

struct StackTrace {
  std::vector<StackFrame> frames = {};
  // Why there are no more of them, where that is not the end of the stack.
  std::string why_it_ends = {};
  // "/lib/libfoo.so: openat2: ENOENT": modules whose file could not be used.
  std::vector<std::string> missing = {};
};

class StackTracer {
 public:
  static constexpr size_t kMostFrames = 128;
  static constexpr size_t kMostNameBytes = 1024;  // of a function, and of a source file

  // `program`: the file that is the program itself, for modules without a name.
  explicit StackTracer(std::string program);
  StackTracer(const StackTracer&) = delete;
  StackTracer& operator=(const StackTracer&) = delete;
  ~StackTracer();

  StackTrace Trace(const RecordedCrash& crash);
  void Forget();

 private:
  class Session;

  const std::string program_;
  std::unique_ptr<Session> last_;  // whose modules the next crash may have too
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_STACK_TRACE_H_
