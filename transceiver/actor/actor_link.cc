#include "transceiver/actor/actor_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/actor/lingering_goodbye.h"
#include "transceiver/actor/wire.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

// A look at the queue that waits for something else than room, for the kernel's bound on
// descriptors in flight, while CallAndWait keeps the loop from it.
constexpr int64_t kQueueLook = 5 * kNanosPerMilli;

std::vector<UniqueFd> TakeAll(DescriptorList& list) {
  std::vector<UniqueFd> all;
  all.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) all.push_back(list.Take(i));
  return all;
}

// Ok: the payload is no refusal.
absl::Status ReadReject(std::span<const uint8_t> payload) {
  FieldReader in(payload, {});
  const uint32_t code = in.Number<uint32_t>();
  const uint32_t size = in.Number<uint32_t>();
  const std::span<const uint8_t> text = in.Bytes(size);
  if (!in.End("").ok() || size > kMaxRejectText || code == 0 ||
      code > static_cast<uint32_t>(absl::StatusCode::kUnauthenticated)) {
    return absl::OkStatus();
  }
  return absl::Status(static_cast<absl::StatusCode>(code),
                      absl::string_view(reinterpret_cast<const char*>(text.data()), size));
}

}  // namespace

class ActorLink::RunningHandler {
 public:
  explicit RunningHandler(ActorLink& link) : link_(link) { ++link_.running_handlers_; }
  RunningHandler(const RunningHandler&) = delete;
  RunningHandler& operator=(const RunningHandler&) = delete;
  ~RunningHandler() {
    if (--link_.running_handlers_ == 0 && link_.close_soon_) link_.Close();
  }

 private:
  ActorLink& link_;
};

std::string ActorLink::Named(std::string_view message, std::string_view what) const {
  return absl::StrFormat("%s %s: %s", name_, message, what);
}

absl::Status ActorLink::Violation(std::string_view what) const {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", name_, what));
}

absl::Status ActorLink::Bind(EventLoop& loop, UniqueFd socket, PeerName peer, PeerRole peer_role,
                             const ActorTable& table, ActorOptions options, size_t early_sent) {
  if (state_ != State::kUnbound && state_ != State::kEarly) {
    return absl::FailedPreconditionError(absl::StrFormat("%s: was bound already", name_));
  }
  if (!socket.is_open())
    return absl::InvalidArgumentError(absl::StrCat(Named("Bind", "no socket")));
  if (options.peer_pid != 0) {
    if (const int error = TellSender(socket.get()); error != 0) {
      return ErrnoStatus(error, Named("Bind", "setsockopt SO_PASSCRED"));
    }
  }
  auto channel = std::make_unique<Channel>(
      loop, std::move(socket),
      Channel::Handlers{.on_packet = [this](Packet& packet) { OnPacket(packet); },
                        .on_closed = [this](absl::Status why) { OnClosed(std::move(why)); },
                        .on_queue_sent = [this] { OnQueueSent(); }},
      table.max_received);
  if (absl::Status started = channel->Start(); !started.ok()) return started;
  loop_ = &loop;
  channel_ = std::move(channel);
  peer_ = std::move(peer);
  peer_role_ = peer_role;
  table_ = table;
  options_ = std::move(options);
  if (scratch_ == nullptr) scratch_ = std::make_unique_for_overwrite<uint8_t[]>(table.max_sent);
  state_ = State::kOpen;
  SendEarly(early_sent);
  if (close_when_delivered_) CloseWhenDelivered();
  return absl::OkStatus();
}

void ActorLink::BeginEarly(const ActorTable& table) {
  if (state_ != State::kUnbound) return;
  table_ = table;
  scratch_ = std::make_unique_for_overwrite<uint8_t[]>(table.max_sent);
  state_ = State::kEarly;
}

void ActorLink::EndEarly(absl::Status why) {
  if (state_ == State::kEarly) End({ActorEnd::How::kAbnormal, std::move(why)});
}

