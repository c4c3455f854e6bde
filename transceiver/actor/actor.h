// One end of a typed conversation between two processes. The other end is an actor of the same
// protocol (protocol.h) with the other side.
//
//     class HotlineChild : public Actor<HotlineChild, Hotline, Side::kChild> {
//      public:
//       absl::Status Receive(GetAssistance& message, Resolver<Assistance> resolver);  // a call
//       absl::Status Receive(HangUp& message);                                        // one way
//       void ActorDestroy(const ActorEnd& end) override;
//     };
//     class HotlineParent : public Actor<HotlineParent, Hotline, Side::kParent> { ... };
//
//     parent.Bind(loop, std::move(endpoint));       // or a socket: of a launch, of TakeSocket()
//     parent.Send(HangUp{});                                              // one way
//     parent.Call(GetAssistance{.question = "?"},                         // answered later
//                 [](absl::StatusOr<Assistance> reply) { ... });
//     child.CallAndWait(AskParent{}, absl::Seconds(2));                   // children only
//
// A Receive for each message that the other side may send, and only such messages can be sent:
// anything else does not compile. A Receive that returns an error says that the peer broke the
// protocol: with a call that merely fails, the resolver rejects. What arrived malformed never gets
// to a Receive; either way on_violation (actor_options.h) is told and the actor ends, abnormally.
//
// Rules for all messages of a kind need no line in any handler. Where the derived class has a
// public member for a message or a reply, it is asked about each one; where it has none for that
// type, nothing of this is compiled.
//
//     template <typename M> requires(HasField<BrowserClaimField, M>())
//     Admission Admit(const M& message);            // what arrived: before Receive or the callback
//     template <typename M> requires(HasField<WritableMemory, M>())
//     absl::Status CheckOutgoing(const M& message); // what is to go: before anything is sent
//
// What Admit may say is in admission.h: the message is handled, refused without blame, or a
// violation. An error of CheckOutgoing is what Send, Call and CallAndWait return; what a Resolver
// sends it does not see. Neither may destroy or end the actor.
//
// Order: what one side sends arrives in that order, whatever had to wait in a queue; so do the
// answers, in the order in which they were given. While CallAndWait waits, nothing is handled: what
// arrives is kept, and handled in its order when the loop runs next. In one case answers overtake
// messages: where those wait because the peer has too many calls unanswered (Bounds).
//
// Bounds: a socket that is full is queued behind, up to the options' bounds. Then Send and Call
// return ResourceExhausted, nothing of the message is sent, and OnRoom tells when to go on. So does
// Call while kMostCallsInFlight (wire.h) calls of this side's wait for their answers; a peer that
// makes more has broken the protocol, which no actor does. A reply that would be queued over the
// bound on descriptors, or behind 8 MiB of answers that the peer has not read, becomes a refusal
// (ResourceExhausted).
// Of a peer with max_unanswered calls unanswered no message is handled until half of them have
// their answers. Meanwhile its messages are kept, and its answers to this side's calls are handled:
// so a handler may ask its peer back before it answers. When the options' queue bounds are kept
// (the last message may pass them), nothing is read any more, answers neither, until calls are
// answered. By default calls alone are not that many, unless they are large. Handlers that ask back
// then stand still, as do those of two actors that both have so many calls of each other's and
// answer none without asking: whoever asks back wants a deadline of his own. What a peer had sent
// that has hung up is handled at once.
//
// The end. Close says Goodbye; what is in flight, or queued, is lost. CloseWhenDelivered first
// waits until the peer has handled all that was sent. Whatever ends the conversation, ActorDestroy
// is called once: calls without an answer get Unavailable before it, and nothing of the actor's
// is called after it. A peer that goes without a Goodbye, also by exit(0), is an abnormal end. So
// is what this process has no room or memory for, an answer that cannot be sent, what was queued
// and then is not taken (the kernel passes no io_uring on), a descriptor that cannot be received:
// the reason names the call and its errno, and the peer is not blamed. Sending after the end is
// FailedPrecondition ("too late to send, message lost").
//
// Ownership: owns the socket; borrows the loop, which outlives it. It may be destroyed at any
// time, in any of its own callbacks too: then ActorDestroy is not called, callbacks of calls are
// dropped uncalled, and the peer sees an abnormal end unless it was closed before. Messages and
// descriptors are borrowed for the call of Send.
// Threads: those of the loop. After a fork: not usable in the child.
#ifndef TRANSCEIVER_ACTOR_ACTOR_H_
#define TRANSCEIVER_ACTOR_ACTOR_H_

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "transceiver/actor/actor_link.h"
#include "transceiver/actor/actor_options.h"
#include "transceiver/actor/admission.h"
#include "transceiver/actor/codec.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/actor/message_room.h"
#include "transceiver/actor/protocol.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/event_loop.h"
#include "transceiver/launch_path.h"

