#include "transceiver/poll_until.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>

#include "transceiver/clock.h"

namespace forkserver {

int PollUntil(int fd, short events, int64_t deadline) {
  for (;;) {
    pollfd state = {.fd = fd, .events = events, .revents = 0};
    const int64_t left = std::max<int64_t>(deadline - NowNanos(), 0);
    const timespec timeout = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
    const int ready = ppoll(&state, 1, deadline == kNever ? nullptr : &timeout, nullptr);
    if (ready >= 0) return ready;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace forkserver
