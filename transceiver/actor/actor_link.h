// What an actor is without its protocol's types: the socket, the calls that wait for answers, the
// ways to end. Actor (actor.h) is the typed face; nothing else uses this.
//
// A link lives as long as its actor, or longer while a method of it runs: the actor may be
// destroyed in any of its own callbacks. Resolvers hold it weakly.
#ifndef TRANSCEIVER_ACTOR_ACTOR_LINK_H_
#define TRANSCEIVER_ACTOR_ACTOR_LINK_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transceiver/actor/actor_options.h"
#include "transceiver/actor/arrived_descriptors.h"
#include "transceiver/actor/early_packet.h"
#include "transceiver/actor/field_io.h"
#include "transceiver/actor/link_log.h"
#include "transceiver/actor/message_log.h"
#include "transceiver/actor/peer_name.h"
#include "transceiver/actor/queue_tally.h"
#include "transceiver/actor/wire.h"
#include "transceiver/channel.h"
#include "transceiver/event_loop.h"
#include "transceiver/launch_path.h"
#include "transceiver/packet.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class ActorLink;

// The fields of what arrived, borrowed: payload and descriptors live for the call.
struct ArrivedFields {
  std::span<const uint8_t> payload = {};
  std::span<UniqueFd> descriptors = {};
};

// One message of a protocol as one side sees it.
struct ActorMessageRow {
  std::string_view name = {};
  bool is_call = false;
  bool has_endpoint = false;        // the message
  bool reply_has_endpoint = false;  // its reply
  // Reads the fields and handles them; an error is the peer's, and its text begins with the name.
  // Null: this side does not receive it.
  absl::Status (*receive)(void* actor, ActorLink& link, uint64_t request_id,
                          const ArrivedFields& fields) = nullptr;
};

struct ActorTable {
  std::span<const ActorMessageRow> rows = {};
  size_t max_sent = 0;  // the largest payload that this side sends
  size_t max_received = 0;
};

class ActorLink : public std::enable_shared_from_this<ActorLink> {
 public:
  class Owner {
   public:
    virtual void ActorDestroy(const ActorEnd& end) = 0;

   protected:
    ~Owner() = default;
  };

  // Gets the reply's fields, or null and why there is none. An error: the reply is malformed, and
  // the caller was not told yet.
  using AnswerCallback =
      absl::AnyInvocable<absl::Status(const ArrivedFields* reply, const absl::Status& why)>;

  // `owner` and `actor` (the same object, as its Receive functions know it) live until Detach.
  FORKSERVER_LAUNCH_PATH ActorLink(std::string_view protocol_name, bool is_parent_side,
                                   Owner* owner, void* actor)
      : name_(protocol_name),
        is_parent_side_(is_parent_side),
        owner_(owner),
        actor_(actor),
        log_(LinkLog::ForActor(protocol_name, is_parent_side ? "Parent" : "Child")) {}
  ActorLink(const ActorLink&) = delete;
  ActorLink& operator=(const ActorLink&) = delete;

  // `early_sent`: so many of early() are on their way already.
  absl::Status Bind(EventLoop& loop, UniqueFd socket, PeerName peer, PeerRole peer_role,
                    const ActorTable& table, ActorOptions options, size_t early_sent = 0);
  // From here to Bind what is sent is kept.
  void BeginEarly(const ActorTable& table);
  std::span<const EarlyPacket> early() const { return early_; }
  // There will be no Bind.
  void EndEarly(absl::Status why);
  // The actor is being destroyed: no callback runs from here on, and calls that wait are forgotten.
  void Detach();

  // Where one message is encoded for the next Send, Call or Resolve (message_room.h).
  std::span<uint8_t> scratch() {
    if (scratch_ == nullptr) {
      scratch_ = std::make_unique_for_overwrite<uint8_t[]>(table_.max_sent);
    }
    return {scratch_.get(), table_.max_sent};
  }
  // FailedPrecondition: not bound yet, or too late.
  absl::Status CheckMaySend(std::string_view message) const;

