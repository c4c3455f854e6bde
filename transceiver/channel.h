// The asynchronous end of a launch socket, for the host: it never blocks, neither on a receive
// nor on a send.
//
//     Channel channel(loop, std::move(socket), {.on_packet = ..., .on_closed = ...});
//     channel.Start();
//     channel.Send({.type = kFork, .request_id = 1}, {}, fds);   // at once, or queued
//
// What the socket has no room for waits in a bounded queue with descriptors of its own
// (duplicates), in order. ETOOMANYREFS, the kernel's bound on a user's descriptors in flight,
// is waited out with a timer, since no event says that it has passed.
//
// Ownership: owns the socket; borrows the loop, which outlives it. Callbacks may destroy the
// channel. on_closed is called once, after every packet that was received before the peer died.
// Threads: those of the loop. After a fork: not usable in the child.
#ifndef TRANSCEIVER_CHANNEL_H_
#define TRANSCEIVER_CHANNEL_H_

#include <stdint.h>

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {

// What wakes the loop for a channel.
enum class Attention : uint8_t {
  kMessages,  // every message, and the peer's end
  kHangUp,    // only the peer's end: messages wait until ReceiveNow
};

class Channel {
 public:
  struct Handlers {
    // Called before each receive, while a descriptor slot can still be made free.
    std::function<void()> before_receive = {};
    // Called when nothing is left to receive for now.
    std::function<void()> on_drained = {};
    // A message, or a malformed packet (its frame_error is not kNone; its descriptors are closed).
    std::function<void(Packet& packet)> on_packet = {};
    // The peer has hung up, and what it had sent is still to be received. Called at each wake-up
    // until on_closed. Who has it gets no message, also then, while it attends to the hang-up only;
    // to turn to messages when it returns is its duty, or the loop does not rest.
    std::function<void()> on_hang_up = {};
    // The peer is gone (Unavailable), or the socket failed.
    std::function<void(absl::Status why)> on_closed = {};
    // The last of the messages that had waited in the queue has gone into the socket.
    std::function<void()> on_queue_sent = {};
    // A message that waited in the queue cannot be sent, for a reason of its own (EINVAL for the
    // descriptor of an io_uring): Send had said Ok for it. Called once; the queue is dropped and
    // nothing more is sent, so that the peer gets nothing behind a gap. Whoever has no handler for
    // it loses that one message, and those behind it go.
    std::function<void(absl::Status why)> on_send_failed = {};
  };

  // Thousands of launches may be asked for at once; a process runs out of descriptors first.
  static constexpr size_t kMaxQueuedMessages = 16 * 1024;
  static constexpr size_t kMaxQueuedBytes = 16 * 1024 * 1024;

  // `max_payload`: the largest payload that is expected; a larger one is rejected as truncated.
  Channel(EventLoop& loop, UniqueFd socket, Handlers handlers,
          size_t max_payload = kMaxPayloadBytes);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  // Begins to watch the socket.
  absl::Status Start();

  // kHangUp is for a peer whose answers are announced elsewhere: being woken for each of them
  // would cost a switch of threads that nobody needs. A handler that turns to kHangUp gets no
  // further message, unless the peer is gone already and nobody has an on_hang_up.
  void SetAttention(Attention attention);

  // Receives what is there, as if the loop had been woken for it, as long as `wanted` says so.
  void ReceiveNow(const std::function<bool()>& wanted = [] { return true; });

  // Sends or queues. The descriptors are borrowed for the call. ResourceExhausted: the queue is
  // full; Unavailable: the peer is gone; InvalidArgument: over the limits of the wire. Another one
  // is sendmsg's own, or what on_send_failed was told.
  absl::Status Send(const Frame& frame, std::span<const uint8_t> payload = {},
                    std::span<const int> descriptors = {});

  // Queues, also where there is room: for SendQueuedNow. The same errors as Send's, and EMFILE
  // where the descriptors cannot be duplicated.
  absl::Status Queue(const Frame& frame, std::span<const uint8_t> payload,
                     std::span<const int> descriptors);

  // Sends of the queue what the socket has room for, as if the loop had said that there is some.
  void SendQueuedNow();

  // The same with a payload in several places, which is copied only if it has to be queued.
  absl::Status SendParts(const Frame& frame, PayloadParts payload,
                         std::span<const int> descriptors);

  size_t queued_messages() const { return queue_.size(); }
  size_t queued_bytes() const { return queued_bytes_; }
  // How many messages of the queue nobody will receive, since the last call: it was dropped, or the
  // peer was gone. Of all that were queued they are the last ones, but for what still waits.
  size_t TakeLost() { return std::exchange(lost_, 0); }
  // What on_send_failed was told.
  const absl::Status& send_failure() const { return send_failure_; }
  int fd() const { return socket_.get(); }

  // Stops watching and gives the socket away. What is queued is dropped.
  UniqueFd TakeSocket();

 private:
  struct Queued {
    Frame frame;
    std::vector<uint8_t> payload;
    std::vector<UniqueFd> descriptors;
  };

  absl::Status CheckSendable(PayloadParts payload, std::span<const int> descriptors) const;
  absl::Status Enqueue(const Frame& frame, PayloadParts payload, std::span<const int> descriptors);
  void OnReady(uint32_t events);
  uint32_t WatchedEvents() const;
  void UpdateWatch();
  void Receive(int max_packets, const std::function<bool()>& wanted);
  int PacketsToReceive();
  void Flush();
  void WaitToSend(int error);
  void FailToSend(int error);
  void StopWaitingForRoom();
  void StopWatching();
  void Close(absl::Status why);
  void DropQueue();

  EventLoop& loop_;
  UniqueFd socket_;
  const std::shared_ptr<Handlers> handlers_;
  const std::shared_ptr<uint8_t[]> buffer_;
  const size_t buffer_size_;
  EventLoop::WatchId watch_ = 0;
  Attention attention_ = Attention::kMessages;
  bool wants_room_ = false;  // the queue waits for EPOLLOUT
  EventLoop::TimerId retry_ = 0;
  bool closed_ = false;    // on_closed was called
  bool is_burst_ = false;  // the last wake-up found more than one packet
  int lone_wake_ups_ = 0;  // in a row, of one packet each
  std::deque<Queued> queue_;
  size_t queued_bytes_ = 0;
  size_t lost_ = 0;
  absl::Status send_failure_;
  // False once the channel is destroyed: a callback may do that under a running method's feet.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forkserver

#endif  // TRANSCEIVER_CHANNEL_H_
