// Which mappings a freeze takes and which it leaves alone, and why: a pure function.
//
//     switch (LeaveOutReason reason = DecideMapping(mapping, places)) ...
//
// Taken is every private mapping with anonymous pages, whatever its protection and whatever is
// behind it (heap, .data, RELRO, a private mapping of a file, memory that an earlier freeze has
// mapped): it is those that make the kernel copy page tables at each fork. Left out is what means
// something that file memory cannot mean, and what the freeze itself stands on.
//
// Not to be seen from outside, and so not left out: memory that the kernel or a device has pinned
// (registered io_uring buffers, RDMA). It goes on using the page that was there before the freeze.
// Whoever pins memory in a template marks it MADV_DONTFORK, as RDMA libraries do: its children
// could not use it either.
#ifndef PRELOAD_FREEZE_FREEZE_DECISION_H_
#define PRELOAD_FREEZE_FREEZE_DECISION_H_

#include <stdint.h>

#include "preload/freeze/memory_mapping.h"

namespace forkserver {

enum class LeaveOutReason : uint8_t {
  kNone,         // it is frozen
  kNothingToDo,  // shared, or without an anonymous page: it costs a fork nothing
  kOwnMemory,    // the freeze's work memory, which is gone afterwards
  kStack,        // it is written without end
  kRunningCode,  // anonymous memory that holds the freeze's own instructions
  kThreadBlock,  // the thread's control block, which the kernel writes (rseq, tid)
  kWipeOnFork,   // MADV_WIPEONFORK cannot be set on file memory
  kDontFork,     // children do not have it
  kDontDump,     // MADV_DONTDUMP: secrets, which do not go into a file
  kLocked,       // mlock(2)
  kDevicePages,
  kHugetlb,
  kUserfaultfd,
  kSealed,  // mseal(2): it cannot be replaced
  kShadowStack,
  kProtectionKey,
  kGuardPages,     // MADV_GUARD_INSTALL: the guard would be a hole of the file
  kUnreadable,     // the kernel could not read all of it (beyond a file's end, memory failure)
  kTooScattered,   // it would take more mappings than a process may have
  kCannotBeMoved,  // mremap refused
  kCount,
};

// What the freeze stands on.
struct FreezePlaces {
  uintptr_t stack_pointer;
  uintptr_t instruction;
  uintptr_t work_start, work_end;
  // Whole pages that stay where they are though the mapping around them is frozen.
  uintptr_t thread_block_start, thread_block_end;
};

LeaveOutReason DecideMapping(const MemoryMapping& mapping, const FreezePlaces& places);

// "locked", for reports.
const char* Describe(LeaveOutReason reason);

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_FREEZE_DECISION_H_
