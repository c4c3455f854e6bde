// The blocking end of a launch socket: for templates and children, and for whoever wants no
// event loop.
//
//     MiniTransceiver channel(std::move(socket), buffer);
//     channel.Send({.type = kPing}, bytes);
//     switch (channel.Receive(NowNanos() + kNanosPerSecond)) {
//       case ReceiveOutcome::kMessage: use(channel.packet()); break;
//       ...
//     }
//
// Ownership: owns the socket; borrows the buffer, which must outlive it and hold the largest
// payload that is expected (kMaxPayloadBytes for all). Threads: one at a time.
// Never allocates and takes no lock: safe between fork and Ready, and in a process that was
// forked with a raw clone3. A peer that dies is ReceiveOutcome::kClosed or EPIPE, never a signal.
#ifndef TRANSCEIVER_MINI_TRANSCEIVER_H_
#define TRANSCEIVER_MINI_TRANSCEIVER_H_

#include <stdint.h>

#include <span>

#include "transceiver/clock.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

enum class ReceiveOutcome : uint8_t {
  kMessage,
  kRejected,  // malformed, its descriptors closed; packet().frame_error() says why
  kClosed,    // the peer is gone
  kTimedOut,  // the deadline passed
  kError,     // packet().error() is the errno
};

// Waits for room and sends one message. Returns 0 or an errno, as SendPacket; ETOOMANYREFS is
// waited out, since it passes as soon as somebody receives. It meets also who sends few
// descriptors: the bound is on all that a user has in flight, and a process in a user namespace is
// not exempt for being root there.
int SendWhenAllowed(int socket, const Frame& frame, std::span<const uint8_t> payload,
                    std::span<const int> descriptors);

class MiniTransceiver {
 public:
  MiniTransceiver(UniqueFd socket, std::span<uint8_t> buffer)
      : socket_(std::move(socket)), packet_(buffer) {}

  // Waits for one message until `deadline` (NowNanos; kNever waits for good).
  ReceiveOutcome Receive(int64_t deadline = kNever);

  // The message that Receive got last.
  Packet& packet() { return packet_; }

  // SendWhenAllowed.
  int Send(const Frame& frame, std::span<const uint8_t> payload = {},
           std::span<const int> descriptors = {});

  int fd() const { return socket_.get(); }
  UniqueFd TakeSocket() { return std::move(socket_); }

 private:
  UniqueFd socket_;
  Packet packet_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_MINI_TRANSCEIVER_H_
