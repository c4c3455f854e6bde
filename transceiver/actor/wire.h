// What two actors say to each other beside their protocol's messages.
//
//     Reply           answers the call of its request id: the fields of the reply
//     Reject          answers it with a refusal: u32 status code, u32 length, text (at most 256)
//     Goodbye         the sender has closed: nothing follows. A channel that ends without one has
//                     ended abnormally, also by exit(0)
//     Sentinel        the sender sends nothing more, and waits
//     SentinelAnswer  all that came before the Sentinel has been handled
//     YourPid         what the parent process calls the receiver: i32 pid. For the message log, and
//                     sent only by a parent process that has one (message_log.h)
//
// The protocol's own messages are kFirstApplicationType plus their position in its list. A call
// has a request id that is not 0, everything else but an answer has 0. All are one packet with the
// frame of transceiver/frame.h, no flags.
#ifndef TRANSCEIVER_ACTOR_WIRE_H_
#define TRANSCEIVER_ACTOR_WIRE_H_

#include <stddef.h>
#include <stdint.h>

#include "transceiver/messages.h"

namespace forkserver {

enum ActorFrameType : uint16_t {
  kActorReply = 0x0F00,
  kActorReject = 0x0F01,
  kActorGoodbye = 0x0F02,
  kActorSentinel = 0x0F03,
  kActorSentinelAnswer = 0x0F04,
  kActorYourPid = 0x0F05,
};
static_assert(uint16_t{kActorYourPid} < uint16_t{kFirstApplicationType});

// An actor makes no call while so many of its calls have no answer yet. Whoever answers counts a
// call until the answer is in the socket, which is before its peer can have seen it: a peer that is
// above it there has broken the protocol. More than a socket and a queue of the default bound hold,
// so that whoever calls a peer that does not read finds its queue full first.
inline constexpr size_t kMostCallsInFlight = 2048;

inline constexpr size_t kMaxRejectText = 256;
inline constexpr size_t kMaxRejectBytes = 4 + 4 + kMaxRejectText;

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_WIRE_H_