namespace forkserver {

template <typename Derived, typename ActorProtocol, Side kActorSide>
class Actor : private ActorLink::Owner {
 public:
  using Protocol = ActorProtocol;
  static constexpr Side kSide = kActorSide;

  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // Begins to receive. Once in a lifetime. What the socket holds already is received, too.
  // `early_sent`: so many of early_packets() lie in the socket for the peer.
  absl::Status Bind(EventLoop& loop, UniqueFd socket, ActorOptions options = {},
                    size_t early_sent = 0) {
    return link_->Bind(loop, std::move(socket), {}, PeerRole::kParentProcess, Table(),
                       std::move(options), early_sent);
  }
  // With an endpoint that checks its sender, the options' peer_pid is the peer's.
  absl::Status Bind(EventLoop& loop, Endpoint<Protocol, kSide>&& endpoint,
                    ActorOptions options = {}) {
    EndpointParts parts = endpoint.Take();
    if (parts.checks_sender) options.peer_pid = parts.peer.pid;
    if (parts.on_violation) {
      options.on_violation = [first = std::move(parts.on_violation),
                              own = std::move(options.on_violation)](const absl::Status& why) {
        first(why);
        if (own) own(why);
      };
    }
    return link_->Bind(loop, std::move(parts.socket), std::move(parts.peer), parts.peer_role,
                       Table(), std::move(options));
  }

  // From here on Send and Call keep what they are given, within the bounds of ActorOptions, until
  // Bind sends it: for an actor whose peer is not there yet. Its launch may take the first of it
  // along.
  void BeginEarly() { link_->BeginEarly(Table()); }
  std::span<const EarlyPacket> early_packets() const { return link_->early(); }
  // There will be no Bind: calls get Unavailable with `why`, and ActorDestroy an abnormal end.
  void EndEarly(absl::Status why) { link_->EndEarly(std::move(why)); }

  // Ok: sent or queued.
  template <typename M>
  requires(MessageOf<Protocol, M>&& MaySend<M>(kSide) && !HasReply<M>) absl::Status
      Send(const M& message) {
    if (absl::Status may = CheckBeforeSend(message); !may.ok()) return may;
    MessageRoom<M> room(*link_);
    FieldWriter out(room.bytes());
    EncodeMessage(out, message);
    return link_->Send(kIndexOf<M>, out);
  }

  // After Ok, `callback` is called exactly once, with the reply, the peer's refusal, or Unavailable
  // when the actor ends first (unless the actor is destroyed). After an error it never is.
  template <typename M, typename Callback>
  requires(MessageOf<Protocol, M>&& MaySend<M>(kSide) && HasReply<M>) absl::Status
      Call(const M& message, Callback callback) {
    if (absl::Status may = CheckBeforeSend(message); !may.ok()) return may;
    MessageRoom<M> room(*link_);
    FieldWriter out(room.bytes());
    EncodeMessage(out, message);
    if constexpr (AsksAbout<ReplyOf<M>>()) {
      return link_->Call(kIndexOf<M>, out,
                         [this, callback = std::move(callback)](const ArrivedFields* fields,
                                                                const absl::Status& why) mutable {
                           return TakeReply<M>(Self(), fields, why, callback);
                         });
    } else {
      return link_->Call(kIndexOf<M>, out,
                         [callback = std::move(callback)](const ArrivedFields* fields,
                                                          const absl::Status& why) mutable {
                           return TakeReply<M>(nullptr, fields, why, callback);
                         });
    }
  }

