#include "transceiver/mini_transceiver.h"

#include <errno.h>
#include <poll.h>

#include <algorithm>

namespace forkserver {
namespace {

// Returns poll's answer: > 0 ready, 0 deadline passed, < 0 errno is set.
int PollUntil(int fd, short events, int64_t deadline) {
  for (;;) {
    pollfd state = {.fd = fd, .events = events, .revents = 0};
    timespec left;
    if (deadline != kNever) {
      const int64_t nanos = std::max<int64_t>(deadline - NowNanos(), 0);
      left = {.tv_sec = nanos / kNanosPerSecond, .tv_nsec = nanos % kNanosPerSecond};
    }
    const int ready = ppoll(&state, 1, deadline == kNever ? nullptr : &left, nullptr);
    if (ready >= 0 || errno != EINTR) return ready;
  }
}

}  // namespace

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

int MiniTransceiver::Send(const Frame& frame, std::span<const uint8_t> payload,
                          std::span<const int> descriptors) {
  for (;;) {
    const int error = SendPacket(socket_.get(), Blocking::kWait, frame, payload, descriptors);
    if (error != ETOOMANYREFS) return error;
    // The limit is the user's, not this socket's: no event says that it has passed. What can be
    // waited for is the peer's end, a millisecond at a time.
    if (PollUntil(socket_.get(), 0, NowNanos() + kNanosPerMilli) > 0) return EPIPE;  // POLLHUP
  }
}

}  // namespace forkserver
