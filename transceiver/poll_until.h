// Waits for one descriptor until a point in time.
//
//     if (PollUntil(fd, POLLIN, deadline) == 0) ...the deadline has passed...
#ifndef TRANSCEIVER_POLL_UNTIL_H_
#define TRANSCEIVER_POLL_UNTIL_H_

#include <stdint.h>

namespace forkserver {

// ppoll(2) on the project's clock, resumed after signals. `deadline` is of NowNanos, or kNever.
// Returns 1 for an event (also an unasked one, POLLHUP or POLLERR), 0 at the deadline, or minus
// errno. No allocation.
int PollUntil(int fd, short events, int64_t deadline);

}  // namespace forkserver

#endif  // TRANSCEIVER_POLL_UNTIL_H_
