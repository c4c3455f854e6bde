#include "preload/freeze/freeze_decision.h"

#include <string_view>

namespace forkserver {

LeaveOutReason DecideMapping(const MemoryMapping& mapping, const FreezePlaces& places) {
  if (mapping.shared || mapping.anonymous_bytes + mapping.swapped_bytes == 0) {
    return LeaveOutReason::kNothingToDo;
  }
  if (mapping.start < places.work_end && places.work_start < mapping.end) {
    return LeaveOutReason::kOwnMemory;
  }
  if (mapping.Contains(places.stack_pointer) || (mapping.flags & kGrowsDown) != 0 ||
      std::string_view(mapping.name) == "[stack]") {
    return LeaveOutReason::kStack;
  }
  // Code that a file is behind is still there while the mapping is empty. Breakpoints are not,
  // but they are back when it is filled again.
  if (mapping.Contains(places.instruction) && !mapping.file_backed) {
    return LeaveOutReason::kRunningCode;
  }
  // Children do not have it, so that nothing else about it matters to them.
  if ((mapping.flags & kDontFork) != 0) return LeaveOutReason::kDontFork;
  if ((mapping.flags & kWipeOnFork) != 0) return LeaveOutReason::kWipeOnFork;
  if ((mapping.flags & kDontDump) != 0) return LeaveOutReason::kDontDump;
  if ((mapping.flags & kLocked) != 0) return LeaveOutReason::kLocked;
  if ((mapping.flags & kDevicePages) != 0) return LeaveOutReason::kDevicePages;
  if ((mapping.flags & kHugetlb) != 0) return LeaveOutReason::kHugetlb;
  if ((mapping.flags & kUserfaultfd) != 0) return LeaveOutReason::kUserfaultfd;
  if ((mapping.flags & kSealedMapping) != 0) return LeaveOutReason::kSealed;
  if ((mapping.flags & kShadowStack) != 0) return LeaveOutReason::kShadowStack;
  if (mapping.protection_key != 0) return LeaveOutReason::kProtectionKey;
  const bool has_thread_block =
      mapping.start < places.thread_block_end && places.thread_block_start < mapping.end;
  if (has_thread_block) {
    // A part of a file's mapping cannot be frozen without its whole: see freeze_engine.h.
    const bool nothing_else =
        places.thread_block_start <= mapping.start && mapping.end <= places.thread_block_end;
    if (nothing_else || mapping.file_backed) return LeaveOutReason::kThreadBlock;
  }
  return LeaveOutReason::kNone;
}

const char* Describe(LeaveOutReason reason) {
  switch (reason) {
    case LeaveOutReason::kNone:
      return "frozen";
    case LeaveOutReason::kNothingToDo:
      return "no anonymous pages";
    case LeaveOutReason::kOwnMemory:
      return "the freeze's own";
    case LeaveOutReason::kStack:
      return "stack";
    case LeaveOutReason::kRunningCode:
      return "the freeze's code runs there";
    case LeaveOutReason::kThreadBlock:
      return "thread control block";
    case LeaveOutReason::kWipeOnFork:
      return "wiped on fork";
    case LeaveOutReason::kDontFork:
      return "not inherited";
    case LeaveOutReason::kDontDump:
      return "not dumped";
    case LeaveOutReason::kLocked:
      return "locked";
    case LeaveOutReason::kDevicePages:
      return "device pages";
    case LeaveOutReason::kHugetlb:
      return "hugetlb";
    case LeaveOutReason::kUserfaultfd:
      return "userfaultfd";
    case LeaveOutReason::kSealed:
      return "sealed";
    case LeaveOutReason::kShadowStack:
      return "shadow stack";
    case LeaveOutReason::kProtectionKey:
      return "protection key";
    case LeaveOutReason::kGuardPages:
      return "guard pages";
    case LeaveOutReason::kUnreadable:
      return "not all of it can be read";
    case LeaveOutReason::kTooScattered:
      return "too scattered";
    case LeaveOutReason::kCannotBeMoved:
      return "cannot be moved";
    case LeaveOutReason::kCount:
      break;
  }
  return "unknown";
}

}  // namespace forkserver
