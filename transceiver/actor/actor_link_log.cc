// What a link tells the message log. Called only where it has one.
#include <algorithm>
#include <string>
#include <vector>

#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/arrived_packet.h"
#include "transceiver/actor/wire.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// More than a socket holds: a peer that floods does not keep this side from its end.
constexpr int kMostUnread = 1024;

using Event = MessageLog::Event;
using Kind = LoggedItem::Kind;

std::string_view TextOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

bool IsAnswer(const Frame& frame) {
  return frame.type == kActorReply || frame.type == kActorReject;
}

Kind KindOfAnswer(const Frame& frame) {
  return frame.type == kActorReject ? Kind::kReject : Kind::kReply;
}

LoggedItem ControlItem(const Frame& frame) {
  LoggedItem item = {.kind = Kind::kControl, .number = frame.type};
  if (frame.type == kActorGoodbye) item.name = "Goodbye";
  if (frame.type == kActorSentinel) item.name = "Sentinel";
  if (frame.type == kActorSentinelAnswer) item.name = "SentinelAnswer";
  return item;
}

LoggedItem MessageItem(const ActorTable& table, const Frame& frame) {
  const size_t row = frame.type - size_t{kFirstApplicationType};
  LoggedItem item = {.kind = Kind::kMessage, .number = row};
  if (row < table.rows.size()) item.name = table.rows[row].name;
  return item;
}

}  // namespace

LoggedItem ActorLink::SentItem(const Frame& frame) const {
  if (frame.type >= kFirstApplicationType) return MessageItem(table_, frame);
  if (!IsAnswer(frame)) return ControlItem(frame);
  LoggedItem item = {.kind = KindOfAnswer(frame), .number = frame.request_id};
  const auto call = log_->peers_calls.find(frame.request_id);
  if (call != log_->peers_calls.end()) item.name = call->second;
  return item;
}

LoggedItem ActorLink::ArrivedItem(const Frame& frame) const {
  if (frame.type >= kFirstApplicationType) return MessageItem(table_, frame);
  if (!IsAnswer(frame)) return ControlItem(frame);
  LoggedItem item = {.kind = KindOfAnswer(frame), .number = frame.request_id};
  const auto call = pending_.find(frame.request_id);
  if (call != pending_.end()) item.name = table_.rows[call->second.row].name;
  return item;
}

void ActorLink::LogSending(const Frame& frame, const absl::Status& refusal) {
  log_->lines->Write(Event::kSending, SentItem(frame), TextOf(refusal));
}

void ActorLink::LogEarly(const Frame& frame) { log_->queue.push_back(SentItem(frame)); }

// It never got as far as a frame.
void ActorLink::LogUnsent(std::string_view message, const absl::Status& why) const {
  log_->lines->Write(Event::kLostOnTheWayOut, {.name = message}, TextOf(why));
}

void ActorLink::LogLost(const Frame& frame, const absl::Status& why) {
  log_->lines->Write(Event::kLostOnTheWayOut, SentItem(frame), TextOf(why));
}

void ActorLink::LogPeer() {
  log_->lines->set_peer_pid(peer_.pid != 0           ? peer_.pid
                            : options_.peer_pid != 0 ? options_.peer_pid
                                                     : options_.logged_peer_pid);
}

// After the channel has queued it.
void ActorLink::LogQueued(const Frame& frame) {
  log_->Leave(channel_->queued_messages() - 1);
  log_->queue.push_back(SentItem(frame));
}

void ActorLink::LogReceived(const Frame& frame, const ArrivedFields& fields) {
  if (frame.type == kActorYourPid) return;
  const LoggedItem item = ArrivedItem(frame);
  const absl::Status refusal =
      item.kind == Kind::kReject ? ReadReject(fields.payload) : absl::OkStatus();
  log_->lines->Write(Event::kReceived, item, TextOf(refusal));
  if (item.kind == Kind::kMessage && frame.request_id != 0) {
    log_->peers_calls[frame.request_id] = item.name;
  }
}

void ActorLink::LogDropped(const Frame& frame) {
  log_->peers_calls.erase(frame.request_id);
  log_->lines->Write(Event::kLostOnTheWayIn, ArrivedItem(frame), "this side handles no more");
}

void ActorLink::LogLostQueue(const absl::Status& why) {
  log_->Leave(channel_ != nullptr ? channel_->TakeLost() + channel_->queued_messages()
                                  : early_.size());
  for (const LoggedItem& item : log_->queue) {
    log_->lines->Write(Event::kLostOnTheWayOut, item, TextOf(why));
  }
  log_->queue.clear();
}

// Answers are told of with their calls.
void ActorLink::LogLostArrivals(const absl::Status& why) {
  for (const Kept& kept : kept_) {
    if (kept.frame.type < kFirstApplicationType) continue;
    log_->lines->Write(Event::kLostOnTheWayIn, ArrivedItem(kept.frame), TextOf(why));
  }
  LogUnread(why);
  std::vector<uint64_t> ids;
  for (const auto& [id, call] : pending_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) {
    log_->lines->Write(Event::kLostOnTheWayIn, ArrivedItem({.type = kActorReply, .request_id = id}),
                       TextOf(why));
  }
}

// What lies in the socket goes with it. The peer does not see whether it was read.
void ActorLink::LogUnread(const absl::Status& why) {
  if (channel_ == nullptr || channel_->fd() < 0) return;
  std::vector<uint8_t> buffer(table_.max_received);
  for (int i = 0; i < kMostUnread; ++i) {
    Packet packet(buffer, Sender::kUntrusted);
    const PacketOutcome outcome = ReceivePacket(channel_->fd(), Blocking::kNever, packet);
    if (outcome != PacketOutcome::kMessage && outcome != PacketOutcome::kRejected) return;
    const bool is_message =
        packet.frame_error() == FrameError::kNone && packet.frame().type >= kFirstApplicationType;
    if (!is_message) continue;
    log_->lines->Write(Event::kLostOnTheWayIn, ArrivedItem(packet.frame()), TextOf(why));
  }
}

// Into the socket, or into the void.
void ActorLink::LogQueueSent() { LogLostQueue(absl::UnavailableError("the peer is gone")); }

void ActorLink::LogDestroyed() {
  LogEnd({ActorEnd::How::kAbnormal, absl::CancelledError("the actor was destroyed")});
}

// While the socket is still there.
void ActorLink::LogGoodbye() {
  const absl::Status why = absl::UnavailableError("closed" + why_it_closes_);
  LogSending({.type = kActorGoodbye});
  LogLostQueue(why);
  LogUnread(why);
}

void ActorLink::LogEnd(const ActorEnd& end) {
  const absl::Status why =
      end.is_normal() ? absl::UnavailableError("closed" + why_it_closes_) : end.why;
  LogLostQueue(why);
  LogLostArrivals(why);
  if (!end.is_normal()) log_->lines->WriteEnd(TextOf(end.why));
}

}  // namespace forkserver