absl::Status ActorLink::KeepEarly(std::string_view message, const Frame& frame, FieldWriter& out) {
  EarlyPacket packet = {.frame = frame};
  for (const iovec& part : out.payload()) {
    const auto* const bytes = static_cast<const uint8_t*>(part.iov_base);
    packet.payload.insert(packet.payload.end(), bytes, bytes + part.iov_len);
  }
  for (const int fd : out.descriptors()) {
    packet.descriptors.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!packet.descriptors.back().is_open()) return ErrnoStatus(errno, Named(message, "fcntl"));
  }
  early_bytes_ += packet.payload.size();
  early_.push_back(std::move(packet));
  return absl::OkStatus();
}

void ActorLink::SendEarly(size_t sent_before) {
  const std::vector<EarlyPacket> early = std::exchange(early_, {});
  for (const EarlyPacket& packet : std::span(early).subspan(sent_before)) {
    std::vector<int> descriptors;
    for (const UniqueFd& fd : packet.descriptors) descriptors.push_back(fd.get());
    const absl::Status sent = channel_->Send(packet.frame, packet.payload, descriptors);
    // A peer that is gone is told of by the channel. Anything else would be a message that is
    // missing among the others.
    if (!sent.ok() && !absl::IsUnavailable(sent)) {
      return FailSoon(
          absl::Status(sent.code(), absl::StrFormat("%s: what was sent before Bind: %s", name_,
                                                    std::string(sent.message()))));
    }
  }
  if (on_room_ && channel_->queued_messages() == 0) ScheduleTurn();
}

void ActorLink::Detach() {
  owner_ = nullptr;
  state_ = State::kEnded;
  channel_.reset();
  if (turn_ != 0) loop_->CancelTimer(std::exchange(turn_, 0));
  // Out of the members first: what a callback has captured may come back here as it goes.
  const auto pending = std::exchange(pending_, {});
  const auto on_room = std::exchange(on_room_, nullptr);
  const auto kept = std::exchange(kept_, {});
}

absl::Status ActorLink::CheckMaySend(std::string_view message) const {
  if ((state_ == State::kOpen || state_ == State::kEarly) && !close_soon_ &&
      !close_when_delivered_) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(Named(
      message, state_ == State::kUnbound ? "not bound yet" : "too late to send, message lost"));
}

absl::Status ActorLink::SendFrame(size_t row, uint64_t request_id, FieldWriter& out) {
  const std::string_view message = table_.rows[row].name;
  if (!out.ok()) return out.status(message);
  if (absl::Status room = CheckRoom(message, out.size()); !room.ok()) return room;
  const Frame frame = {.type = static_cast<uint16_t>(kFirstApplicationType + row),
                       .request_id = request_id};
  if (state_ == State::kEarly) return KeepEarly(message, frame, out);
  absl::Status sent = channel_->SendParts(frame, out.payload(), out.descriptors());
  if (sent.ok()) return sent;
  return absl::Status(sent.code(), Named(message, std::string(sent.message())));
}

