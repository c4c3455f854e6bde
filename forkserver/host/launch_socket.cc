#include "forkserver/host/launch_socket.h"

#include <errno.h>
#include <sys/socket.h>

#include <utility>

#include "child/ready.h"
#include "transceiver/close_strangers.h"
#include "transceiver/errno_status.h"
#include "transceiver/messages.h"

namespace forkserver {

static_assert(LaunchSocket::kAnswerBytes >= ReadyMessage::kMostBytes &&
              LaunchSocket::kAnswerBytes >= FailedMessage::kMaxBytes);

LaunchSocket::~LaunchSocket() { Open(UniqueFd()); }

void LaunchSocket::Open(UniqueFd socket) {
  channel_.reset();
  CloseStrangersSocket(std::exchange(socket_, std::move(socket)));
}

// Before the Plan, and so before anything that the child has to say.
absl::Status LaunchSocket::TellSenders(Senders senders) {
  if (senders != Senders::kTold) return absl::OkStatus();
  const int error = TellSender(socket_.get());
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "setsockopt SO_PASSCRED");
}

absl::Status LaunchSocket::SendPlan(uint64_t id, const PlanMessage& plan, Senders senders) {
  if (absl::Status told = TellSenders(senders); !told.ok()) return told;
  const Frame frame = {.type = kPlan, .request_id = id, .flags = plan.flags};
  const int error =
      SendPacket(socket_.get(), Blocking::kNever, frame, plan.payload, plan.descriptors);
  if (error == 0) return absl::OkStatus();
  if (error == EPIPE || error == ECONNRESET) {
    return absl::UnavailableError("sendmsg Plan: the peer is gone");
  }
  if (error != EAGAIN && error != ETOOMANYREFS) return ErrnoStatus(error, "sendmsg Plan");
  // The channel's queue has room where the socket, or the kernel, has not.
  MakeChannel();
  return channel_->Send(frame, plan.payload, plan.descriptors);
}

absl::Status LaunchSocket::KeepPlan(uint64_t id, const PlanMessage& plan, Senders senders) {
  if (absl::Status told = TellSenders(senders); !told.ok()) return told;
  MakeChannel();
  absl::Status kept = channel_->Queue({.type = kPlan, .request_id = id, .flags = plan.flags},
                                      plan.payload, plan.descriptors);
  if (!kept.ok()) Open(channel_->TakeSocket());
  return kept;
}

void LaunchSocket::SendKeptPlan() {
  if (channel_ != nullptr) channel_->SendQueuedNow();
}

size_t LaunchSocket::SendFirstPackets(std::span<const FirstPacket> packets) {
  size_t sent = 0;
  if (channel_ != nullptr) return sent;
  for (const FirstPacket& packet : packets) {
    const int error = SendPacket(socket_.get(), Blocking::kNever, packet.frame, packet.payload,
                                 packet.descriptors);
    if (error != 0) break;
    ++sent;
  }
  return sent;
}

PacketOutcome LaunchSocket::Receive(Packet& packet) {
  return ReceivePacket(socket_.get(), Blocking::kNever, packet);
}

void LaunchSocket::MakeChannel() {
  channel_ = std::make_unique<Channel>(loop_, std::move(socket_), handlers_, kAnswerBytes);
}

void LaunchSocket::HangUp() {
  shutdown(channel_ != nullptr && !socket_.is_open() ? channel_->fd() : socket_.get(), SHUT_RDWR);
}

absl::Status LaunchSocket::Watch() {
  if (channel_ == nullptr) MakeChannel();
  return channel_->Start();
}

void LaunchSocket::StopWatching() {
  // The channel stays: one of its handlers may be what has called this.
  if (channel_ != nullptr && !socket_.is_open()) socket_ = channel_->TakeSocket();
}

UniqueFd LaunchSocket::Take() {
  StopWatching();
  return std::move(socket_);
}

}  // namespace forkserver
