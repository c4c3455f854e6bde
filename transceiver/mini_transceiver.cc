#include "transceiver/mini_transceiver.h"

#include <errno.h>
#include <poll.h>

#include "transceiver/launch_path.h"
#include "transceiver/poll_until.h"

namespace forkserver {
ReceiveOutcome MiniTransceiver::Receive(int64_t deadline) {
  // Without a deadline recvmsg does the waiting: one system call instead of two.
  const Blocking blocking = deadline == kNever ? Blocking::kWait : Blocking::kNever;
  for (;;) {
    switch (ReceivePacket(socket_.get(), blocking, packet_)) {
      case PacketOutcome::kMessage:
        return ReceiveOutcome::kMessage;
      case PacketOutcome::kRejected:
        return ReceiveOutcome::kRejected;
      case PacketOutcome::kClosed:
        return ReceiveOutcome::kClosed;
      case PacketOutcome::kError:
        return ReceiveOutcome::kError;
      case PacketOutcome::kWouldBlock:
        break;
    }
    if (PollUntil(socket_.get(), POLLIN, deadline) == 0) return ReceiveOutcome::kTimedOut;
  }
}

FORKSERVER_LAUNCH_PATH int SendWhenAllowed(int socket, const Frame& frame,
                                           std::span<const uint8_t> payload,
                                           std::span<const int> descriptors) {
  for (;;) {
    const int error = SendPacket(socket, Blocking::kWait, frame, payload, descriptors);
    if (error != ETOOMANYREFS) return error;
    // The limit is the user's, not this socket's: no event says that it has passed. What can be
    // waited for is the peer's end, a millisecond at a time.
    if (PollUntil(socket, 0, NowNanos() + kNanosPerMilli) > 0) return EPIPE;  // POLLHUP
  }
}

int MiniTransceiver::Send(const Frame& frame, std::span<const uint8_t> payload,
                          std::span<const int> descriptors) {
  return SendWhenAllowed(socket_.get(), frame, payload, descriptors);
}

}  // namespace forkserver
