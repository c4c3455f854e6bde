// What a dead process has left in its flight record, copied out and checked: every number is within
// its bounds, every text ends. What it says may still be a lie, where the process was hostile: a
// report says "by its own word" of it, and nothing is done on its word but to look for files, of
// which those are read that this host can vouch for (module_file.h).
#ifndef FORKSERVER_REPORT_CRASH_RECORD_H_
#define FORKSERVER_REPORT_CRASH_RECORD_H_

#include <stdint.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "child/launch_step.h"

namespace forkserver {

struct RecordedModule {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t bias = 0;          // what is added to the addresses in its file
  std::string build_id = {};  // in hexadecimal digits; empty: it has none
  std::string path = {};      // empty: the program

  bool operator==(const RecordedModule&) const = default;
};

struct RecordedCrash {
  bool is_whole = false;  // false: it crashed again while it wrote this
  int signal = 0;
  int code = 0;
  uint64_t address = 0;
  int sender = 0;
  int syscall = 0;
  int thread = 0;
  std::string thread_name = {};
  int64_t at = 0;
  std::vector<uint64_t> registers = {};  // CrashArea::registers
  uint64_t program_counter = 0;
  uint64_t stack_pointer = 0;
  std::vector<RecordedModule> modules = {};
  uint32_t modules_left_out = 0;
  uint64_t stack_start = 0;
  std::vector<uint8_t> stack = {};
};

struct CrashRecord {
  // False: no instruction of the process has come as far as that.
  bool was_mapped = false;
  LaunchStep step = LaunchStep::kNone;
  // Why there is no crash in it, where there is none: "sigaltstack: ENOMEM". Empty: it was watched,
  // with all threads that wanted to be.
  std::string why_unwatched = {};
  std::map<std::string, std::string> annotations = {};
  uint32_t annotations_lost = 0;
  std::string reason = {};
  std::shared_ptr<const RecordedCrash> crash = {};  // null: it has not crashed
};

// Reads the file behind `fd`, which stays the caller's. Fails as pread(2) does; a process that
// never wrote to it gives a record that is empty. Threads: any.
absl::StatusOr<CrashRecord> ReadCrashRecord(int fd);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_CRASH_RECORD_H_
