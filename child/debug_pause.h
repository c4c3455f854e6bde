// A child that waits for a debugger before its program is made (docs/debugging.md).
//
//     DebugPause pause;
//     pause.Begin(30);                // as the Plan says, and before a sandbox hides /proc
//     pause.WaitForDebugger("content", InSandbox::kNo);
//     // stderr: "[content] pid 4711: waiting 30 s for a debugger; gdb -p 4711"
//
// The pid is the one that /proc has it under: the host's and the debugger's, also where the process
// has another one in its own pid namespace. The wait is over when the time is, or a tenth of a
// second after a tracer has come, if /proc could be read in Begin. Nothing here fails: where /proc
// is not there the pid is getpid's, and all of the time is waited for.
//
// Begin between exec and Ready: no allocation, no lock. WaitForDebugger after Ready. One thread.
#ifndef CHILD_DEBUG_PAUSE_H_
#define CHILD_DEBUG_PAUSE_H_

#include <stdint.h>

#include <optional>
#include <string_view>

#include "transceiver/unique_fd.h"

namespace forkserver {

// Its root may be empty, and gdb looks for the program there, unless it is told not to.
enum class InSandbox : uint8_t { kNo, kYes };

class DebugPause {
 public:
  void Begin(uint32_t seconds);
  bool has_begun() const { return seconds_.has_value(); }
  // Only of one that has begun.
  void WaitForDebugger(std::string_view type_name, InSandbox in_sandbox);

 private:
  std::optional<uint32_t> seconds_;
  UniqueFd status_;  // /proc/self/status
};

}  // namespace forkserver

#endif  // CHILD_DEBUG_PAUSE_H_
