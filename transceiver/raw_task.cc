#include "transceiver/raw_task.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

// The C library's own name of clone(2): thread sanitizer has put itself before the other one, and
// takes whatever comes of it for a process of its own.
extern "C" int __clone(int (*main)(void*), void* stack_end, int flags, void* argument, ...);

namespace forkserver {

int RawTask::Start(int (*main)(void* argument), void* argument, int clone_flags, int* pidfd) {
  // A handler of the program's must not run there.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int number =
      __clone(main, stack_.data() + stack_.size(), CLONE_VM | CLONE_CHILD_CLEARTID | clone_flags,
              argument, pidfd, nullptr, has_left_.address());
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return number < 0 ? -error : number;
}

}  // namespace forkserver
