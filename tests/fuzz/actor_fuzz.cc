// An actor and a peer that sends anything: packets that fit their frame and packets that do not,
// answers to nothing, descriptors of all kinds, while the actor itself sends, calls, waits, answers
// late or not at all, closes, or is destroyed in a handler. Whatever comes: it ends once, blames
// the peer at most once, calls each callback once, and leaves no descriptor open.
//
// The first byte is how the actor is bound, the rest are operations (Apply).
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "tests/fuzz/descriptor_census.h"
#include "tests/fuzz/fuzzed_descriptor.h"
#include "tests/fuzz/fuzzed_protocol.h"
#include "tests/fuzz/require.h"
#include "tests/testing/send_raw.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/wire.h"
#include "transceiver/byte_order.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

constexpr size_t kMostOperations = 48;
// More turns than there are packets: what has not ended by then hangs.
constexpr int kMostTurns = 1000;

// How the first byte binds it.
enum Binding : uint8_t {
  kChildSide = 1,
  kPeerIsOther = 2,  // not the process from which endpoints are taken
  kChecksSender = 4,
  kEarly = 8,  // sends before it is bound
};

// What handlers do, besides answering.
enum Mood : uint8_t {
  kAnswerMask = 3,
  kFault = 4,
  kCloseSoon = 8,
  kDestroy = 16,
};
enum AnswerMood : uint8_t { kResolve, kReject, kKeep, kDrop };

// What is seen of an actor from outside of it, which it may not outlive.
struct Stage {
  uint8_t mood = 0;
  int ends = 0;
  int violations = 0;
  int calls_made = 0;
  int calls_answered = 0;
  std::vector<absl::AnyInvocable<void()>> late_answers = {};
  std::function<void()> close_soon = {};
  std::function<void()> destroy = {};
};

template <typename Derived, Side kSide>
class FuzzedEnd : public Actor<Derived, FuzzedProtocol, kSide> {
 public:
  explicit FuzzedEnd(Stage& stage) : stage_(stage) {}

  absl::Status Receive(Files&) { return Handled(stage_); }
  absl::Status Receive(Everything&, Resolver<EverythingAnswer> resolver) {
    return Answer(std::move(resolver), EverythingAnswer{.words = "an answer"});
  }
  void ActorDestroy(const ActorEnd& end) override {
    Require(end.is_normal() == end.why.ok());
    ++stage_.ends;
  }

 protected:
  // May destroy the actor.
  static absl::Status Handled(Stage& stage) {
    const uint8_t mood = stage.mood;
    if ((mood & kCloseSoon) != 0) stage.close_soon();
    if ((mood & kDestroy) != 0) stage.destroy();
    return (mood & kFault) != 0 ? absl::PermissionDeniedError("a handler's") : absl::OkStatus();
  }
  absl::Status Handled() { return Handled(stage_); }

  template <typename Reply>
  absl::Status Answer(Resolver<Reply> resolver, Reply reply) {
    switch (static_cast<AnswerMood>(stage_.mood & kAnswerMask)) {
      case kResolve:
        resolver.Resolve(reply).IgnoreError();
        break;
      case kReject:
        resolver.Reject(absl::NotFoundError("no"));
        break;
      case kKeep:
        stage_.late_answers.push_back(
            [resolver = std::move(resolver), reply = std::move(reply)]() mutable {
              resolver.Resolve(reply).IgnoreError();
            });
        break;
      case kDrop:
        break;
    }
    return Handled(stage_);
  }

 private:
  Stage& stage_;
};

class FuzzedParent final : public FuzzedEnd<FuzzedParent, Side::kParent> {
 public:
  using FuzzedEnd::FuzzedEnd;
  using FuzzedEnd::Receive;
  absl::Status Receive(StartFailed&) { return Handled(); }
  absl::Status Receive(CreateNested&, Resolver<NestedCreated> resolver) {
    auto ends = CreateEndpoints<ContentBridge>({.pid = getpid()}, {.pid = getpid()});
    Require(ends.ok());
    return Answer(std::move(resolver), NestedCreated{.bridge = 1, .end = std::move(ends->parent)});
  }
  absl::Status Receive(OpenNestedBrowser&, Resolver<NestedBrowser> resolver) {
    return Answer(std::move(resolver), NestedBrowser());
  }
  absl::Status Receive(CloseNestedBrowser&) { return Handled(); }
};

