// The one place that makes a process by fork: a raw clone3 with a pidfd, and what a raw clone
// leaves to its caller.
//
//     const ProcessCloner cloner = ProcessCloner::Prepare(tid);     // once, before the first fork
//     ClonedProcess cloned = cloner.Clone(ChildParent::kCallersParent, record->Begin(id));
//     if (cloned.pid == 0) RunChild(...);                            // in the child
//     if (cloned.pid < 0) ...-cloned.pid is the errno...
//
// The child is a copy of the calling thread, on the same stack, with a copy of all memory. The
// caller must be the only thread of its process. What glibc knows of the thread is the parent's
// until the child has called ThreadBlock::Restore (preload/thread_block.h).
//
// No child sends SIGCHLD (exit_signal is 0): a plain waitpid(-1) of the embedder cannot see it or
// take its status; waitid with P_PIDFD and __WALL can (clone(2)). In a process that was exec'ed
// the kernel has reset exit_signal to SIGCHLD, and with CLONE_PARENT a child gets its maker's.
#ifndef FORKSERVER_SERVER_CLONE_PROCESS_H_
#define FORKSERVER_SERVER_CLONE_PROCESS_H_

#include <stdint.h>
#include <sys/types.h>

#include "transceiver/unique_fd.h"

namespace forkserver {

enum class ChildParent : uint8_t {
  kCaller,         // for the host's own first fork
  kCallersParent,  // CLONE_PARENT: a template's child is the host's
};

struct ClonedProcess {
  pid_t pid = 0;  // 0 in the child, minus errno where the kernel refused
  UniqueFd pidfd;
};

class ProcessCloner {
 public:
  // Asks the kernel what it has. Repeated in a process that was exec'ed; a forked child inherits.
  // `tid`: where glibc caches the thread's tid, or null; the kernel clears it at the child's end.
  static ProcessCloner Prepare(pid_t* tid);

  // No allocation. `told`: where the kernel is to write the child's pid before anybody can run on
  // (child/birth_record.h); or null.
  ClonedProcess Clone(ChildParent parent, pid_t* told = nullptr) const;

  // False: the kernel, or a filter in front of it, has no clone3, and clone(2) is called instead.
  bool has_clone3() const { return has_clone3_; }

 private:
  bool has_clone3_ = false;
  pid_t* tid_ = nullptr;
};

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_CLONE_PROCESS_H_
