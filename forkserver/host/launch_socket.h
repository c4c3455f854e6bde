// The host's end of one launch socket: the Plan and the first packets go out on it, and the child's
// answer comes in.
//
//     LaunchSocket socket(loop, {.on_packet = ..., .on_closed = ...});
//     socket.Open(std::move(sockets.first));
//     if (absl::Status sent = socket.SendPlan(id, plan, Senders::kUntold); !sent.ok()) ...
//     if (socket.needs_loop()) ... socket.Watch() ...          // the Plan is queued
//
// Whoever waits for the answer: the caller, who polls fd() and calls Receive, or from Watch on the
// loop, which calls the handlers. From StopWatching on what the child sends is nobody's here: it is
// for whom the socket is given to.
//
// Ownership: owns the socket; borrows the loop. Handlers may destroy it. Errors do not name the
// launch. Threads: those of the loop.
#ifndef FORKSERVER_HOST_LAUNCH_SOCKET_H_
#define FORKSERVER_HOST_LAUNCH_SOCKET_H_

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/plan_message.h"
#include "transceiver/channel.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class LaunchSocket {
 public:
  // A child says Ready or Failed and nothing larger.
  static constexpr size_t kAnswerBytes = 1024;

  LaunchSocket(EventLoop& loop, Channel::Handlers handlers)
      : loop_(loop), handlers_(std::move(handlers)) {}
  LaunchSocket(const LaunchSocket&) = delete;
  LaunchSocket& operator=(const LaunchSocket&) = delete;
  ~LaunchSocket();

  // In place of the one before, if there was one.
  void Open(UniqueFd socket);

  // Unavailable: the peer is gone.
  absl::Status SendPlan(uint64_t id, const PlanMessage& plan, Senders senders);
  // In place of it, and SendKeptPlan later: until then the Plan's descriptors are duplicated here,
  // and not in flight. EMFILE where they cannot be.
  absl::Status KeepPlan(uint64_t id, const PlanMessage& plan, Senders senders);
  void SendKeptPlan();
  // How many went; the rest are for the caller. None where the Plan itself waits for room.
  size_t SendFirstPackets(std::span<const FirstPacket> packets);
  // The Plan is queued, or the loop waits already.
  bool needs_loop() const { return channel_ != nullptr; }

  int fd() const { return socket_.get(); }
  PacketOutcome Receive(Packet& packet);

  // There is nobody at the other end, whoever may still hold it: what it has said can be received,
  // and then its hang-up.
  void HangUp();

  absl::Status Watch();
  void StopWatching();
  UniqueFd Take();

 private:
  absl::Status TellSenders(Senders senders);
  void MakeChannel();

  EventLoop& loop_;
  const Channel::Handlers handlers_;
  // Here, or in the channel from when that is made until StopWatching.
  UniqueFd socket_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_SOCKET_H_