class FuzzedChild final : public FuzzedEnd<FuzzedChild, Side::kChild> {
 public:
  using FuzzedEnd::FuzzedEnd;
  using FuzzedEnd::Receive;
  absl::Status Receive(UpdatePrefs&) { return Handled(); }
  absl::Status Receive(AttachBridge&) { return Handled(); }
  absl::Status Receive(BrowserOpened&) { return Handled(); }
  absl::Status Receive(BrowserClosed&, Resolver<Done> resolver) {
    return Answer(std::move(resolver), Done());
  }
  absl::Status Receive(BridgeClosed&, Resolver<Done> resolver) {
    return Answer(std::move(resolver), Done());
  }
  absl::Status Receive(GetOwnMemory&, Resolver<OwnMemory> resolver) {
    return Answer(std::move(resolver), OwnMemory());
  }
};

template <typename End>
class Conversation {
 public:
  explicit Conversation(uint8_t binding) : loop_(*EventLoop::Create(EventLoop::Backend::kPoll)) {
    stage_.close_soon = [this] {
      if (actor_) actor_->CloseSoon();
    };
    stage_.destroy = [this] { Destroy(); };
    SocketPair pair;
    Require(CreateSocketPair(pair) == 0);
    far_ = std::move(pair.second);
    if ((binding & kEarly) != 0) {
      actor_->BeginEarly();
      Call();
      SendFiles(0);
    }
    Bind(std::move(pair.first), binding);
  }

  void Apply(ByteReader& in) {
    const uint8_t operation = in.U8() % 16;
    if (operation < 6) return SendPacket(in);
    switch (operation) {
      case 6:
        SendBytes(in);
        break;
      case 7:
        loop_->Run(0);
        break;
      case 8:
        Call();
        break;
      case 9:
        SendFiles(in.U8());
        break;
      case 10:
        Wait();
        break;
      case 11:
        stage_.mood = in.U8();
        break;
      case 12:
        AnswerLate();
        break;
      case 13:
        DrainFar();
        break;
      case 14:
        ChangeState(in.U8());
        break;
      case 15:
        shutdown(far_.get(), in.U8() % 3);
        break;
    }
  }

  // The peer goes, and so does the actor.
  void Finish() {
    stage_.mood &= kAnswerMask;
    far_.reset();
    for (int i = 0; actor_ && stage_.ends == 0; ++i) {
      Require(i < kMostTurns);
      loop_->Run(0);
      AnswerLate();
    }
    Require(stage_.ends <= 1 && stage_.violations <= 1);
    if (actor_) Require(stage_.ends == 1 && stage_.calls_answered == stage_.calls_made);
    Require(stage_.calls_answered <= stage_.calls_made);
    actor_.reset();
    AnswerLate();
    // A Goodbye that waits for room sees that nobody is there.
    loop_->Run(0);
  }

 private:
  void Bind(UniqueFd socket, uint8_t binding) {
    ActorOptions options = {.on_violation =
                                [this](const absl::Status& why) {
                                  Require(!why.ok());
                                  ++stage_.violations;
                                },
                            .log = [](std::string_view) {},
                            .max_unanswered = 4,
                            .max_queued_messages = 8,
                            .max_queued_bytes = 16 * 1024,
                            .max_queued_descriptors = 8};
    if ((binding & kChecksSender) != 0) options.peer_pid = getpid();
    if ((binding & kPeerIsOther) == 0) {
      Require(actor_->Bind(*loop_, std::move(socket), std::move(options)).ok());
      return;
    }
    Endpoint<FuzzedProtocol, End::kSide> end(
        {.socket = std::move(socket), .peer = {.pid = getpid()}, .peer_role = PeerRole::kOther});
    Require(actor_->Bind(*loop_, std::move(end), std::move(options)).ok());
  }

  static std::vector<UniqueFd> TakeDescriptors(ByteReader& in) {
    std::vector<UniqueFd> descriptors(in.U8() % 4);
    for (UniqueFd& fd : descriptors) fd = FuzzedDescriptor(in.U8());
    return descriptors;
  }

