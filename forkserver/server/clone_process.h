// The one place that makes a process by fork: a raw clone3 with a pidfd, and what a raw clone
// leaves to its caller.
//
//     const ProcessCloner cloner = ProcessCloner::Prepare();        // once, before the first fork
//     ClonedProcess cloned = cloner.Clone(ChildParent::kCallersParent);
//     if (cloned.pid == 0) RunChild(...);                            // in the child
//     if (cloned.pid < 0) ...-cloned.pid is the errno...
//
// The child is a copy of the calling thread, on the same stack, with a copy of all memory. The
// caller must be the only thread of its process. In the child glibc knows its new tid and its
// robust list is set again (a raw clone clears it); handlers of pthread_atfork do not run.
//
// No child sends SIGCHLD (exit_signal is 0): a plain waitpid(-1) of the embedder cannot see it or
// take its status; waitid with P_PIDFD and __WALL can (clone(2)). In a process that was exec'ed
// the kernel has reset exit_signal to SIGCHLD, and with CLONE_PARENT a child gets its maker's.
#ifndef FORKSERVER_SERVER_CLONE_PROCESS_H_
#define FORKSERVER_SERVER_CLONE_PROCESS_H_

#include <stddef.h>
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
  static ProcessCloner Prepare();

  // No allocation.
  ClonedProcess Clone(ChildParent parent) const;

  // False: the kernel, or a filter in front of it, has no clone3, and clone(2) is called instead.
  bool has_clone3() const { return has_clone3_; }
  // False: glibc's cached tid cannot be kept right (CONFIG_CHECKPOINT_RESTORE is missing), so a
  // child's recursive and error-checking mutexes carry its template's tid.
  bool keeps_tid() const { return tid_address_ != nullptr; }

 private:
  bool has_clone3_ = false;
  pid_t* tid_address_ = nullptr;
  void* robust_list_ = nullptr;
  size_t robust_list_size_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_SERVER_CLONE_PROCESS_H_