absl::Status ActorLink::CheckRoom(std::string_view message, size_t bytes) const {
  const size_t queued = queued_messages();
  const size_t queued_bytes = channel_ != nullptr ? channel_->queued_bytes() : early_bytes_;
  if (queued == 0 || (queued < options_.max_queued_messages &&
                      queued_bytes + bytes <= options_.max_queued_bytes)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(Named(
      message, absl::StrFormat("%d messages and %d bytes wait already", queued, queued_bytes)));
}

absl::Status ActorLink::Send(size_t row, FieldWriter& out) { return SendFrame(row, 0, out); }

absl::Status ActorLink::Call(size_t row, FieldWriter& out, AnswerCallback callback) {
  const uint64_t id = last_request_ + 1;
  if (absl::Status sent = SendFrame(row, id, out); !sent.ok()) return sent;
  last_request_ = id;
  pending_.emplace(id, PendingCall{.row = row, .callback = std::move(callback)});
  return absl::OkStatus();
}

absl::StatusOr<ActorLink::Answer> ActorLink::CallAndWait(size_t row, FieldWriter& out,
                                                         absl::Duration timeout) {
  const int64_t deadline = DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(timeout));
  const std::string_view message = table_.rows[row].name;
  if (is_waiting_) return absl::FailedPreconditionError(Named(message, "inside another wait"));
  if (channel_ == nullptr) return absl::FailedPreconditionError(Named(message, "not bound yet"));
  const uint64_t id = last_request_ + 1;
  if (absl::Status sent = SendFrame(row, id, out); !sent.ok()) return sent;
  last_request_ = id;
  if (answer_buffer_ == nullptr) {
    answer_buffer_ = std::make_unique_for_overwrite<uint8_t[]>(table_.max_received);
  }
  // Its answer is expected from here on, also when nobody waits for it any more.
  pending_.emplace(id, PendingCall{.row = row});
  Packet packet({answer_buffer_.get(), table_.max_received});
  is_waiting_ = true;
  absl::Status failure;
  bool is_answered = false;
  while (!is_answered && failure.ok()) {
    if (kept_.size() >= options_.max_queued_messages || kept_bytes_ > options_.max_queued_bytes) {
      failure = absl::ResourceExhaustedError(
          Named(message, absl::StrFormat("%d messages came while it waited", kept_.size())));
      break;
    }
    channel_->SendQueuedNow();
    const bool has_queue = channel_->queued_messages() != 0;
    switch (ReceivePacket(channel_->fd(), Blocking::kNever, packet)) {
      case PacketOutcome::kMessage:
      case PacketOutcome::kRejected: {
        const Frame& frame = packet.frame();
        const bool is_good = CheckPacket(packet.frame_error(), packet.sender_pid(), frame).ok();
        const bool is_answer = frame.type == kActorReply || frame.type == kActorReject;
        if (is_good && is_answer && frame.request_id == id) {
          is_answered = true;
          break;
        }
        if (!is_good) {
          failure = absl::UnavailableError(Named(message, "the peer broke the protocol"));
        } else if (frame.type == kActorGoodbye) {
          failure = absl::UnavailableError(Named(message, "the peer has closed"));
        }
        Keep(packet);
        break;
      }
      case PacketOutcome::kClosed:
        failure = absl::UnavailableError(Named(message, "the peer went without Goodbye"));
        break;
      case PacketOutcome::kError:
        failure = ErrnoStatus(packet.error(), Named(message, "recvmsg"));
        break;
      case PacketOutcome::kWouldBlock: {
        const int64_t now = NowNanos();
        if (now >= deadline) {
          failure = absl::DeadlineExceededError(Named(message, "no answer in time"));
          break;
        }
        const int64_t until = has_queue ? std::min(deadline, now + kQueueLook) : deadline;
        PollUntil(channel_->fd(), POLLIN, until);
        break;
      }
    }
  }
  is_waiting_ = false;
  if (!kept_.empty() || !failure.ok()) {
    UpdateAttention();
    ScheduleTurn();
  }
  if (!failure.ok()) return failure;
  pending_.erase(id);
  Answer answer = {.payload = packet.payload(), .descriptors = TakeAll(packet.descriptors())};
  if (packet.frame().type == kActorReject) {
    absl::Status refusal = ReadReject(answer.payload);
    if (!refusal.ok()) return refusal;
    refusal = Violation(absl::StrFormat("malformed refusal of %s", message));
    FailSoon(refusal);
    return refusal;
  }
  if (table_.rows[row].reply_has_endpoint && peer_role_ != PeerRole::kParentProcess) {
    absl::Status violation = Violation(
        absl::StrFormat("reply to %s: an endpoint that is not the parent process's", message));
    FailSoon(violation);
    return violation;
  }
  return answer;
}

bool ActorLink::AwaitsAnswers() const {
  return state_ == State::kOpen || state_ == State::kClosing;
}

void ActorLink::SendControl(uint16_t type, uint64_t request_id, PayloadParts payload,
                            std::span<const int> descriptors) {
  const absl::Status sent =
      channel_->SendParts({.type = type, .request_id = request_id}, payload, descriptors);
  // A peer that is gone is told of by the channel, after what it had sent.
  if (!absl::IsResourceExhausted(sent)) return;
  FailSoon(absl::ResourceExhaustedError(
      absl::StrFormat("%s: the peer does not read its answers", name_)));
}

