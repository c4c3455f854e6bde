#include "transceiver/actor/actor_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/actor/lingering_goodbye.h"
#include "transceiver/actor/running_handler.h"
#include "transceiver/actor/wire.h"
#include "transceiver/errno_status.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

std::string_view NameOf(uint16_t control_type) {
  switch (control_type) {
    case kActorReply:
      return "a reply";
    case kActorReject:
      return "a refusal";
    case kActorSentinel:
      return "the sentinel";
    case kActorYourPid:
      return "its pid";
    default:
      return "the sentinel's answer";
  }
}

}  // namespace

std::string ActorLink::Named(std::string_view message, std::string_view what) const {
  return absl::StrFormat("%s %s: %s", name_, message, what);
}

absl::Status ActorLink::Violation(std::string_view what) const {
  return absl::InvalidArgumentError(absl::StrFormat("%s: %s", name_, what));
}

FORKSERVER_LAUNCH_PATH absl::Status ActorLink::Bind(EventLoop& loop, UniqueFd socket, PeerName peer,
                                                    PeerRole peer_role, const ActorTable& table,
                                                    ActorOptions options, size_t early_sent) {
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
                        .on_hang_up = [this] { OnHangUp(); },
                        .on_closed = [this](absl::Status why) { OnClosed(std::move(why)); },
                        .on_queue_sent = [this] { OnQueueSent(); },
                        .on_send_failed = [this](absl::Status why) { OnSendFailed(why); }},
      table.max_received);
  if (absl::Status started = channel->Start(); !started.ok()) {
    return absl::Status(started.code(), Named("Bind", std::string(started.message())));
  }
  loop_ = &loop;
  channel_ = std::move(channel);
  peer_ = std::move(peer);
  peer_role_ = peer_role;
  table_ = table;
  options_ = std::move(options);
  state_ = State::kOpen;
  if (log_ != nullptr) LogPeer();
  if (is_parent_side_ && options_.peer_pid != 0 && MessageLog::IsOn()) SendYourPid();
  SendEarly(early_sent);
  if (close_when_delivered_) CloseWhenDelivered();
  // EndSoon came before there was a loop.
  if (!own_fault_.ok()) ScheduleTurn();
  return absl::OkStatus();
}

void ActorLink::BeginEarly(const ActorTable& table) {
  if (state_ != State::kUnbound) return;
  table_ = table;
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
  if (log_ != nullptr) LogEarly(frame);
  early_bytes_ += packet.payload.size();
  queued_.Add({.descriptors = packet.descriptors.size()});
  early_.push_back(std::move(packet));
  return absl::OkStatus();
}

FORKSERVER_LAUNCH_PATH void ActorLink::SendEarly(size_t sent_before) {
  const std::vector<EarlyPacket> early = std::exchange(early_, {});
  queued_.Leave(0);
  if (log_ != nullptr) log_->queue.clear();
  for (const EarlyPacket& packet : std::span(early).subspan(sent_before)) {
    std::vector<int> descriptors;
    for (const UniqueFd& fd : packet.descriptors) descriptors.push_back(fd.get());
    const iovec payload = {const_cast<uint8_t*>(packet.payload.data()), packet.payload.size()};
    const absl::Status sent =
        SendNow(QueueTally::Kind::kOther, packet.frame, PayloadParts(&payload, 1), descriptors);
    if (log_ != nullptr && !sent.ok()) LogLost(packet.frame, sent);
    // A peer that is gone is told of by the channel. Anything else would be a message that is
    // missing among the others.
    if (!sent.ok() && !absl::IsUnavailable(sent)) {
      return EndSoon(
          absl::Status(sent.code(), absl::StrFormat("%s: what was sent before Bind: %s", name_,
                                                    std::string(sent.message()))));
    }
  }
  if (on_room_ && channel_->queued_messages() == 0) ScheduleTurn();
}

