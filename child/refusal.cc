#include "child/refusal.h"

#include <errno.h>

#include "child/launch_step.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

int ErrnoOf(FrameError error) {
  switch (error) {
    case FrameError::kVersion:
      return EPROTONOSUPPORT;
    case FrameError::kPayloadTooLarge:
    case FrameError::kTooManyDescriptors:
    case FrameError::kTruncated:
      return EMSGSIZE;
    case FrameError::kDescriptorsTruncated:
      return EMFILE;
    default:
      return EBADMSG;
  }
}

FailedMessage Refuse(uint16_t about, int error, std::string_view detail) {
  return {.step = static_cast<uint16_t>(LaunchStep::kRequest),
          .about = about,
          .error = error,
          .index = 0,
          .detail = detail};
}

}  // namespace

FORKSERVER_LAUNCH_PATH FailedMessage CheckRequest(PacketOutcome outcome, const Packet& packet) {
  if (outcome == PacketOutcome::kRejected) {
    const FrameError error = packet.frame_error();
    return Refuse(FrameIsKnown(error) ? packet.frame().type : 0, ErrnoOf(error),
                  FrameErrorText(error));
  }
  const uint16_t type = packet.frame().type;
  const MessageCheck check = CheckMessage(packet.frame(), MessageDirection::kFromHost);
  // Before the switch, whose table of jumps is on a page that a fresh child would have to fault in.
  if (__builtin_expect(check == MessageCheck::kGood, 1)) return {};
  switch (check) {
    case MessageCheck::kGood:
      break;
    case MessageCheck::kUnknownType:
      return Refuse(type, ENOMSG, "unknown message type");
    case MessageCheck::kWrongDirection:
      return Refuse(type, EPROTO, "message of the other side");
    case MessageCheck::kPayload:
      return Refuse(type, EBADMSG, "payload of the wrong size");
    case MessageCheck::kDescriptors:
      return Refuse(type, EBADMSG, "wrong number of descriptors");
  }
  return Refuse(type, EBADMSG, "unknown check");
}

FailedMessage RefuseRequest(const Packet& packet) {
  return Refuse(packet.frame().type, EOPNOTSUPP, "not a message for this process");
}

int SendFailed(int socket, const Packet& packet, const FailedMessage& message) {
  uint8_t payload[FailedMessage::kMaxBytes];
  const uint64_t request_id = FrameIsKnown(packet.frame_error()) ? packet.frame().request_id : 0;
  return SendPacket(socket, Blocking::kWait, {.type = kFailed, .request_id = request_id},
                    Encode(message, payload), {});
}

}  // namespace forkserver