  absl::Status Send(size_t row, FieldWriter& out);
  absl::Status Call(size_t row, FieldWriter& out, AnswerCallback callback);

  struct Answer {
    ArrivedFields fields() { return {payload, descriptors}; }
    std::span<const uint8_t> payload = {};  // until the next CallAndWait
    ArrivedDescriptors descriptors = {};
  };
  absl::StatusOr<Answer> CallAndWait(size_t row, FieldWriter& out, absl::Duration timeout);

  // For resolvers. What arrives after the end is for nobody.
  bool AwaitsAnswers() const;
  // What became a refusal, and why.
  absl::Status Resolve(uint64_t request_id, std::string_view message, FieldWriter& out);
  void Reject(uint64_t request_id, const absl::Status& why);
  void RejectDropped(uint64_t request_id, std::string_view message);

  void DropMessages() { drops_messages_ = true; }
  void Close();
  void CloseSoon();
  void CloseWhenDelivered();
  void OnRoom(std::function<void()> callback);
  // Ends the actor in the loop's next turn: as a violation of the peer's, or for a fault of ours.
  void FailSoon(absl::Status violation);
  void ExplainClose(const std::string& why) { why_it_closes_ = ": " + why; }
  void EndSoon(absl::Status why);

  bool is_open() const { return state_ == State::kOpen; }
  size_t queued_messages() const { return channel_ ? channel_->queued_messages() : early_.size(); }
  const PeerName& peer() const { return peer_; }
  std::string_view name() const { return name_; }

 private:
  enum class State : uint8_t {
    kUnbound,
    kEarly,  // the same, and what is sent waits for Bind
    kOpen,
    kClosing,  // the sentinel is out: nothing more is sent, what arrives is handled
    kBroken,   // a violation is being reported
    kEnded,
  };

  // A packet outside of its buffer, for later.
  struct Kept {
    FrameError error = FrameError::kNone;
    int32_t sender_pid = 0;
    Frame frame = {};
    std::vector<uint8_t> payload = {};
    ArrivedDescriptors descriptors = {};
  };

  struct PendingCall {
    size_t row = 0;
    AnswerCallback callback = {};  // null: CallAndWait gave up
  };

  // Counts a callback of the actor's that runs, and closes after the last one what wanted that.
  class RunningHandler;

  absl::Status SendFrame(size_t row, uint64_t request_id, FieldWriter& out);
  [[gnu::always_inline]] absl::Status TrySendFrame(size_t row, uint64_t request_id,
                                                   FieldWriter& out);
  absl::Status SendNow(QueueTally::Kind kind, const Frame& frame, PayloadParts payload,
                       std::span<const int> descriptors);
  absl::Status CheckRoom(std::string_view message, const FieldWriter& out);
  bool HasRoomForReply(const FieldWriter& out);
  // Of what was sent, what is still queued.
  const QueueTally& Queued() {
    if (queued_.size() != 0) queued_.Leave(queued_messages());
    return queued_;
  }
  absl::Status KeepEarly(std::string_view message, const Frame& frame, FieldWriter& out);
  void SendControl(uint16_t type, uint64_t request_id, PayloadParts payload,
                   std::span<const int> descriptors);
  void ForgetCall(uint64_t request_id);
  bool HasRoomForCalls() const { return pending_.size() < kMostCallsInFlight; }
  void SendAnswer(uint16_t type, uint64_t request_id, PayloadParts payload,
                  std::span<const int> descriptors);

  void OnPacket(Packet& packet);
  void OnHangUp();
  void OnClosed(absl::Status why);
  void OnQueueSent();
  void OnSendFailed(const absl::Status& why);
  void OnTurn();
  void ScheduleTurn();
  bool IsPaused() const { return is_paused_ && !has_peer_hung_up_; }
  void UpdateAttention();
  void Keep(Packet& packet);
  bool HasRoomToKeep() const;
  bool IsAnswerToUs(const Kept& kept) const;
  void DrainKept();