  // Of a type that there is, mostly, and whose frame fits it.
  void SendPacket(ByteReader& in) {
    constexpr uint16_t kOthers[] = {kActorReply,    kActorReject,         kActorGoodbye,
                                    kActorSentinel, kActorSentinelAnswer, kShutdown,
                                    kActorYourPid};
    constexpr size_t kOwn = FuzzedProtocol::Messages::kCount + 1;
    const size_t which = in.U8() % (kOwn + std::size(kOthers));
    const uint8_t request_id = in.U8();
    const std::vector<UniqueFd> descriptors = TakeDescriptors(in);
    const std::span<const uint8_t> payload = in.Bytes(std::min<size_t>(in.U8(), in.remaining()));
    std::vector<uint8_t> bytes(kFrameBytes);
    const size_t type = which < kOwn ? kFirstApplicationType + which : kOthers[which - kOwn];
    EncodeFrame({.type = static_cast<uint16_t>(type),
                 .request_id = request_id,
                 .payload_size = static_cast<uint32_t>(payload.size()),
                 .descriptor_count = static_cast<uint32_t>(descriptors.size()),
                 .flags = request_id == 0xff ? uint32_t{kBlank} : uint32_t{kNoFlags}},
                std::span<uint8_t, kFrameBytes>(bytes.data(), kFrameBytes));
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    SendRaw(far_.get(), bytes, descriptors);
  }
  void SendBytes(ByteReader& in) {
    const std::vector<UniqueFd> descriptors = TakeDescriptors(in);
    SendRaw(far_.get(), in.Bytes(std::min<size_t>(in.U8(), in.remaining())), descriptors);
  }

  void Call() {
    if (!actor_) return;
    const absl::Status called =
        actor_->Call(Everything(), [this](absl::StatusOr<EverythingAnswer>) {
          ++stage_.calls_answered;
          if ((stage_.mood & kDestroy) != 0) Destroy();
        });
    if (called.ok()) ++stage_.calls_made;
  }
  void SendFiles(uint8_t kind) {
    if (!actor_) return;
    Files files;
    files.files.items.push_back({.fd = FuzzedDescriptor(kind)});
    actor_->Send(files).IgnoreError();
  }
  void Wait() {
    if constexpr (End::kSide == Side::kChild) {
      if (actor_) actor_->CallAndWait(CreateNested(), absl::ZeroDuration()).IgnoreError();
    } else {
      Call();
    }
  }
  void AnswerLate() {
    for (auto& answer : std::exchange(stage_.late_answers, {})) answer();
  }
  void DrainFar() {
    static std::array<uint8_t, kMaxPayloadBytes> buffer;
    Packet packet(buffer);
    while (ReceivePacket(far_.get(), Blocking::kNever, packet) == PacketOutcome::kMessage) {
    }
  }
  void ChangeState(uint8_t to) {
    if (!actor_) return;
    switch (to % 7) {
      case 0:
        return actor_->Close();
      case 1:
        return actor_->CloseSoon();
      case 2:
        return actor_->CloseWhenDelivered();
      case 3:
        return actor_->DropMessages();
      case 4:
        return actor_->EndSoon(absl::InternalError("this side's fault"));
      case 5:
        return actor_->OnRoom([this] { Call(); });
      case 6:
        return Destroy();
    }
  }
  // In its own callbacks, too. What waited for an answer is dropped.
  void Destroy() { actor_.reset(); }

  const std::unique_ptr<EventLoop> loop_;
  Stage stage_;
  std::unique_ptr<End> actor_ = std::make_unique<End>(stage_);
  UniqueFd far_;
};

template <typename End>
void FuzzActor(uint8_t binding, ByteReader& in) {
  Conversation<End> conversation(binding);
  for (size_t i = 0; i < kMostOperations && in.remaining() > 0; ++i) conversation.Apply(in);
  conversation.Finish();
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forkserver;
  const DescriptorCensus census;
  ByteReader in({data, size});
  const uint8_t binding = in.U8();
  if ((binding & kChildSide) != 0) {
    FuzzActor<FuzzedChild>(binding, in);
  } else {
    FuzzActor<FuzzedParent>(binding, in);
  }
  census.RequireSame();
  return 0;
}
