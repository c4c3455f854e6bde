#include "transceiver/stderr_line.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "transceiver/clock.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

constexpr int64_t kPatience = 100 * kNanosPerMilli;

constexpr size_t kMostNoticeBytes = 80;
static_assert(kMostNoticeBytes + kMostStderrLineBytes <= PIPE_BUF);

std::atomic<uint64_t> dropped = 0;

// Keeps the signals that a write may raise besides its error from this thread.
class NoSignals {
 public:
  NoSignals() {
    sigset_t both, pending;
    sigemptyset(&both);
    sigaddset(&both, SIGPIPE);
    sigaddset(&both, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &both, &before_);
    // One that was blocked may wait already, and stays. (Not all sandboxed processes may ask, and
    // they block neither.)
    const bool may_wait =
        sigismember(&before_, SIGPIPE) == 1 || sigismember(&before_, SIGXFSZ) == 1;
    sigemptyset(&pending);
    if (may_wait) sigpending(&pending);
    sigemptyset(&signals_);
    for (const int signal : {SIGPIPE, SIGXFSZ}) {
      if (sigismember(&pending, signal) != 1) sigaddset(&signals_, signal);
    }
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  void Failed(int error) {
    if (error != EPIPE && error != EFBIG) return;
    const timespec at_once = {};
    while (sigtimedwait(&signals_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

 private:
  sigset_t signals_;
  sigset_t before_;
};

// 0 or an errno.
int WriteAtOnce(const char* bytes, size_t size) {
  NoSignals no_signals;
  ssize_t written;
  do {
    written = write(STDERR_FILENO, bytes, size);
  } while (written < 0 && errno == EINTR);
  if (written >= 0) return 0;
  const int error = errno;
  no_signals.Failed(error);
  return error;
}

bool IsGone() {
  const int flags = fcntl(STDERR_FILENO, F_GETFD);
  if (flags < 0 || (flags & FD_CLOEXEC) != 0) return true;
  // Nothing is asked for: an answer is an error or a hang-up.
  return PollUntil(STDERR_FILENO, 0, NowNanos()) > 0;
}

void WriteOrDrop(std::string_view line) {
  if (IsGone()) return;
  const bool was_full = dropped.load(std::memory_order_relaxed) != 0;
  if (PollUntil(STDERR_FILENO, POLLOUT, NowNanos() + (was_full ? 0 : kPatience)) == 0) {
    dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const uint64_t missing = dropped.exchange(0, std::memory_order_relaxed);
  char bytes[kMostNoticeBytes + kMostStderrLineBytes];
  size_t size = 0;
  if (missing != 0) {
    size = static_cast<size_t>(snprintf(bytes, kMostNoticeBytes,
                                        "%ju lines were dropped: stderr was full\n",
                                        static_cast<uintmax_t>(missing)));
  }
  const size_t taken = std::min(line.size(), kMostStderrLineBytes);
  memcpy(bytes + size, line.data(), taken);
  if (WriteAtOnce(bytes, size + taken) == EAGAIN) {
    dropped.fetch_add(missing + 1, std::memory_order_relaxed);
  }
}

}  // namespace

void WriteStderrLine(std::string_view line) {
  const int error = errno;
  WriteOrDrop(line);
  errno = error;
}

}  // namespace forkserver