  // Ok, or the violation.
  absl::Status Handle(FrameError error, int32_t sender_pid, const Frame& frame,
                      const ArrivedFields& fields);
  absl::Status HandleMessage(const Frame& frame, const ArrivedFields& fields);
  absl::Status HandleAnswer(const Frame& frame, const ArrivedFields& fields);
  absl::Status HandleControl(const Frame& frame, const ArrivedFields& fields);
  void SendYourPid();
  absl::Status HandleYourPid(const Frame& frame, const ArrivedFields& fields);
  absl::Status CheckPacket(FrameError error, int32_t sender_pid, const Frame& frame) const;
  absl::Status Violation(std::string_view what) const;
  void SendEarly(size_t sent_before);
  void RunOnRoom();

  // Where log_ is there (actor_link_log.cc). Cold, so that messages of others do not pay for it.
  [[gnu::cold]] LoggedItem SentItem(const Frame& frame) const;
  [[gnu::cold]] LoggedItem ArrivedItem(const Frame& frame) const;
  [[gnu::cold]] void LogPeer();
  [[gnu::cold]] void LogSending(const Frame& frame, const absl::Status& refusal = {});
  [[gnu::cold]] void LogQueued(const Frame& frame);
  [[gnu::cold]] void LogEarly(const Frame& frame);
  [[gnu::cold]] void LogReceived(const Frame& frame, const ArrivedFields& fields);
  [[gnu::cold]] void LogDropped(const Frame& frame);
  [[gnu::cold]] void LogUnsent(std::string_view message, const absl::Status& why) const;
  [[gnu::cold]] void LogLost(const Frame& frame, const absl::Status& why);
  [[gnu::cold]] void LogLostQueue(const absl::Status& why);
  [[gnu::cold]] void LogLostArrivals(const absl::Status& why);
  [[gnu::cold]] void LogUnread(const absl::Status& why);
  [[gnu::cold]] void LogQueueSent();
  [[gnu::cold]] void LogGoodbye();
  [[gnu::cold]] void LogDestroyed();
  [[gnu::cold]] void LogEnd(const ActorEnd& end);

  void Break(const absl::Status& violation);
  void End(ActorEnd end);
  void EndForLostDescriptors();
  void EndWithGoodbye();
  std::string Named(std::string_view message, std::string_view what) const;

  const std::string_view name_;
  const bool is_parent_side_;
  Owner* owner_;
  void* const actor_;
  const std::unique_ptr<LinkLog> log_;  // null: this one has none
  State state_ = State::kUnbound;
  EventLoop* loop_ = nullptr;
  std::unique_ptr<Channel> channel_;
  std::vector<EarlyPacket> early_;
  size_t early_bytes_ = 0;
  QueueTally queued_;  // of early_, or of the channel's queue, when Queued() has looked
  PeerName peer_;
  PeerRole peer_role_ = PeerRole::kParentProcess;
  ActorTable table_;
  ActorOptions options_;
  std::unique_ptr<uint8_t[]> scratch_;
  std::unique_ptr<uint8_t[]> answer_buffer_;  // of CallAndWait, from the first on
  uint64_t last_request_ = 0;
  absl::flat_hash_map<uint64_t, PendingCall> pending_;
  size_t unanswered_ = 0;   // the peer's calls
  bool is_paused_ = false;  // too many of them
  int running_handlers_ = 0;
  bool close_soon_ = false;
  bool drops_messages_ = false;
  bool peer_is_closing_ = false;       // its sentinel came
  bool has_peer_hung_up_ = false;      // nobody is left to be held back by not being read
  bool close_when_delivered_ = false;  // once it is bound
  bool is_waiting_ = false;            // in CallAndWait
  std::function<void()> on_room_;
  std::deque<Kept> kept_;
  size_t kept_bytes_ = 0;
  size_t kept_descriptors_ = 0;
  absl::Status closed_;        // why the channel ended, while what was kept is still to be handled
  absl::Status fault_;         // see FailSoon
  uint64_t handled_call_ = 0;  // whose handler runs
  bool handled_call_is_dropped_ = false;
  std::string why_it_closes_;
  absl::Status own_fault_;
  EventLoop::TimerId turn_ = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ACTOR_LINK_H_
