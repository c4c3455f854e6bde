// One packet in or out of a SOCK_SEQPACKET socket, with every check of the wire. These are the
// only two functions of the project that call sendmsg and recvmsg. No allocation; usable
// anywhere, also between fork and Ready.
//
//     Packet packet(buffer);                              // buffer: where payloads land
//     switch (ReceivePacket(socket, Blocking::kWait, packet)) {
//       case PacketOutcome::kMessage: use(packet.frame(), packet.payload());
//       ...
//     }
//
// A packet that is rejected has all its descriptors closed before the function returns, also
// those that the kernel delivered of a truncated list.
#ifndef TRANSCEIVER_PACKET_H_
#define TRANSCEIVER_PACKET_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <span>

#include "transceiver/frame.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Who the other end of a socket is. What an untrusted one sends is closed by CloseStrangers.
enum class Sender : uint8_t { kTrusted, kUntrusted };

// The descriptors of one packet. Owns them; what is not taken is closed.
class DescriptorList {
 public:
  explicit DescriptorList(Sender sender = Sender::kTrusted) : sender_(sender) {}
  DescriptorList(const DescriptorList&) = delete;
  DescriptorList& operator=(const DescriptorList&) = delete;
  ~DescriptorList() { CloseAll(); }

  size_t size() const { return size_; }
  // -1 for one that was taken.
  int get(size_t index) const { return fds_[index]; }
  UniqueFd Take(size_t index);
  void CloseAll();

 private:
  friend struct PacketAccess;
  void CloseAllOfAStranger();

  int fds_[kMaxDescriptors];
  size_t size_ = 0;
  const Sender sender_;
};

// Where a packet is received. Reused from one call to the next; receiving closes what is left
// of the packet before.
class Packet {
 public:
  // `buffer` receives payloads and must outlive the packet. A payload that does not fit is
  // rejected as kTruncated: give kMaxPayloadBytes to take every legal message.
  explicit Packet(std::span<uint8_t> buffer, Sender sender = Sender::kTrusted)
      : buffer_(buffer), descriptors_(sender) {}

  const Frame& frame() const { return frame_; }
  std::span<const uint8_t> payload() const { return buffer_.first(payload_size_); }
  DescriptorList& descriptors() { return descriptors_; }
  // Who sent it, as this process's pid namespace numbers it: of a socket that was told to say
  // (TellSender). 0: the socket does not say, the packet was sent before it did, or the sender is
  // in none of this namespace's.
  int32_t sender_pid() const { return sender_pid_; }

  // After kRejected: what was wrong. frame() is set where FrameIsKnown(frame_error()).
  FrameError frame_error() const { return frame_error_; }
  // After kError: the errno of the call that failed.
  int error() const { return error_; }

 private:
  friend struct PacketAccess;
  std::span<uint8_t> buffer_;
  Frame frame_;
  size_t payload_size_ = 0;
  DescriptorList descriptors_;
  int32_t sender_pid_ = 0;
  FrameError frame_error_ = FrameError::kNone;
  int error_ = 0;
};

enum class PacketOutcome : uint8_t {
  kMessage,
  kRejected,    // malformed; see Packet::frame_error. The next packet may be good.
  kClosed,      // the peer is gone, and all that it had sent has been read
  kWouldBlock,  // nothing there (Blocking::kNever only)
  kError,       // see Packet::error
};

enum class Blocking : uint8_t { kWait, kNever };

PacketOutcome ReceivePacket(int socket, Blocking blocking, Packet& packet);

// Sends one message; sizes in `frame` are filled in here. Returns 0 or an errno:
//   EMSGSIZE      payload or descriptors over the limits of the wire
//   EAGAIN        no room (Blocking::kNever only)
//   ETOOMANYREFS  too many descriptors in flight for this user (unix(7)): wait and try again
//   EPIPE, ECONNRESET  the peer is gone. No SIGPIPE is raised.
// The descriptors stay the caller's.
int SendPacket(int socket, Blocking blocking, Frame frame, std::span<const uint8_t> payload,
               std::span<const int> descriptors);

// The same with a payload in several places, at most kMaxPayloadParts: nobody has to put it
// together.
inline constexpr size_t kMaxPayloadParts = 8;
using PayloadParts = std::span<const iovec>;
size_t PayloadBytes(PayloadParts parts);
int SendPacketOfParts(int socket, Blocking blocking, Frame frame, PayloadParts payload,
                      std::span<const int> descriptors);

// Has the kernel say with each packet that `socket` receives from here on who sent it: the process
// that called sendmsg, whoever made the socket (SO_PASSCRED, unix(7)). Returns 0 or an errno.
// To be called before the peer has its end, since what was sent before says nothing. The socket
// gets an abstract address at its own next send; nobody can connect to it there.
int TellSender(int socket);

struct SocketPair {
  UniqueFd first;
  UniqueFd second;
};

// A connected pair for packets, close-on-exec. Returns 0 or the errno of socketpair(2).
int CreateSocketPair(SocketPair& pair);

}  // namespace forkserver

#endif  // TRANSCEIVER_PACKET_H_
