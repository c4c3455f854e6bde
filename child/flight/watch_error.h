// Why a crash of a process's, or an overflow of one of its threads, will leave no more than its
// signal: what failed when its flight record was mapped, its handlers were set, or their stack was
// made, and with which errno. Its record says it for it, and a report has it as "no stack".
#ifndef CHILD_FLIGHT_WATCH_ERROR_H_
#define CHILD_FLIGHT_WATCH_ERROR_H_

#include <stdint.h>

#include <string_view>

namespace forkserver {

enum class WatchStep : uint16_t {
  kNone = 0,
  kMapRecord,
  kKeepRecordFromForks,
  kMapStack,
  kGuardStack,
  kUseStack,
  kSetHandler,
};

struct WatchError {
  WatchStep step = WatchStep::kNone;
  uint16_t error = 0;  // an errno

  constexpr bool ok() const { return step == WatchStep::kNone; }

  // As a record has it: written at once.
  constexpr uint32_t Packed() const { return uint32_t{static_cast<uint16_t>(step)} << 16 | error; }
  // Of any number, since a process may have written any: an unknown step has no name.
  static constexpr WatchError Unpack(uint32_t packed) {
    return {.step = static_cast<WatchStep>(packed >> 16), .error = static_cast<uint16_t>(packed)};
  }
};

// The call, and of what. Empty: kNone, or none of them.
constexpr std::string_view WatchStepName(WatchStep step) {
  switch (step) {
    case WatchStep::kNone:
      break;
    case WatchStep::kMapRecord:
      return "mmap of its flight record";
    case WatchStep::kKeepRecordFromForks:
      return "madvise MADV_DONTFORK of its flight record";
    case WatchStep::kMapStack:
      return "mmap of the crash handler's stack";
    case WatchStep::kGuardStack:
      return "mprotect of the crash handler's stack";
    case WatchStep::kUseStack:
      return "sigaltstack";
    case WatchStep::kSetHandler:
      return "sigaction of the crash handler";
  }
  return "";
}

}  // namespace forkserver

#endif  // CHILD_FLIGHT_WATCH_ERROR_H_