void ActorLink::Detach() {
  owner_ = nullptr;
  if (log_ != nullptr && state_ != State::kUnbound && state_ != State::kEnded) LogDestroyed();
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
  absl::Status why = absl::FailedPreconditionError(Named(
      message, state_ == State::kUnbound ? "not bound yet" : "too late to send, message lost"));
  if (log_ != nullptr) LogUnsent(message, why);
  return why;
}

inline absl::Status ActorLink::TrySendFrame(size_t row, uint64_t request_id, FieldWriter& out) {
  const std::string_view message = table_.rows[row].name;
  if (!out.ok()) return out.status(message);
  if (request_id != 0 && !HasRoomForCalls()) {
    return absl::ResourceExhaustedError(Named(
        message, absl::StrFormat("%d calls wait for their answers already", pending_.size())));
  }
  if (absl::Status room = CheckRoom(message, out); !room.ok()) return room;
  const Frame frame = {.type = static_cast<uint16_t>(kFirstApplicationType + row),
                       .request_id = request_id};
  if (log_ != nullptr) LogSending(frame);
  if (state_ == State::kEarly) return KeepEarly(message, frame, out);
  absl::Status sent = SendNow(QueueTally::Kind::kOther, frame, out.payload(), out.descriptors());
  if (sent.ok()) return sent;
  return absl::Status(sent.code(), Named(message, std::string(sent.message())));
}

absl::Status ActorLink::SendFrame(size_t row, uint64_t request_id, FieldWriter& out) {
  absl::Status sent = TrySendFrame(row, request_id, out);
  if (log_ != nullptr && !sent.ok()) LogUnsent(table_.rows[row].name, sent);
  return sent;
}

FORKSERVER_LAUNCH_PATH absl::Status ActorLink::SendNow(QueueTally::Kind kind, const Frame& frame,
                                                       PayloadParts payload,
                                                       std::span<const int> descriptors) {
  const size_t queued_before = Queued().size();
  absl::Status sent = channel_->SendParts(frame, payload, descriptors);
  if (channel_->queued_messages() > queued_before) {
    queued_.Add({.kind = kind, .bytes = PayloadBytes(payload), .descriptors = descriptors.size()});
    if (log_ != nullptr) LogQueued(frame);
  }
  return sent;
}