  // Sends and blocks until the answer is there; the loop stands still meanwhile. The reply, the
  // peer's refusal, DeadlineExceeded, Unavailable when the peer ends, or ResourceExhausted when it
  // cannot be sent as in Call, or more than the options' queue bounds would be kept. An answer
  // that comes later is ignored.
  template <typename M>
  requires(kSide == Side::kChild && MessageOf<Protocol, M> && MaySend<M>(kSide) &&
           HasReply<M>) absl::StatusOr<ReplyOf<M>> CallAndWait(const M& message,
                                                               absl::Duration timeout) {
    static_assert(!HasView<ReplyOf<M>>(), "the reply outlives its packet: no BytesView");
    if (absl::Status may = CheckBeforeSend(message); !may.ok()) return may;
    MessageRoom<M> room(*link_);
    FieldWriter out(room.bytes());
    EncodeMessage(out, message);
    absl::StatusOr<ActorLink::Answer> answer = link_->CallAndWait(kIndexOf<M>, out, timeout);
    if (!answer.ok()) return answer.status();
    ReplyOf<M> reply{};
    if (absl::Status read = ReadReply<M>(answer->fields(), reply); !read.ok()) {
      link_->FailSoon(read);
      return read;
    }
    if constexpr (AsksAbout<ReplyOf<M>>()) {
      const Admission admission = Self()->Admit(std::as_const(reply));
      if (admission.verdict() == Admission::Verdict::kViolation) {
        link_->FailSoon(FaultInReply<M>(admission.why()));
      }
      if (admission.verdict() != Admission::Verdict::kGranted) return admission.why();
    }
    return reply;
  }

  // From here on the peer's messages are dropped unread: for a last word that wants no answer but
  // the end. Calls among them get theirs by that.
  void DropMessages() { link_->DropMessages(); }
  // Not inside a handler of this actor's (Receive, a callback of Call or OnRoom): that is a bug of
  // ours and aborts. ActorDestroy has been called when it returns.
  void Close() { link_->Close(); }
  // Close, after the running handler has returned, if one runs; unless that one returns an error,
  // which is told and ends the actor as ever.
  void CloseSoon() { link_->CloseSoon(); }
  // Close, when the peer has handled all that was sent until now. It may stay forever: Close is
  // the way out.
  void CloseWhenDelivered() { link_->CloseWhenDelivered(); }

  // Ends it abnormally, for `why`, in the loop's next turn; before Bind, in the first one after it.
  void EndSoon(absl::Status why) { link_->EndSoon(std::move(why)); }
  // What calls without an answer are told, beside their name, when the actor closes normally.
  void ExplainClose(const std::string& why) { link_->ExplainClose(why); }
  // Whether messages can be sent.
  bool is_open() const { return link_->is_open(); }
  size_t queued_messages() const { return link_->queued_messages(); }
  // Called once, in the loop's time, when nothing is queued (any more) and another call may be
  // made. The last one counts.
  void OnRoom(std::function<void()> callback) { link_->OnRoom(std::move(callback)); }
  // What the endpoint said; empty for an actor that was bound to a socket.
  const PeerName& peer() const { return link_->peer(); }

  void ActorDestroy(const ActorEnd&) override {}

 protected:
  Actor()
      : link_(std::make_shared<ActorLink>(Protocol::kName, kSide == Side::kParent,
                                          static_cast<ActorLink::Owner*>(this),
                                          static_cast<Derived*>(this))) {}
  ~Actor() { link_->Detach(); }

 private:
  Derived* Self() { return static_cast<Derived*>(this); }

  template <typename T>
  static constexpr bool AsksAbout() {
    return requires(Derived & derived, const T& message) { derived.Admit(message); };
  }

  template <typename M>
  absl::Status CheckBeforeSend(const M& message) {
    if (absl::Status may = link_->CheckMaySend(M::kName); !may.ok()) return may;
    if constexpr (requires(Derived & derived) { derived.CheckOutgoing(message); }) {
      return Self()->CheckOutgoing(message);
    }
    return absl::OkStatus();
  }

  template <typename M>
  static constexpr size_t kIndexOf = Protocol::Messages::template IndexOf<M>();

