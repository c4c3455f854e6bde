// The one way in which an actor blocks.
#include <poll.h>

#include <algorithm>

#include "absl/strings/str_format.h"
#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/arrived_packet.h"
#include "transceiver/actor/wire.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

// A look at the queue that waits for something else than room, for the kernel's bound on
// descriptors in flight, while CallAndWait keeps the loop from it.
constexpr int64_t kQueueLook = 5 * kNanosPerMilli;

}  // namespace

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
    if (kept_.size() >= options_.max_queued_messages || kept_bytes_ > options_.max_queued_bytes ||
        kept_descriptors_ >= options_.max_queued_descriptors) {
      failure = absl::ResourceExhaustedError(
          Named(message, absl::StrFormat("%d messages came while it waited", kept_.size())));
      break;
    }
    channel_->SendQueuedNow();
    if (const absl::Status& lost = channel_->send_failure(); !lost.ok()) {
      failure = absl::UnavailableError(Named(message, std::string(lost.message())));
      break;
    }
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
        if (packet.frame_error() == FrameError::kDescriptorsTruncated) {
          failure = absl::ResourceExhaustedError(
              Named(message, "this process has no room for the descriptors of a message"));
        } else if (!is_good) {
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
  if (log_ != nullptr) LogReceived(packet.frame(), {packet.payload(), {}});
  ForgetCall(id);
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

}  // namespace forkserver