absl::Status ActorLink::CheckRoom(std::string_view message, const FieldWriter& out) {
  const size_t queued = queued_messages();
  if (queued == 0) return absl::OkStatus();
  const size_t descriptors = Queued().descriptors();
  if (!out.descriptors().empty() &&
      descriptors + out.descriptors().size() > options_.max_queued_descriptors) {
    return absl::ResourceExhaustedError(
        Named(message, absl::StrFormat("%d descriptors wait already", descriptors)));
  }
  const size_t queued_bytes = channel_ != nullptr ? channel_->queued_bytes() : early_bytes_;
  if (queued < options_.max_queued_messages &&
      queued_bytes + out.size() <= options_.max_queued_bytes) {
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

void ActorLink::ForgetCall(uint64_t request_id) {
  pending_.erase(request_id);
  if (on_room_ && pending_.size() + 1 == kMostCallsInFlight) ScheduleTurn();
}

FORKSERVER_LAUNCH_PATH bool ActorLink::AwaitsAnswers() const {
  return state_ == State::kOpen || state_ == State::kClosing;
}

FORKSERVER_LAUNCH_PATH void ActorLink::SendControl(uint16_t type, uint64_t request_id,
                                                   PayloadParts payload,
                                                   std::span<const int> descriptors) {
  const bool is_answer = type == kActorReply || type == kActorReject;
  const Frame frame = {.type = type, .request_id = request_id};
  const absl::Status sent =
      SendNow(is_answer ? QueueTally::Kind::kAnswer : QueueTally::Kind::kOther, frame, payload,
              descriptors);
  if (log_ != nullptr && !sent.ok()) LogLost(frame, sent);
  // A peer that is gone is told of by the channel, after what it had sent. Anything else is this
  // process's own lack, and the peer waits for what does not come.
  if (sent.ok() || absl::IsUnavailable(sent)) return;
  EndSoon(absl::Status(sent.code(), absl::StrFormat("%s: %s was not sent: %s", name_, NameOf(type),
                                                    std::string(sent.message()))));
}

void ActorLink::Close() {
  if (state_ == State::kUnbound || state_ == State::kBroken || state_ == State::kEnded) return;
  if (running_handlers_ != 0) {
    fprintf(stderr, "%.*s: Close inside a handler; CloseSoon is for that\n",
            static_cast<int>(name_.size()), name_.data());
    abort();
  }
  if (channel_ == nullptr) return End({.how = ActorEnd::How::kNormal});
  EndWithGoodbye();
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
  if (log_ != nullptr) LogSending({.type = kActorSentinel});
  SendControl(kActorSentinel, 0, {}, {});
}

void ActorLink::EndWithGoodbye() {
  if (!fault_.ok()) return Break(fault_);
  if (log_ != nullptr) LogGoodbye();
  UniqueFd socket = channel_->TakeSocket();
  const int error = options_.goodbye_waits == GoodbyeWaits::kInClose
                        ? SendGoodbyeAndWait(std::move(socket))
                        : SendGoodbye(*loop_, std::move(socket));
  if (error == 0) return End({.how = ActorEnd::How::kNormal});
  End({ActorEnd::How::kAbnormal,
       ErrnoStatus(error, absl::StrFormat("%s: the Goodbye was not sent: sendmsg", name_))});
}

void ActorLink::OnRoom(std::function<void()> callback) {
  on_room_ = std::move(callback);
  if (AwaitsAnswers() && channel_->queued_messages() == 0 && HasRoomForCalls()) ScheduleTurn();
}

void ActorLink::RunOnRoom() {
  if (!on_room_ || channel_->queued_messages() != 0 || !HasRoomForCalls()) return;
  const RunningHandler running(*this);
  const std::function<void()> callback = std::exchange(on_room_, nullptr);
  callback();
}

void ActorLink::FailSoon(absl::Status violation) {
  fault_.Update(violation);
  ScheduleTurn();
}

void ActorLink::EndSoon(absl::Status why) {
  own_fault_.Update(why);
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
  if (!own_fault_.ok()) return End({ActorEnd::How::kAbnormal, own_fault_});
  DrainKept();
  if (AwaitsAnswers()) RunOnRoom();
}

void ActorLink::OnQueueSent() {
  if (log_ != nullptr) LogQueueSent();
  if (!on_room_) return;
  if (is_waiting_) return ScheduleTurn();
  const std::shared_ptr<ActorLink> self = shared_from_this();
  RunOnRoom();
}

void ActorLink::OnSendFailed(const absl::Status& why) {
  if (log_ != nullptr) LogLostQueue(why);
  EndSoon(absl::Status(why.code(), absl::StrFormat("%s: what was queued is lost: %s", name_,
                                                   std::string(why.message()))));
}

void ActorLink::Break(const absl::Status& violation) {
  if (!AwaitsAnswers()) return;
  const std::shared_ptr<ActorLink> self = shared_from_this();
  const absl::Status why = violation;
  state_ = State::kBroken;
  if (options_.on_violation) options_.on_violation(why);
  if (owner_ != nullptr) End({ActorEnd::How::kAbnormal, why});
}

void ActorLink::End(ActorEnd end) {
  if (state_ == State::kEnded) return;
  // A violation that waits for its turn is told whatever comes before that.
  if (!fault_.ok() && state_ != State::kBroken) return Break(fault_);
  const std::shared_ptr<ActorLink> self = shared_from_this();
  state_ = State::kEnded;
  if (log_ != nullptr) LogEnd(end);
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
    const absl::Status why = absl::UnavailableError(
        Named(message, end.is_normal() ? absl::StrCat("closed before the answer", why_it_closes_)
                                       : std::string(end.why.message())));
    (void)call.callback(nullptr, why);
    if (owner_ == nullptr) return;
  }
  if (Owner* const owner = std::exchange(owner_, nullptr); owner != nullptr) {
    owner->ActorDestroy(end);
  }
}

}  // namespace forkserver
