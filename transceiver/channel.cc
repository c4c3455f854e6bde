#include "transceiver/channel.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "transceiver/close_strangers.h"
#include "transceiver/errno_status.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

// The kernel reports EPOLLHUP and EPOLLERR unasked.
constexpr uint32_t kHangUp = EPOLLRDHUP;

// Packets that one wake-up receives, so that a peer that floods cannot keep the loop from others.
constexpr int kPacketsAWakeUp = 64;
// A wake-up is mostly for one packet, a call or its answer, and then a second look at the socket
// is a system call for nothing. So often it is taken all the same: where packets come in numbers
// it finds one, and from then on a wake-up receives what is there.
constexpr int kLoneWakeUps = 8;
// More than any socket holds (278 small ones): all that was there at the time of the call.
constexpr int kPacketsInASocket = 1024;

bool MayPass(int send_error) {
  return send_error == ETOOMANYREFS || send_error == ENOBUFS || send_error == ENOMEM;
}

}  // namespace

FORKSERVER_LAUNCH_PATH Channel::Channel(EventLoop& loop, UniqueFd socket, Handlers handlers,
                                        size_t max_payload)
    : loop_(loop),
      socket_(std::move(socket)),
      handlers_(std::make_shared<Handlers>(std::move(handlers))),
      buffer_(new uint8_t[max_payload]),
      buffer_size_(max_payload) {}

Channel::~Channel() {
  *alive_ = false;
  StopWatching();
  CloseStrangersSocket(std::move(socket_));
}

FORKSERVER_LAUNCH_PATH absl::Status Channel::Start() {
  absl::StatusOr<EventLoop::WatchId> watch =
      loop_.Watch(socket_.get(), WatchedEvents(), [this](uint32_t events) { OnReady(events); });
  if (!watch.ok()) return watch.status();
  watch_ = *watch;
  return absl::OkStatus();
}

FORKSERVER_LAUNCH_PATH void Channel::SetAttention(Attention attention) {
  if (attention_ == attention) return;
  attention_ = attention;
  UpdateWatch();
}

FORKSERVER_LAUNCH_PATH uint32_t Channel::WatchedEvents() const {
  return kHangUp | (attention_ == Attention::kMessages ? EPOLLIN : 0u) |
         (wants_room_ ? EPOLLOUT : 0u);
}

FORKSERVER_LAUNCH_PATH void Channel::UpdateWatch() { loop_.ChangeEvents(watch_, WatchedEvents()); }

absl::Status Channel::Send(const Frame& frame, std::span<const uint8_t> payload,
                           std::span<const int> descriptors) {
  const iovec part = {const_cast<uint8_t*>(payload.data()), payload.size()};
  return SendParts(frame, PayloadParts(&part, 1), descriptors);
}

FORKSERVER_LAUNCH_PATH absl::Status Channel::SendParts(const Frame& frame, PayloadParts payload,
                                                       std::span<const int> descriptors) {
  if (absl::Status sendable = CheckSendable(payload, descriptors); !sendable.ok()) return sendable;
  if (!queue_.empty()) return Enqueue(frame, payload, descriptors);
  const int error = SendPacketOfParts(socket_.get(), Blocking::kNever, frame, payload, descriptors);
  switch (error) {
    case 0:
      return absl::OkStatus();
    case EAGAIN:
    case ETOOMANYREFS: {
      if (absl::Status queued = Enqueue(frame, payload, descriptors); !queued.ok()) return queued;
      WaitToSend(error);
      return absl::OkStatus();
    }
    case EPIPE:
    case ECONNRESET:
      return absl::UnavailableError("send: the peer is gone");
    default:
      return ErrnoStatus(error, "sendmsg");
  }
}

absl::Status Channel::Queue(const Frame& frame, std::span<const uint8_t> payload,
                            std::span<const int> descriptors) {
  const iovec part = {const_cast<uint8_t*>(payload.data()), payload.size()};
  const PayloadParts parts(&part, 1);
  if (absl::Status sendable = CheckSendable(parts, descriptors); !sendable.ok()) return sendable;
  return Enqueue(frame, parts, descriptors);
}

absl::Status Channel::CheckSendable(PayloadParts payload, std::span<const int> descriptors) const {
  if (const size_t size = PayloadBytes(payload);
      size > kMaxPayloadBytes || descriptors.size() > kMaxDescriptors) {
    return absl::InvalidArgumentError(
        absl::StrFormat("send: %d bytes and %d descriptors are over the limits of a message", size,
                        descriptors.size()));
  }
  if (!socket_.is_open() || closed_) {
    return absl::UnavailableError("send: the channel is closed");
  }
  return send_failure_;
}

absl::Status Channel::Enqueue(const Frame& frame, PayloadParts payload,
                              std::span<const int> descriptors) {
  const size_t size = PayloadBytes(payload);
  if (queue_.size() >= kMaxQueuedMessages || queued_bytes_ + size > kMaxQueuedBytes) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "send queue: %d messages and %d bytes wait already", queue_.size(), queued_bytes_));
  }
  Queued entry = {.frame = frame, .payload = {}, .descriptors = {}};
  entry.payload.reserve(size);
  for (const iovec& part : payload) {
    const uint8_t* const bytes = static_cast<const uint8_t*>(part.iov_base);
    entry.payload.insert(entry.payload.end(), bytes, bytes + part.iov_len);
  }
  for (const int fd : descriptors) {
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!copy.is_open()) return ErrnoStatus(errno, absl::StrFormat("fcntl F_DUPFD %d", fd));
    entry.descriptors.push_back(std::move(copy));
  }
  queued_bytes_ += size;
  queue_.push_back(std::move(entry));
  return absl::OkStatus();
}

