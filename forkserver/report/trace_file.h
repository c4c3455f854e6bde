// The file that a trace is appended to: a JSON array, one event a line.
//
//     TraceFile file;
//     file.Append("{...}");                        // kept until there is a file
//     absl::Status opened = file.Open("trace.json");
//     file.Append("{...}");                        // written by the time it returns
//     absl::Status whole = file.Close();           // its end; or the first thing that went wrong
//
// Each call of Append is one write(2), without a buffer behind it, so that what a killed host
// leaves is all that it has told. Such a file has no "]". Who reads traces does not need it: the
// format's description has it optional in the array form, "to support tracing systems that can not
// cleanly finish writing the trace" (Trace Event Format, "JSON Array Format"), and Perfetto takes
// the end of a file within such an array for its end (JsonTraceTokenizer::NotifyEndOfFile). In the
// object form,
// {"traceEvents": [...]}, it would be an error.
//
// The first write that fails ends the writing: what comes after it is counted and dropped, and
// Close says so. Nothing is ever waited for: a pipe or a socket is refused.
//
// Memory: what comes before Open, up to kMostKept bytes. Threads: one at a time.
#ifndef FORKSERVER_REPORT_TRACE_FILE_H_
#define FORKSERVER_REPORT_TRACE_FILE_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class TraceFile {
 public:
  static constexpr size_t kMostKept = 256 << 10;

  TraceFile() = default;
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  ~TraceFile() { Close().IgnoreError(); }

  // Creates it, or empties one that is there, and writes what was kept: "open /x/trace.json:
  // ENOENT". "flock /x/trace.json: EAGAIN": another TraceFile has it, also of another program.
  // Only once. Not before ForkServer::Start: the seed would have the descriptor, and a
  // program that is exec'ed from this one would empty the file.
  absl::Status Open(const std::string& path);

  // `events`: one or more JSON values, separated by ",\n".
  void Append(std::string_view events, size_t count);

  // Ends the array. Ok also where there never was a file. Later calls give the same answer, and
  // what is appended after it is dropped.
  absl::Status Close();

 private:
  // Until Close there may be more.
  enum class State : uint8_t { kKeeping, kWriting, kClosed };

  void Write(std::string_view text, size_t events);

  State state_ = State::kKeeping;
  std::string path_;
  UniqueFd fd_;
  std::string kept_;
  size_t kept_events_ = 0;
  bool is_empty_ = true;
  uint64_t lost_ = 0;
  absl::Status failure_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_TRACE_FILE_H_