void ActorLink::SendAnswer(uint16_t type, uint64_t request_id, PayloadParts payload,
                           std::span<const int> descriptors) {
  SendControl(type, request_id, payload, descriptors);
  --unanswered_;
  if (!is_paused_ || unanswered_ > options_.max_unanswered / 2) return;
  is_paused_ = false;
  UpdateAttention();
  if (!kept_.empty()) ScheduleTurn();
}

void ActorLink::Resolve(uint64_t request_id, std::string_view message, FieldWriter& out) {
  if (!out.ok()) {
    return Reject(request_id,
                  absl::InternalError(std::string(
                      out.status(absl::StrCat("reply to ", std::string(message))).message())));
  }
  SendAnswer(kActorReply, request_id, out.payload(), out.descriptors());
}

void ActorLink::Reject(uint64_t request_id, const absl::Status& why) {
  if (!AwaitsAnswers()) return;
  const absl::string_view text = why.message().substr(0, kMaxRejectText);
  uint8_t bytes[kMaxRejectBytes];
  FieldWriter out(bytes);
  // Ok is no refusal: whoever rejects with it gets Unknown across.
  out.Number(static_cast<uint32_t>(why.ok() ? absl::StatusCode::kUnknown : why.code()));
  out.Number(static_cast<uint32_t>(text.size()));
  out.Put(text.data(), text.size());
  SendAnswer(kActorReject, request_id, out.payload(), {});
}

void ActorLink::RejectDropped(uint64_t request_id, std::string_view message) {
  if (!AwaitsAnswers()) return;
  const std::string line = Named(message, "dropped unanswered");
  Reject(request_id, absl::AbortedError(line));
  if (options_.log) options_.log(line);
}

void ActorLink::Close() {
  if (state_ == State::kUnbound || state_ == State::kBroken || state_ == State::kEnded) return;
  if (running_handlers_ != 0) {
    fprintf(stderr, "%.*s: Close inside a handler; CloseSoon is for that\n",
            static_cast<int>(name_.size()), name_.data());
    abort();
  }
  if (channel_ != nullptr) SayGoodbye();
  End({.how = ActorEnd::How::kNormal});
}

void ActorLink::CloseSoon() {
  if (state_ == State::kUnbound) return;
  if (running_handlers_ == 0) return Close();
  close_soon_ = true;
}

void ActorLink::CloseWhenDelivered() {
  if (state_ == State::kEarly) close_when_delivered_ = true;
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  SendControl(kActorSentinel, 0, {}, {});
}

void ActorLink::SayGoodbye() { SendGoodbye(*loop_, channel_->TakeSocket()); }

void ActorLink::OnRoom(std::function<void()> callback) {
  on_room_ = std::move(callback);
  if (AwaitsAnswers() && channel_->queued_messages() == 0) ScheduleTurn();
}

void ActorLink::RunOnRoom() {
  if (!on_room_ || channel_->queued_messages() != 0) return;
  const RunningHandler running(*this);
  const std::function<void()> callback = std::exchange(on_room_, nullptr);
  callback();
}

void ActorLink::FailSoon(absl::Status violation) {
  fault_.Update(violation);
  ScheduleTurn();
}

void ActorLink::ScheduleTurn() {
  if (turn_ != 0 || !AwaitsAnswers()) return;
  turn_ = loop_->AddTimer(0, [this] {
    turn_ = 0;
    OnTurn();
  });
}

void ActorLink::OnTurn() {
  const std::shared_ptr<ActorLink> self = shared_from_this();
  if (!fault_.ok()) return Break(fault_);
  DrainKept();
  if (AwaitsAnswers()) RunOnRoom();
}

void ActorLink::OnQueueSent() {
  if (!on_room_) return;
  if (is_waiting_) return ScheduleTurn();
  const std::shared_ptr<ActorLink> self = shared_from_this();
  RunOnRoom();
}

void ActorLink::UpdateAttention() {
  channel_->SetAttention(kept_.empty() && !IsPaused() ? Attention::kMessages : Attention::kHangUp);
}

void ActorLink::Keep(Packet& packet) {
  Kept kept = {.error = packet.frame_error(),
               .sender_pid = packet.sender_pid(),
               .frame = packet.frame(),
               .payload = {packet.payload().begin(), packet.payload().end()},
               .descriptors = TakeAll(packet.descriptors())};
  kept_bytes_ += kept.payload.size();
  kept_.push_back(std::move(kept));
}