  template <typename M>
  static absl::Status ReadReply(const ArrivedFields& fields, ReplyOf<M>& reply) {
    static constexpr std::string_view kReply = "reply";
    FieldReader in(fields.payload, fields.descriptors);
    absl::Status read = DecodeMessage(in, kReply, reply);
    if (read.ok()) return read;
    return absl::InvalidArgumentError(std::string(M::kName) + " " + std::string(read.message()));
  }

  // `actor`: where it admits replies.
  template <typename M, typename Callback>
  static absl::Status TakeReply([[maybe_unused]] Derived* actor, const ArrivedFields* fields,
                                const absl::Status& why, Callback& callback) {
    if (fields == nullptr) {
      callback(absl::StatusOr<ReplyOf<M>>(why));
      return absl::OkStatus();
    }
    ReplyOf<M> reply{};
    if (absl::Status read = ReadReply<M>(*fields, reply); !read.ok()) return read;
    if constexpr (AsksAbout<ReplyOf<M>>()) {
      const Admission admission = actor->Admit(std::as_const(reply));
      if (admission.verdict() == Admission::Verdict::kViolation) {
        return FaultInReply<M>(admission.why());
      }
      if (admission.verdict() == Admission::Verdict::kRefused) {
        callback(absl::StatusOr<ReplyOf<M>>(admission.why()));
        return absl::OkStatus();
      }
    }
    callback(absl::StatusOr<ReplyOf<M>>(std::move(reply)));
    return absl::OkStatus();
  }

  template <typename M>
  FORKSERVER_LAUNCH_PATH static absl::Status ReceiveAs(void* actor, ActorLink& link,
                                                       uint64_t request_id,
                                                       const ArrivedFields& fields) {
    M message{};
    FieldReader in(fields.payload, fields.descriptors);
    if (absl::Status read = DecodeMessage(in, M::kName, message); !read.ok()) return read;
    Derived* const self = static_cast<Derived*>(actor);
    if constexpr (AsksAbout<M>()) {
      const Admission admission = self->Admit(std::as_const(message));
      if (admission.verdict() != Admission::Verdict::kGranted) {
        if constexpr (HasReply<M>) link.Reject(request_id, admission.why());
        if (admission.verdict() == Admission::Verdict::kRefused) return absl::OkStatus();
        return FaultIn<M>(admission.why());
      }
    }
    absl::Status handled;
    if constexpr (HasReply<M>) {
      handled =
          self->Receive(message, Resolver<ReplyOf<M>>(link.weak_from_this(), request_id, M::kName));
    } else {
      handled = self->Receive(message);
    }
    return handled.ok() ? handled : FaultIn<M>(handled);
  }

  template <typename M>
  static absl::Status FaultIn(const absl::Status& fault) {
    return absl::Status(fault.code(), std::string(M::kName) + ": " + std::string(fault.message()));
  }
  template <typename M>
  static absl::Status FaultInReply(const absl::Status& fault) {
    return absl::Status(fault.code(),
                        std::string(M::kName) + " reply: " + std::string(fault.message()));
  }

  template <typename M>
  static constexpr ActorMessageRow RowOf() {
    ActorMessageRow row = {.name = M::kName,
                           .is_call = HasReply<M>,
                           .has_endpoint = Codec<M>::kHasEndpoint,
                           .reply_has_endpoint = Codec<ReplyOf<M>>::kHasEndpoint};
    if constexpr (MaySend<M>(OtherSide(kSide))) row.receive = &ReceiveAs<M>;
    return row;
  }

  template <typename... M>
  static ActorTable TableOf(MessageList<M...>*) {
    static constexpr std::array<ActorMessageRow, sizeof...(M)> kRows = {RowOf<M>()...};
    return {.rows = kRows,
            .max_sent = Protocol::Messages::MaxSent(kSide),
            .max_received = Protocol::Messages::MaxSent(OtherSide(kSide))};
  }
  static ActorTable Table() { return TableOf(static_cast<typename Protocol::Messages*>(nullptr)); }

  const std::shared_ptr<ActorLink> link_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_ACTOR_ACTOR_H_
