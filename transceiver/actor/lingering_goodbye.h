// A Goodbye for which the socket has no room yet: outlives the actor that closed, or is waited for.
#ifndef TRANSCEIVER_ACTOR_LINGERING_GOODBYE_H_
#define TRANSCEIVER_ACTOR_LINGERING_GOODBYE_H_

#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Sends the Goodbye and closes the socket: at once, or when there is room. The loop owns the socket
// until then, until the peer is gone, or for five seconds at most; it may be destroyed meanwhile.
// Returns 0, also for a peer that is gone, or the errno of sendmsg(2): EAGAIN where the loop cannot
// watch the socket either.
int SendGoodbye(EventLoop& loop, UniqueFd socket);

// The same for a process whose loop does not run any more: blocks until there is room, the peer is
// gone, or five seconds have passed (ETIMEDOUT).
int SendGoodbyeAndWait(UniqueFd socket);

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_LINGERING_GOODBYE_H_