void ActorLink::DrainKept() {
  while (!kept_.empty() && !IsPaused() && AwaitsAnswers()) {
    Kept next = std::move(kept_.front());
    kept_.pop_front();
    kept_bytes_ -= next.payload.size();
    const absl::Status handled =
        Handle(next.error, next.sender_pid, next.frame, {next.payload, next.descriptors});
    if (!handled.ok()) Break(handled);
  }
  if (!AwaitsAnswers()) return;
  if (kept_.empty() && !closed_.ok()) return End({ActorEnd::How::kAbnormal, closed_});
  UpdateAttention();
}

void ActorLink::OnPacket(Packet& packet) {
  const std::shared_ptr<ActorLink> self = shared_from_this();
  if (packet.frame_error() == FrameError::kDescriptorsTruncated) {
    // Not the peer's doing; but the message is lost, and its descriptors.
    return End({ActorEnd::How::kAbnormal,
                absl::ResourceExhaustedError(absl::StrFormat(
                    "%s: this process has no room for the descriptors of a message", name_))});
  }
  if (!kept_.empty() || IsPaused()) return Keep(packet);
  absl::Status handled;
  if (packet.descriptors().size() == 0) {
    handled =
        Handle(packet.frame_error(), packet.sender_pid(), packet.frame(), {packet.payload(), {}});
  } else {
    std::vector<UniqueFd> descriptors = TakeAll(packet.descriptors());
    handled = Handle(packet.frame_error(), packet.sender_pid(), packet.frame(),
                     {packet.payload(), descriptors});
  }
  if (!handled.ok()) Break(handled);
}

void ActorLink::OnClosed(absl::Status why) {
  const std::shared_ptr<ActorLink> self = shared_from_this();
  why =
      absl::IsUnavailable(why)
          ? absl::UnavailableError(absl::StrFormat("%s: the peer went without Goodbye", name_))
          : absl::Status(why.code(), absl::StrFormat("%s: %s", name_, std::string(why.message())));
  if (kept_.empty()) return End({ActorEnd::How::kAbnormal, std::move(why)});
  closed_ = std::move(why);
  ScheduleTurn();
}

absl::Status ActorLink::CheckPacket(FrameError error, int32_t sender_pid,
                                    const Frame& frame) const {
  if (error != FrameError::kNone) {
    return Violation(absl::StrCat("malformed packet: ", std::string(FrameErrorText(error))));
  }
  if (options_.peer_pid != 0 && sender_pid != options_.peer_pid) {
    return Violation(absl::StrFormat("sent by pid %d, not by %d", sender_pid, options_.peer_pid));
  }
  if (frame.flags != kNoFlags) return Violation("a frame with flags");
  return absl::OkStatus();
}

absl::Status ActorLink::Handle(FrameError error, int32_t sender_pid, const Frame& frame,
                               const ArrivedFields& fields) {
  if (absl::Status checked = CheckPacket(error, sender_pid, frame); !checked.ok()) return checked;
  if (frame.type >= kFirstApplicationType) return HandleMessage(frame, fields);
  if (frame.type == kActorReply || frame.type == kActorReject) return HandleAnswer(frame, fields);
  return HandleControl(frame, fields);
}

absl::Status ActorLink::HandleMessage(const Frame& frame, const ArrivedFields& fields) {
  const size_t index = frame.type - size_t{kFirstApplicationType};
  if (index >= table_.rows.size()) {
    return Violation(absl::StrFormat("unknown message %d", index));
  }
  const ActorMessageRow& row = table_.rows[index];
  if (row.receive == nullptr) {
    return absl::InvalidArgumentError(Named(row.name, "sent in the wrong direction"));
  }
  if (row.is_call != (frame.request_id != 0)) {
    return absl::InvalidArgumentError(
        Named(row.name, row.is_call ? "a call without a request id" : "one way with a request id"));
  }
  if (row.has_endpoint && peer_role_ != PeerRole::kParentProcess) {
    return absl::InvalidArgumentError(
        Named(row.name, "an endpoint that is not the parent process's"));
  }
  // A call among them is refused by the end of the actor.
  if (drops_messages_) return absl::OkStatus();
  if (row.is_call && ++unanswered_ >= options_.max_unanswered) is_paused_ = true;
  absl::Status handled;
  {
    const RunningHandler running(*this);
    handled = row.receive(actor_, *this, frame.request_id, fields);
  }
  if (is_paused_ && AwaitsAnswers()) UpdateAttention();
  if (handled.ok()) return handled;
  return absl::Status(handled.code(),
                      absl::StrFormat("%s %s", name_, std::string(handled.message())));
}

