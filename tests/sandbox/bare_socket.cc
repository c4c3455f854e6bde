#include "tests/sandbox/bare_socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "transceiver/actor/wire.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace forkserver::testing {
namespace {

constexpr size_t kStartFailed = PlainAttemptProtocol::Messages::IndexOf<StartFailed>();
static_assert(kStartFailed == ContentAttemptProtocol::Messages::IndexOf<StartFailed>());

uint16_t Number(size_t index) { return static_cast<uint16_t>(kFirstApplicationType + index); }

}  // namespace

absl::Status BareSocket::Commit(Breach breach) const {
  switch (breach) {
    case Breach::kOtherDirection:
      return Send({.type = Number(call_), .request_id = 1}, {});
    case Breach::kUnknownMessage:
      return Send({.type = Number(messages_)}, {});
    case Breach::kFieldOverItsLimit: {
      // It announces one byte more than it has: a packet with that byte would be too large.
      std::vector<uint8_t> fields(1 + 4 + kMaxFailureBytes);
      const uint32_t size = kMaxFailureBytes + 1;
      memcpy(&fields[1], &size, sizeof(size));
      return Send({.type = Number(kStartFailed)}, fields);
    }
    case Breach::kPacketOverItsLimit:
      return Send({.type = Number(kStartFailed)}, std::vector<uint8_t>(kMaxPayloadBytes));
    case Breach::kDescriptorFlood:
      return Flood();
    case Breach::kReplyToNothing:
      return Send({.type = kActorReply, .request_id = uint64_t{1} << 40}, {});
    case Breach::kNoFrame:
      if (send(fd_, "hello", 5, MSG_NOSIGNAL) == 5) return absl::OkStatus();
      return ErrnoStatus(errno, "send");
  }
  return absl::InvalidArgumentError("no such breach");
}

absl::Status BareSocket::Send(const Frame& frame, const std::vector<uint8_t>& payload) const {
  const int error = SendPacket(fd_, Blocking::kWait, frame, payload, {});
  if (error == 0) return absl::OkStatus();
  return ErrnoStatus(error, "sendmsg");
}

// The kernel bounds what a user has in flight, over all of the user's processes: a first packet
// may have to wait for somebody else's. Where the parent has hung up meanwhile it has seen
// enough.
absl::Status BareSocket::Flood() const {
  const std::vector<int> copies(kMaxDescriptors, fd_);
  const Frame frame = {.type = Number(kStartFailed)};
  const uint8_t no_text[1 + 4] = {};
  int error = ETOOMANYREFS;
  while (error == ETOOMANYREFS) {
    error = SendPacket(fd_, Blocking::kWait, frame, no_text, copies);
    if (error == ETOOMANYREFS) poll(nullptr, 0, 5);
  }
  if (error != 0) return ErrnoStatus(error, "sendmsg");
  while (error == 0) error = SendPacket(fd_, Blocking::kNever, frame, no_text, copies);
  return absl::OkStatus();
}

}  // namespace forkserver::testing
