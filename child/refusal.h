// How a template or a child answers a message that it cannot take: with a Failed of step
// kRequest that names what was wrong. No allocation.
#ifndef CHILD_REFUSAL_H_
#define CHILD_REFUSAL_H_

#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {

// What is wrong with what was received, by frame and catalogue; `error` 0: nothing.
//   EBADMSG          malformed
//   EPROTONOSUPPORT  another protocol version
//   EMSGSIZE         over a limit
//   EMFILE           descriptors were lost: too many, or no free slot in this process
//   ENOMSG           unknown type
//   EPROTO           a message of the other direction
FailedMessage CheckRequest(PacketOutcome outcome, const Packet& packet);

// A message that is good in itself and not for this receiver, such as a Plan for a template:
// EOPNOTSUPP.
FailedMessage RefuseRequest(const Packet& packet);

// Sends `message` as the answer to `packet`. Returns 0 or an errno.
int SendFailed(int socket, const Packet& packet, const FailedMessage& message);

}  // namespace forkserver

#endif  // CHILD_REFUSAL_H_