absl::Status ActorLink::HandleAnswer(const Frame& frame, const ArrivedFields& fields) {
  const auto found = pending_.find(frame.request_id);
  if (found == pending_.end()) {
    return Violation(
        absl::StrFormat("an answer to request %d, which waits for none", frame.request_id));
  }
  const ActorMessageRow& row = table_.rows[found->second.row];
  absl::Status refusal;
  if (frame.type == kActorReject) {
    refusal = ReadReject(fields.payload);
    if (refusal.ok() || !fields.descriptors.empty()) {
      return Violation(absl::StrFormat("malformed refusal of %s", row.name));
    }
  } else if (row.reply_has_endpoint && peer_role_ != PeerRole::kParentProcess) {
    return Violation(
        absl::StrFormat("reply to %s: an endpoint that is not the parent process's", row.name));
  }
  PendingCall call = std::move(found->second);
  pending_.erase(found);
  if (!call.callback) return absl::OkStatus();
  absl::Status handled;
  {
    const RunningHandler running(*this);
    handled = call.callback(refusal.ok() ? &fields : nullptr, refusal);
  }
  if (handled.ok() || owner_ == nullptr) return absl::OkStatus();
  // Told with the others when the actor ends.
  pending_.emplace(frame.request_id, std::move(call));
  return absl::Status(handled.code(),
                      absl::StrFormat("%s %s", name_, std::string(handled.message())));
}

absl::Status ActorLink::HandleControl(const Frame& frame, const ArrivedFields& fields) {
  if (!fields.payload.empty() || !fields.descriptors.empty() || frame.request_id != 0) {
    return Violation(absl::StrFormat("frame type %d with something in it", frame.type));
  }
  switch (frame.type) {
    case kActorGoodbye:
      End({.how = ActorEnd::How::kNormal});
      return absl::OkStatus();
    case kActorSentinel:
      SendControl(kActorSentinelAnswer, 0, {}, {});
      return absl::OkStatus();
    case kActorSentinelAnswer:
      if (state_ != State::kClosing) return Violation("an answer to no sentinel");
      SayGoodbye();
      End({.how = ActorEnd::How::kNormal});
      return absl::OkStatus();
    default:
      return Violation(absl::StrFormat("unknown frame type %d", frame.type));
  }
}

void ActorLink::Break(const absl::Status& violation) {
  if (!AwaitsAnswers()) return;
  const absl::Status why = violation;
  state_ = State::kBroken;
  if (options_.on_violation) options_.on_violation(why);
  if (owner_ != nullptr) End({ActorEnd::How::kAbnormal, why});
}

void ActorLink::End(ActorEnd end) {
  if (state_ == State::kEnded) return;
  const std::shared_ptr<ActorLink> self = shared_from_this();
  state_ = State::kEnded;
  channel_.reset();
  if (turn_ != 0) loop_->CancelTimer(std::exchange(turn_, 0));
  // As in Detach.
  const auto on_room = std::exchange(on_room_, nullptr);
  const auto kept = std::exchange(kept_, {});
  auto pending = std::exchange(pending_, {});
  std::vector<uint64_t> ids;
  for (const auto& [id, call] : pending) {
    if (call.callback) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    PendingCall& call = pending[id];
    const std::string_view message = table_.rows[call.row].name;
    const absl::Status why = absl::UnavailableError(Named(
        message, end.is_normal() ? "closed before the answer" : std::string(end.why.message())));
    (void)call.callback(nullptr, why);
    if (owner_ == nullptr) return;
  }
  if (Owner* const owner = std::exchange(owner_, nullptr); owner != nullptr) {
    owner->ActorDestroy(end);
  }
}

}  // namespace forkserver
