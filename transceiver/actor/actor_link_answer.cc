// How calls of the peer's are answered.
#include <stdint.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transceiver/actor/actor_link.h"
#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

// Replies that wait beyond it are refused, so that a peer that does not read is never killed for
// it: with Send's own bound, and the refusals of all calls that there can be, less than a channel
// takes.
constexpr size_t kMostQueuedAnswerBytes = Channel::kMaxQueuedBytes / 2;

}  // namespace

FORKSERVER_LAUNCH_PATH void ActorLink::SendAnswer(uint16_t type, uint64_t request_id,
                                                  PayloadParts payload,
                                                  std::span<const int> descriptors) {
  SendControl(type, request_id, payload, descriptors);
  if (log_ != nullptr) log_->peers_calls.erase(request_id);
  --unanswered_;
  if (!is_paused_ || unanswered_ > options_.max_unanswered / 2) return;
  is_paused_ = false;
  UpdateAttention();
  if (!kept_.empty()) ScheduleTurn();
}

FORKSERVER_LAUNCH_PATH absl::Status ActorLink::Resolve(uint64_t request_id,
                                                       std::string_view message, FieldWriter& out) {
  if (out.ok() && HasRoomForReply(out)) {
    if (log_ != nullptr) LogSending({.type = kActorReply, .request_id = request_id});
    SendAnswer(kActorReply, request_id, out.payload(), out.descriptors());
    return absl::OkStatus();
  }
  const std::string reply = absl::StrCat("reply to ", std::string(message));
  absl::Status why =
      absl::ResourceExhaustedError(absl::StrCat(reply, ": too many answers wait unread"));
  if (!out.ok()) {
    why = absl::InternalError(std::string(out.status(reply).message()));
    // A mistake of this side's, of which the peer can tell nobody here.
    if (options_.log) {
      options_.log(absl::StrCat(std::string(name_), " ", std::string(why.message())));
    }
  }
  Reject(request_id, why);
  return why;
}

FORKSERVER_LAUNCH_PATH bool ActorLink::HasRoomForReply(const FieldWriter& out) {
  const QueueTally& queued = Queued();
  const size_t descriptors = out.descriptors().size();
  return queued.size() == 0 || (queued.answer_bytes() + out.size() <= kMostQueuedAnswerBytes &&
                                (descriptors == 0 || queued.descriptors() + descriptors <=
                                                         options_.max_queued_descriptors));
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
  if (log_ != nullptr) LogSending({.type = kActorReject, .request_id = request_id}, why);
  SendAnswer(kActorReject, request_id, out.payload(), {});
}

void ActorLink::RejectDropped(uint64_t request_id, std::string_view message) {
  if (!AwaitsAnswers()) return;
  if (request_id == handled_call_) {
    // Its handler has not returned yet: an error that it returns is the answer.
    handled_call_is_dropped_ = true;
    return;
  }
  const std::string line = Named(message, "dropped unanswered");
  Reject(request_id, absl::AbortedError(line));
  if (options_.log) options_.log(line);
}

}  // namespace forkserver
