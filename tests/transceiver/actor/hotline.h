// The protocol of the actors' tests, with both ends, and a pair of them in one loop.
#ifndef TESTS_TRANSCEIVER_ACTOR_HOTLINE_H_
#define TESTS_TRANSCEIVER_ACTOR_HOTLINE_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/descriptor.h"
#include "transceiver/actor/text.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/packet.h"

namespace forkserver {

struct Assistance {
  Text<1024> words = {};
  auto Fields() { return std::tie(words); }
};

struct GetAssistance {
  static constexpr std::string_view kName = "GetAssistance";
  static constexpr SentBy kSentBy = SentBy::kParent;
  using Reply = Assistance;
  Text<256> question = {};
  auto Fields() { return std::tie(question); }
};

// One way, with a number to tell the order by, and a descriptor if wanted.
struct Note {
  static constexpr std::string_view kName = "Note";
  static constexpr SentBy kSentBy = SentBy::kEither;
  uint32_t number = 0;
  BytesView<60'000> body = {};
  std::optional<Descriptor> file = {};
  auto Fields() { return std::tie(number, body, file); }
};

struct AskParent {
  static constexpr std::string_view kName = "AskParent";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Assistance;
  Text<60'000> question = {};
  auto Fields() { return std::tie(question); }
};

struct Hotline {
  static constexpr std::string_view kName = "Hotline";
  using Messages = MessageList<GetAssistance, Note, AskParent>;
};

// What happened to one end, in order: "note 1", "question", "answer", "end normal".
template <typename Derived, Side kSide, typename Protocol = Hotline>
class RecordingActor : public Actor<Derived, Protocol, kSide> {
 public:
  absl::Status Receive(Note& note) {
    events.push_back("note " + std::to_string(note.number));
    body_bytes += note.body.data.size();
    if (note.file) files.push_back(std::move(note.file->fd));
    if (on_note) return on_note(note);
    return absl::OkStatus();
  }
  void ActorDestroy(const ActorEnd& end) override {
    events.push_back(end.is_normal() ? "end normal" : "end abnormal");
    ends.push_back(end);
    if (on_end) on_end();
  }

  // The options with which violations and log lines are kept.
  ActorOptions Recording(ActorOptions options = {}) {
    options.on_violation = [this](const absl::Status& why) { violations.push_back(why); };
    options.log = [this](std::string_view line) { log.emplace_back(line); };
    return options;
  }

  bool is_ended() const { return !ends.empty(); }

  std::vector<std::string> events;
  std::vector<ActorEnd> ends;
  std::vector<absl::Status> violations;
  std::vector<std::string> log;
  std::vector<UniqueFd> files;
  size_t body_bytes = 0;
  std::function<absl::Status(Note&)> on_note;
  std::function<void()> on_end;
};

class HotlineParent : public RecordingActor<HotlineParent, Side::kParent> {
 public:
  using RecordingActor::Receive;
  absl::Status Receive(AskParent& message, Resolver<Assistance> resolver) {
    events.push_back("asked " + message.question.str());
    if (on_ask) return on_ask(message, std::move(resolver));
    return resolver.Resolve({.words = "parent says " + message.question.str()});
  }
  std::function<absl::Status(AskParent&, Resolver<Assistance>)> on_ask;
};

class HotlineChild : public RecordingActor<HotlineChild, Side::kChild> {
 public:
  using RecordingActor::Receive;
  absl::Status Receive(GetAssistance& message, Resolver<Assistance> resolver) {
    events.push_back("question " + message.question.str());
    if (on_question) return on_question(message, std::move(resolver));
    return resolver.Resolve({.words = "Have you tried turning it off and on again?"});
  }
  std::function<absl::Status(GetAssistance&, Resolver<Assistance>)> on_question;
};

// Far enough that only a failing test gets there.
inline int64_t Late() { return NowNanos() + 20 * kNanosPerSecond; }

template <typename Done>
bool RunUntil(EventLoop& loop, Done done) {
  const int64_t deadline = Late();
  while (!done()) {
    if (NowNanos() >= deadline) return false;
    loop.Run(deadline);
  }
  return true;
}

// Both ends, each with its loop, so that one can be run and the other one left alone.
struct HotlinePair {
  explicit HotlinePair(EventLoop::Backend backend = EventLoop::Backend::kEpoll,
                       ActorOptions parent_options = {}, ActorOptions child_options = {}) {
    loop = *EventLoop::Create(backend);
    child_loop = *EventLoop::Create(backend);
    SocketPair pair;
    EXPECT_EQ(CreateSocketPair(pair), 0);
    const absl::Status bound =
        parent->Bind(*loop, std::move(pair.first), parent->Recording(std::move(parent_options)));
    EXPECT_TRUE(bound.ok()) << bound;
    const absl::Status child_bound = child->Bind(*child_loop, std::move(pair.second),
                                                 child->Recording(std::move(child_options)));
    EXPECT_TRUE(child_bound.ok()) << child_bound;
  }

  // Runs both loops in turn until `done`.
  template <typename Done>
  bool RunBoth(Done done) {
    const int64_t deadline = Late();
    while (!done()) {
      if (NowNanos() >= deadline) return false;
      loop->Run(NowNanos() + kNanosPerMilli);
      child_loop->Run(NowNanos() + kNanosPerMilli);
    }
    return true;
  }

  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<EventLoop> child_loop;
  std::unique_ptr<HotlineParent> parent = std::make_unique<HotlineParent>();
  std::unique_ptr<HotlineChild> child = std::make_unique<HotlineChild>();
};

using Events = std::vector<std::string>;

}  // namespace forkserver

#endif  // TESTS_TRANSCEIVER_ACTOR_HOTLINE_H_