void Channel::WaitToSend(int error) {
  // Room in the socket does not help against the other limits, and would be reported at once.
  if (const bool wants_room = error == EAGAIN; wants_room_ != wants_room) {
    wants_room_ = wants_room;
    UpdateWatch();
  }
  if (wants_room_ || retry_ != 0) return;
  retry_ = loop_.AddTimer(NowNanos() + kNanosPerMilli, [this] {
    retry_ = 0;
    Flush();
  });
}

void Channel::Flush() {
  while (!queue_.empty()) {
    const Queued& next = queue_.front();
    int fds[kMaxDescriptors];
    for (size_t i = 0; i < next.descriptors.size(); ++i) fds[i] = next.descriptors[i].get();
    const int error = SendPacket(socket_.get(), Blocking::kNever, next.frame, next.payload,
                                 {fds, next.descriptors.size()});
    if (error == EAGAIN || MayPass(error)) return WaitToSend(error);
    // That the peer is gone the receiving side reports, after what came before.
    const bool is_lost = error != 0 && error != EPIPE && error != ECONNRESET;
    if (is_lost && handlers_->on_send_failed) return FailToSend(error);
    if (error != 0) ++lost_;
    queued_bytes_ -= next.payload.size();
    queue_.pop_front();
  }
  StopWaitingForRoom();
  const std::shared_ptr<Handlers> handlers = handlers_;
  if (handlers->on_queue_sent) handlers->on_queue_sent();
}

void Channel::FailToSend(int error) {
  send_failure_ = ErrnoStatus(error, "sendmsg");
  DropQueue();
  StopWaitingForRoom();
  const std::shared_ptr<Handlers> handlers = handlers_;
  handlers->on_send_failed(send_failure_);
}

void Channel::StopWaitingForRoom() {
  if (!wants_room_) return;
  wants_room_ = false;
  UpdateWatch();
}

void Channel::SendQueuedNow() {
  if (!queue_.empty() && !closed_) Flush();
}

FORKSERVER_LAUNCH_PATH void Channel::OnReady(uint32_t events) {
  const std::shared_ptr<bool> alive = alive_;
  if ((events & EPOLLOUT) != 0) Flush();
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 || !*alive) return;
  const bool is_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  const bool is_told = is_end && handlers_->on_hang_up;
  if (is_told) {
    const std::shared_ptr<Handlers> handlers = handlers_;
    handlers->on_hang_up();
    if (!*alive) return;
  }
  const bool hears_all = is_end && !is_told;
  Receive(is_end ? kPacketsAWakeUp : PacketsToReceive(),
          [&] { return hears_all || attention_ == Attention::kMessages; });
}

FORKSERVER_LAUNCH_PATH int Channel::PacketsToReceive() {
  // Whoever wants to know of each look at the socket gets them all.
  if (is_burst_ || handlers_->before_receive || handlers_->on_drained) return kPacketsAWakeUp;
  if (++lone_wake_ups_ < kLoneWakeUps) return 1;
  lone_wake_ups_ = 0;
  return kPacketsAWakeUp;
}

void Channel::ReceiveNow(const std::function<bool()>& wanted) {
  Receive(kPacketsInASocket, wanted);
}

FORKSERVER_LAUNCH_PATH void Channel::Receive(int max_packets, const std::function<bool()>& wanted) {
  // A handler may destroy the channel: what it runs in, and the payload that it was given, live
  // until it has returned.
  const std::shared_ptr<bool> alive = alive_;
  const std::shared_ptr<Handlers> handlers = handlers_;
  const std::shared_ptr<uint8_t[]> buffer = buffer_;
  Packet packet({buffer.get(), buffer_size_}, Sender::kUntrusted);
  const auto stopped = [&] { return !*alive || watch_ == 0 || !wanted(); };
  for (int i = 0; i < max_packets && !stopped(); ++i) {
    if (handlers->before_receive) handlers->before_receive();
    if (stopped()) return;
    switch (ReceivePacket(socket_.get(), Blocking::kNever, packet)) {
      case PacketOutcome::kMessage:
      case PacketOutcome::kRejected:
        is_burst_ = i > 0;
        handlers->on_packet(packet);
        break;
      case PacketOutcome::kWouldBlock:
        if (handlers->on_drained) handlers->on_drained();
        return;
      case PacketOutcome::kClosed:
        return Close(absl::UnavailableError("the peer is gone"));
      case PacketOutcome::kError:
        return Close(ErrnoStatus(packet.error(), "recvmsg"));
    }
  }
}

void Channel::Close(absl::Status why) {
  StopWatching();
  closed_ = true;
  DropQueue();
  const std::shared_ptr<Handlers> handlers = handlers_;
  if (handlers->on_closed) handlers->on_closed(std::move(why));
}

void Channel::DropQueue() {
  lost_ += queue_.size();
  queue_.clear();
  queued_bytes_ = 0;
}

void Channel::StopWatching() {
  if (watch_ != 0) loop_.Unwatch(std::exchange(watch_, 0));
  if (retry_ != 0) loop_.CancelTimer(std::exchange(retry_, 0));
}

UniqueFd Channel::TakeSocket() {
  StopWatching();
  DropQueue();
  return std::move(socket_);
}

}  // namespace forkserver
