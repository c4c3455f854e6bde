// While it lives, a file that this thread would let grow beyond RLIMIT_FSIZE is an error (EFBIG)
// and not the end of the program: the kernel sends SIGXFSZ besides, whose default is a core dump,
// and a memfd's size counts as a file's (setrlimit(2); write(2), ftruncate(2), fallocate(2)).
//
//     SizeLimitGuard guard;
//     if (ftruncate(fd, size) != 0) {
//       const int error = guard.Failed(errno);
//       ...
//
// A SIGXFSZ of somebody else's that waits for the thread stays where it is. Any thread. No
// allocation, no lock.
#ifndef TRANSCEIVER_SIZE_LIMIT_GUARD_H_
#define TRANSCEIVER_SIZE_LIMIT_GUARD_H_

#include <errno.h>
#include <signal.h>
#include <time.h>

namespace forkserver {

class SizeLimitGuard {
 public:
  SizeLimitGuard() {
    sigset_t pending;
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
    was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;
  }
  SizeLimitGuard(const SizeLimitGuard&) = delete;
  SizeLimitGuard& operator=(const SizeLimitGuard&) = delete;
  ~SizeLimitGuard() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  // What a call failed with, which is returned: takes the signal away that EFBIG came with.
  int Failed(int error) {
    const timespec now = {};
    if (error != EFBIG || was_pending_) return error;
    // Left where it is, it would end the program as soon as it is not blocked any more.
    while (sigtimedwait(&signal_, nullptr, &now) < 0 && errno == EINTR) {
    }
    return error;
  }

 private:
  sigset_t signal_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_SIZE_LIMIT_GUARD_H_
