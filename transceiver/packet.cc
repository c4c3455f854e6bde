#include "transceiver/packet.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "transceiver/close_strangers.h"
#include "transceiver/launch_path.h"
#include "transceiver/raw_bytes.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

FORKSERVER_LAUNCH_PATH UniqueFd DescriptorList::Take(size_t index) {
  return UniqueFd(std::exchange(fds_[index], -1));
}

FORKSERVER_LAUNCH_PATH void DescriptorList::CloseAll() {
  if (sender_ == Sender::kUntrusted) return CloseAllOfAStranger();
  for (size_t i = 0; i < size_; ++i) UniqueFd(fds_[i]).reset();
  size_ = 0;
}

void DescriptorList::CloseAllOfAStranger() {
  UniqueFd strangers[kMaxDescriptors];
  size_t count = 0;
  for (size_t i = 0; i < size_; ++i) {
    UniqueFd fd(fds_[i]);
    if (fd.is_open()) strangers[count++] = std::move(fd);
  }
  size_ = 0;
  if (count > 0) CloseStrangers({strangers, count});
}

// What only ReceivePacket may do to a packet.
struct PacketAccess {
  static PacketOutcome Reject(Packet& packet, FrameError error) {
    packet.descriptors_.CloseAll();
    packet.frame_error_ = error;
    return PacketOutcome::kRejected;
  }

  static PacketOutcome Fail(Packet& packet, int error) {
    packet.error_ = error;
    return PacketOutcome::kError;
  }

  static void TakeControl(Packet& packet, msghdr& header) {
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(&header, control)) {
      if (control->cmsg_level != SOL_SOCKET) continue;
      if (control->cmsg_type == SCM_CREDENTIALS) {
        ucred sender;
        CopyBytes(&sender, CMSG_DATA(control), sizeof(sender));
        packet.sender_pid_ = sender.pid;
        continue;
      }
      if (control->cmsg_type != SCM_RIGHTS) continue;
      const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      DescriptorList& list = packet.descriptors_;
      CopyBytes(list.fds_ + list.size_, CMSG_DATA(control), count * sizeof(int));
      list.size_ += count;
    }
  }

  static PacketOutcome Receive(int socket, Blocking blocking, Packet& packet);
};

