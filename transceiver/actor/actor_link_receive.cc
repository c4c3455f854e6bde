// What becomes of a packet that has arrived.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/arrived_packet.h"
#include "transceiver/actor/running_handler.h"
#include "transceiver/actor/wire.h"
#include "transceiver/launch_path.h"

namespace forkserver {

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

// What is kept while nothing pauses is handled in the next turn, and the rest comes behind it.
FORKSERVER_LAUNCH_PATH void ActorLink::UpdateAttention() {
  const bool reads = IsPaused() ? HasRoomToKeep() : kept_.empty();
  channel_->SetAttention(reads ? Attention::kMessages : Attention::kHangUp);
}

// One message more than the bound: with the default options it takes more than all calls that the
// peer can make (wire.h) to keep an answer of the peer's from being read.
bool ActorLink::HasRoomToKeep() const {
  return kept_.size() <= options_.max_queued_messages && kept_bytes_ <= options_.max_queued_bytes &&
         kept_descriptors_ < options_.max_queued_descriptors;
}

void ActorLink::Keep(Packet& packet) {
  Kept kept = {.error = packet.frame_error(),
               .sender_pid = packet.sender_pid(),
               .frame = packet.frame(),
               .payload = {packet.payload().begin(), packet.payload().end()},
               .descriptors = TakeAll(packet.descriptors())};
  kept_bytes_ += kept.payload.size();
  kept_descriptors_ += kept.descriptors.size();
  kept_.push_back(std::move(kept));
}

bool ActorLink::IsAnswerToUs(const Kept& kept) const {
  return (kept.frame.type == kActorReply || kept.frame.type == kActorReject) &&
         pending_.contains(kept.frame.request_id) &&
         CheckPacket(kept.error, kept.sender_pid, kept.frame).ok();
}

void ActorLink::DrainKept() {
  while (AwaitsAnswers()) {
    // A handler may wait for an answer to answer in turn: that one does not stand behind messages
    // that stand behind the handler.
    const auto found = IsPaused()
                           ? std::find_if(kept_.begin(), kept_.end(),
                                          [this](const Kept& kept) { return IsAnswerToUs(kept); })
                           : kept_.begin();
    if (found == kept_.end()) break;
    Kept next = std::move(*found);
    kept_.erase(found);
    kept_bytes_ -= next.payload.size();
    kept_descriptors_ -= next.descriptors.size();
    if (next.error == FrameError::kDescriptorsTruncated) return EndForLostDescriptors();
    const absl::Status handled =
        Handle(next.error, next.sender_pid, next.frame, {next.payload, next.descriptors});
    if (!handled.ok()) Break(handled);
  }
  if (!AwaitsAnswers()) return;
  if (kept_.empty() && !closed_.ok()) return End({ActorEnd::How::kAbnormal, closed_});
  UpdateAttention();
}

// Not the peer's doing; but the message is lost, and its descriptors.
void ActorLink::EndForLostDescriptors() {
  End({ActorEnd::How::kAbnormal,
       absl::ResourceExhaustedError(absl::StrFormat(
           "%s: this process has no room for the descriptors of a message", name_))});
}

FORKSERVER_LAUNCH_PATH void ActorLink::OnPacket(Packet& packet) {
  const std::shared_ptr<ActorLink> self = shared_from_this();
  if (!kept_.empty() || IsPaused()) {
    Keep(packet);
    if (IsPaused() && IsAnswerToUs(kept_.back())) return DrainKept();
    return UpdateAttention();
  }
  if (packet.frame_error() == FrameError::kDescriptorsTruncated) return EndForLostDescriptors();
  absl::Status handled;
  if (packet.descriptors().size() == 0) {
    handled =
        Handle(packet.frame_error(), packet.sender_pid(), packet.frame(), {packet.payload(), {}});
  } else {
    ArrivedDescriptors descriptors = TakeAll(packet.descriptors());
    handled = Handle(packet.frame_error(), packet.sender_pid(), packet.frame(),
                     {packet.payload(), descriptors});
  }
  if (!handled.ok()) Break(handled);
}

// What it had sent is still to be read. It is handled as it is read, so that nothing heaps up here
// at once that lay in the socket.
void ActorLink::OnHangUp() {
  const std::shared_ptr<ActorLink> self = shared_from_this();
  has_peer_hung_up_ = true;
  if (!kept_.empty()) return DrainKept();
  UpdateAttention();
}

void ActorLink::OnClosed(absl::Status why) {
  const std::shared_ptr<ActorLink> self = shared_from_this();
  has_peer_hung_up_ = true;
  why =
      absl::IsUnavailable(why)
          ? absl::UnavailableError(absl::StrFormat("%s: the peer went without Goodbye", name_))
          : absl::Status(why.code(), absl::StrFormat("%s: %s", name_, std::string(why.message())));
  if (kept_.empty()) return End({ActorEnd::How::kAbnormal, std::move(why)});
  closed_ = std::move(why);
  ScheduleTurn();
}

FORKSERVER_LAUNCH_PATH absl::Status ActorLink::CheckPacket(FrameError error, int32_t sender_pid,
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

FORKSERVER_LAUNCH_PATH absl::Status ActorLink::Handle(FrameError error, int32_t sender_pid,
                                                      const Frame& frame,
                                                      const ArrivedFields& fields) {
  if (absl::Status checked = CheckPacket(error, sender_pid, frame); !checked.ok()) return checked;
  if (log_ != nullptr) LogReceived(frame, fields);
  if (frame.type >= kFirstApplicationType) return HandleMessage(frame, fields);
  if (frame.type == kActorReply || frame.type == kActorReject) return HandleAnswer(frame, fields);
  return HandleControl(frame, fields);
}

FORKSERVER_LAUNCH_PATH absl::Status ActorLink::HandleMessage(const Frame& frame,
                                                             const ArrivedFields& fields) {
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
  if (drops_messages_) {
    if (log_ != nullptr) LogDropped(frame);
    return absl::OkStatus();
  }
  if (row.is_call && unanswered_ + Queued().answers() >= kMostCallsInFlight) {
    return absl::InvalidArgumentError(
        Named(row.name, absl::StrFormat("more than %d calls in flight", kMostCallsInFlight)));
  }
  if (row.is_call && ++unanswered_ >= options_.max_unanswered) is_paused_ = true;
  absl::Status handled;
  handled_call_ = frame.request_id;
  {
    RunningHandler running(*this);
    handled = row.receive(actor_, *this, frame.request_id, fields);
    if (!handled.ok()) running.Failed();
  }
  handled_call_ = 0;
  if (std::exchange(handled_call_is_dropped_, false)) {
    if (handled.ok()) {
      RejectDropped(frame.request_id, row.name);
    } else {
      Reject(frame.request_id, handled);
    }
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
  ForgetCall(frame.request_id);
  if (!call.callback) return absl::OkStatus();
  absl::Status handled;
  {
    RunningHandler running(*this);
    handled = call.callback(refusal.ok() ? &fields : nullptr, refusal);
    if (!handled.ok()) running.Failed();
  }
  if (handled.ok() || owner_ == nullptr) return absl::OkStatus();
  // Told with the others when the actor ends.
  pending_.emplace(frame.request_id, std::move(call));
  return absl::Status(handled.code(),
                      absl::StrFormat("%s %s", name_, std::string(handled.message())));
}

absl::Status ActorLink::HandleControl(const Frame& frame, const ArrivedFields& fields) {
  if (frame.type == kActorYourPid) return HandleYourPid(frame, fields);
  if (!fields.payload.empty() || !fields.descriptors.empty() || frame.request_id != 0) {
    return Violation(absl::StrFormat("frame type %d with something in it", frame.type));
  }
  switch (frame.type) {
    case kActorGoodbye:
      End({.how = ActorEnd::How::kNormal});
      return absl::OkStatus();
    case kActorSentinel:
      if (std::exchange(peer_is_closing_, true)) return Violation("a second sentinel");
      if (log_ != nullptr) LogSending({.type = kActorSentinelAnswer});
      SendControl(kActorSentinelAnswer, 0, {}, {});
      return absl::OkStatus();
    case kActorSentinelAnswer:
      if (state_ != State::kClosing) return Violation("an answer to no sentinel");
      EndWithGoodbye();
      return absl::OkStatus();
    default:
      return Violation(absl::StrFormat("unknown frame type %d", frame.type));
  }
}

}  // namespace forkserver