namespace {

// recvmsg answers 0 both for an empty packet and at the end of file. Only a socket whose peer
// has gone and that holds no more bytes is at its end.
bool IsEndOfFile(int socket) {
  pollfd state = {.fd = socket, .events = POLLIN | POLLRDHUP, .revents = 0};
  while (poll(&state, 1, 0) < 0) {
    if (errno != EINTR) return true;
  }
  if ((state.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) return false;
  int unread = 0;
  return ioctl(socket, SIOCINQ, &unread) != 0 || unread == 0;
}

}  // namespace

FORKSERVER_LAUNCH_PATH PacketOutcome PacketAccess::Receive(int socket, Blocking blocking,
                                                           Packet& packet) {
  packet.descriptors_.CloseAll();
  packet.payload_size_ = 0;
  packet.sender_pid_ = 0;
  packet.frame_error_ = FrameError::kNone;
  packet.error_ = 0;

  uint8_t frame_bytes[kFrameBytes];
  iovec parts[2] = {{frame_bytes, sizeof(frame_bytes)},
                    {packet.buffer_.data(), std::min(packet.buffer_.size(), kMaxPayloadBytes)}};
  // Room for what the kernel can send at most, so that only a full descriptor table truncates.
  alignas(
      cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr header = {};
  long received;
  do {
    // Set again each time: recvmsg writes to the lengths.
    header = {.msg_name = nullptr,
              .msg_namelen = 0,
              .msg_iov = parts,
              .msg_iovlen = 2,
              .msg_control = control,
              .msg_controllen = sizeof(control),
              .msg_flags = 0};
    received = RawSyscall(SYS_recvmsg, socket, &header,
                          MSG_CMSG_CLOEXEC | (blocking == Blocking::kNever ? MSG_DONTWAIT : 0));
    // ECONNRESET says once that the peer died with messages unread. It comes before what that
    // peer had sent, a last Ready or Failed: the next read has that, or the end of file.
  } while (received == -EINTR || received == -ECONNRESET);
  if (received == -EAGAIN) return PacketOutcome::kWouldBlock;
  if (received < 0) return Fail(packet, static_cast<int>(-received));
  TakeControl(packet, header);

  if (received == 0) {
    if (packet.descriptors_.size() == 0 && (header.msg_flags & MSG_CTRUNC) == 0 &&
        IsEndOfFile(socket)) {
      return PacketOutcome::kClosed;
    }
    return Reject(packet, FrameError::kEmpty);
  }
  const size_t bytes = static_cast<size_t>(received);
  const FrameError error = DecodeFrame({frame_bytes, std::min(bytes, kFrameBytes)}, packet.frame_);
  if (error != FrameError::kNone) return Reject(packet, error);
  packet.payload_size_ = bytes - kFrameBytes;
  if ((header.msg_flags & MSG_TRUNC) != 0) return Reject(packet, FrameError::kTruncated);
  if ((header.msg_flags & MSG_CTRUNC) != 0) {
    return Reject(packet, FrameError::kDescriptorsTruncated);
  }
  const FrameError mismatch =
      CheckFrameAgainstPacket(packet.frame_, bytes, packet.descriptors_.size());
  if (mismatch != FrameError::kNone) return Reject(packet, mismatch);
  return PacketOutcome::kMessage;
}

FORKSERVER_LAUNCH_PATH PacketOutcome ReceivePacket(int socket, Blocking blocking, Packet& packet) {
  return PacketAccess::Receive(socket, blocking, packet);
}

FORKSERVER_LAUNCH_PATH int SendPacket(int socket, Blocking blocking, Frame frame,
                                      std::span<const uint8_t> payload,
                                      std::span<const int> descriptors) {
  const iovec part = {const_cast<uint8_t*>(payload.data()), payload.size()};
  return SendPacketOfParts(socket, blocking, frame, PayloadParts(&part, 1), descriptors);
}

FORKSERVER_LAUNCH_PATH size_t PayloadBytes(PayloadParts parts) {
  size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  return size;
}

FORKSERVER_LAUNCH_PATH int SendPacketOfParts(int socket, Blocking blocking, Frame frame,
                                             PayloadParts payload,
                                             std::span<const int> descriptors) {
  const size_t payload_size = PayloadBytes(payload);
  if (payload_size > kMaxPayloadBytes || descriptors.size() > kMaxDescriptors ||
      payload.size() > kMaxPayloadParts) {
    return EMSGSIZE;
  }
  frame.payload_size = static_cast<uint32_t>(payload_size);
  frame.descriptor_count = static_cast<uint32_t>(descriptors.size());
  uint8_t frame_bytes[kFrameBytes];
  EncodeFrame(frame, frame_bytes);

  iovec parts[1 + kMaxPayloadParts];
  parts[0] = {frame_bytes, sizeof(frame_bytes)};
  for (size_t i = 0; i < payload.size(); ++i) parts[1 + i] = payload[i];
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr header = {.msg_name = nullptr,
                   .msg_namelen = 0,
                   .msg_iov = parts,
                   .msg_iovlen = 1 + payload.size(),
                   .msg_control = nullptr,
                   .msg_controllen = 0,
                   .msg_flags = 0};
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    CopyBytes(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  long sent;
  do {
    sent = RawSyscall(SYS_sendmsg, socket, &header,
                      MSG_NOSIGNAL | (blocking == Blocking::kNever ? MSG_DONTWAIT : 0));
  } while (sent == -EINTR);
  if (sent < 0) return static_cast<int>(-sent);
  // A packet goes whole or not at all.
  return static_cast<size_t>(sent) == kFrameBytes + payload_size ? 0 : EIO;
}

int TellSender(int socket) {
  const int on = 1;
  return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 ? 0 : errno;
}

int CreateSocketPair(SocketPair& pair) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  pair.first.reset(ends[0]);
  pair.second.reset(ends[1]);
  return 0;
}

}  // namespace forkserver
