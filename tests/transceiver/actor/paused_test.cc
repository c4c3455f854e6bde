// An actor with as many unanswered calls of its peer's as it takes: what it still reads, what it
// keeps, and what becomes of that when the peer goes.
#include <sys/eventfd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/each_backend.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/actor/list.h"
#include "transceiver/actor/wire.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

class PausedActors : public EachBackend {};

INSTANTIATE_TEST_SUITE_P(Over, PausedActors, kEachBackend, BackendName);

// A parent's on_ask that asks the child back, and answers with what that says.
auto AskBack(HotlineParent& parent) {
  return [&parent](AskParent& message, Resolver<Assistance> resolver) {
    return parent.Call(GetAssistance{.question = message.question.str().substr(0, 256)},
                       [resolver = std::move(resolver)](absl::StatusOr<Assistance> reply) mutable {
                         if (reply.ok()) resolver.Resolve(*reply).IgnoreError();
                       });
  };
}

// A parent's on_ask that leaves the answers to the test.
auto KeepIn(std::vector<Resolver<Assistance>>& waiting) {
  return [&waiting](AskParent&, Resolver<Assistance> resolver) {
    waiting.push_back(std::move(resolver));
    return absl::OkStatus();
  };
}

Events Notes(uint32_t count) {
  Events events;
  for (uint32_t i = 0; i < count; ++i) events.push_back("note " + std::to_string(i));
  return events;
}

TEST_P(PausedActors, HearTheAnswersToTheirOwnQuestions) {
  HotlinePair pair(GetParam(), {.max_unanswered = 8});
  pair.parent->on_ask = AskBack(*pair.parent);
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    const auto count = [&](absl::StatusOr<Assistance> reply) { answered += reply.ok() ? 1 : 0; };
    ASSERT_TRUE(pair.child->Call(AskParent{}, count).ok());
  }
  EXPECT_TRUE(pair.RunBoth([&] { return answered == 100; }));
}

// As many as a peer can make are handled or kept, by default. Its answers come behind all of them.
TEST_P(PausedActors, AreNotStoppedByCallsAlone) {
  HotlinePair pair(GetParam(), {}, {.max_queued_messages = kMostCallsInFlight});
  pair.parent->on_ask = AskBack(*pair.parent);
  std::vector<Resolver<Assistance>> asked;
  pair.child->on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    asked.push_back(std::move(resolver));
    return absl::OkStatus();
  };
  size_t answered = 0;
  const auto count = [&](absl::StatusOr<Assistance> reply) { answered += reply.ok() ? 1 : 0; };
  for (size_t i = 0; i < kMostCallsInFlight; ++i) {
    ASSERT_TRUE(pair.child->Call(AskParent{}, count).ok()) << i;
  }
  ASSERT_TRUE(
      pair.RunBoth([&] { return pair.child->queued_messages() == 0 && asked.size() == 1024; }));
  pair.child->on_question = nullptr;
  for (Resolver<Assistance>& resolver : asked) resolver.Resolve({}).IgnoreError();
  EXPECT_TRUE(pair.RunBoth([&] { return answered == kMostCallsInFlight; }));
}

TEST_P(PausedActors, KeepMessagesInTheirOrderAndLetAnswersOvertakeThem) {
  HotlinePair pair(GetParam(), {.max_unanswered = 1});
  std::vector<Resolver<Assistance>> waiting;
  pair.parent->on_ask = KeepIn(waiting);
  const auto nothing = [](absl::StatusOr<Assistance>) {};
  ASSERT_TRUE(pair.child->Call(AskParent{.question = "1"}, nothing).ok());
  for (uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(pair.child->Send(Note{.number = i}).ok());
  ASSERT_TRUE(pair.child->Call(AskParent{.question = "2"}, nothing).ok());
  std::vector<int> answers;
  for (int i = 0; i < 3; ++i) {
    const auto record = [&, i](absl::StatusOr<Assistance>) { answers.push_back(i); };
    ASSERT_TRUE(pair.parent->Call(GetAssistance{}, record).ok());
  }
  ASSERT_TRUE(pair.RunBoth([&] { return answers.size() == 3; }));
  EXPECT_EQ(answers, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(pair.parent->events, Events{"asked 1"});
  waiting[0].Resolve({}).IgnoreError();
  ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == 2; }));
  Events expected = Notes(5);
  expected.insert(expected.begin(), "asked 1");
  expected.push_back("asked 2");
  EXPECT_EQ(pair.parent->events, expected);
}

// Those that CallAndWait kept are among them, and are not overtaken by later ones.
TEST_P(PausedActors, KeepTheOrderOfAnswersThatCameWhileTheyWaited) {
  const auto loop = *EventLoop::Create(GetParam());
  SocketPair sockets;
  ASSERT_EQ(CreateSocketPair(sockets), 0);
  HotlineChild child;
  std::vector<Resolver<Assistance>> waiting;
  child.on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    waiting.push_back(std::move(resolver));
    return child.CallAndWait(AskParent{}, absl::Seconds(20)).status();
  };
  ASSERT_TRUE(
      child.Bind(*loop, std::move(sockets.first), child.Recording({.max_unanswered = 1})).ok());
  std::vector<int> answers;
  for (int i = 1; i <= 2; ++i) {
    const auto record = [&, i](absl::StatusOr<Assistance>) { answers.push_back(i); };
    ASSERT_TRUE(child.Call(AskParent{}, record).ok());
  }
  const std::vector<uint8_t> empty(4);
  const auto send = [&](uint16_t type, uint64_t id) {
    ASSERT_EQ(SendPacket(sockets.second.get(), Blocking::kNever, {.type = type, .request_id = id},
                         empty, {}),
              0);
  };
  send(kFirstApplicationType, 1);  // a question, whose handler waits for answer 3
  send(kActorReply, 1);
  send(kActorReply, 3);
  send(kActorReply, 2);
  ASSERT_TRUE(RunUntil(*loop, [&] { return answers.size() == 2; }));
  EXPECT_EQ(answers, (std::vector<int>{1, 2}));
  EXPECT_TRUE(child.is_open());
}

TEST_P(PausedActors, EndNormallyAfterAllThatCameBeforeAGoodbye) {
  for (const size_t kept : {size_t{1}, size_t{5}, size_t{1000}}) {
    HotlinePair pair(GetParam(), {.max_unanswered = 1, .max_queued_messages = kept});
    std::vector<Resolver<Assistance>> waiting;
    pair.parent->on_ask = KeepIn(waiting);
    ASSERT_TRUE(
        pair.child->Call(AskParent{.question = "1"}, [](absl::StatusOr<Assistance>) {}).ok());
    for (uint32_t i = 0; i < 100; ++i) ASSERT_TRUE(pair.child->Send(Note{.number = i}).ok());
    pair.child->Close();
    ASSERT_TRUE(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }));
    Events expected = Notes(100);
    expected.insert(expected.begin(), "asked 1");
    expected.push_back("end normal");
    EXPECT_EQ(pair.parent->events, expected) << kept;
  }
}

TEST_P(PausedActors, AnswerASentinelAfterWhatCameBeforeIt) {
  HotlinePair pair(GetParam(), {.max_unanswered = 1});
  std::vector<Resolver<Assistance>> waiting;
  pair.parent->on_ask = KeepIn(waiting);
  bool is_answered = false;
  const auto answer = [&](absl::StatusOr<Assistance> reply) { is_answered = reply.ok(); };
  ASSERT_TRUE(pair.child->Call(AskParent{.question = "1"}, answer).ok());
  ASSERT_TRUE(pair.child->Send(Note{.number = 0}).ok());
  pair.child->CloseWhenDelivered();
  ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == 1; }));
  for (int i = 0; i < 5; ++i) {
    pair.loop->Run(0);
    pair.child_loop->Run(0);
  }
  EXPECT_FALSE(pair.child->is_ended());
  waiting[0].Resolve({}).IgnoreError();
  ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  EXPECT_TRUE(is_answered);
  EXPECT_EQ(pair.parent->events, (Events{"asked 1", "note 0", "end normal"}));
}

// Room in the socket is the peer's affair again.
TEST_P(PausedActors, KeepNoMoreThanTheirBounds) {
  const std::vector<uint8_t> body(1000);
  for (const ActorOptions& options :
       {ActorOptions{.max_unanswered = 1, .max_queued_messages = 5},
        ActorOptions{.max_unanswered = 1, .max_queued_bytes = 5000},
        ActorOptions{.max_unanswered = 1, .max_queued_descriptors = 5}}) {
    HotlinePair pair(GetParam(), options, {.max_queued_messages = 4096});
    std::vector<Resolver<Assistance>> waiting;
    pair.parent->on_ask = KeepIn(waiting);
    ASSERT_TRUE(pair.child->Call(AskParent{}, [](absl::StatusOr<Assistance>) {}).ok());
    ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == 1; }));
    const size_t before = OpenDescriptors();
    uint32_t sent = 0;
    while (pair.child->queued_messages() == 0) {
      const Note note = {
          .number = sent++, .body = {body}, .file = Descriptor{UniqueFd(eventfd(0, EFD_CLOEXEC))}};
      ASSERT_TRUE(pair.child->Send(note).ok());
    }
    const size_t queued = OpenDescriptors() - before;
    for (int i = 0; i < 20; ++i) {
      pair.loop->Run(NowNanos());
      pair.child_loop->Run(NowNanos());
    }
    EXPECT_LE(OpenDescriptors(), before + queued + 6);
    EXPECT_GT(OpenDescriptors(), before);
    waiting[0].Resolve({}).IgnoreError();
    ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->files.size() == sent; }));
    Events expected = Notes(sent);
    expected.insert(expected.begin(), "asked ");
    EXPECT_EQ(pair.parent->events, expected);
  }
}

// A peer that has called, and filled its socket with descriptors, and dies.
struct Heap {
  static constexpr std::string_view kName = "Heap";
  static constexpr SentBy kSentBy = SentBy::kChild;
  List<Descriptor, 250> files = {};
  auto Fields() { return std::tie(files); }
};
struct Ask {
  static constexpr std::string_view kName = "Ask";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Assistance;
};
struct Dump {
  static constexpr std::string_view kName = "Dump";
  using Messages = MessageList<Heap, Ask>;
};
class DumpParent : public Actor<DumpParent, Dump, Side::kParent> {
 public:
  absl::Status Receive(Heap&) {
    ++heaps;
    most_open = std::max(most_open, OpenDescriptors());
    return absl::OkStatus();
  }
  absl::Status Receive(Ask&, Resolver<Assistance> resolver) {
    waiting.push_back(std::move(resolver));
    return absl::OkStatus();
  }
  void ActorDestroy(const ActorEnd& end) override { ends.push_back(end); }

  size_t heaps = 0;
  size_t most_open = 0;
  std::vector<Resolver<Assistance>> waiting;
  std::vector<ActorEnd> ends;
};
class DumpChild : public Actor<DumpChild, Dump, Side::kChild> {};

TEST_P(PausedActors, TakeNoHeapOfDescriptorsFromAPeerThatDies) {
  const auto loop = *EventLoop::Create(GetParam());
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  DumpParent parent;
  ASSERT_TRUE(parent.Bind(*loop, std::move(pair.first), {.max_unanswered = 1}).ok());
  const auto send = [&](uint16_t type, uint64_t id, uint32_t files) {
    const UniqueFd file(eventfd(0, EFD_CLOEXEC));
    const std::vector<int> fds(files, file.get());
    const std::span payload(reinterpret_cast<const uint8_t*>(&files), id == 0 ? 4 : 0);
    return SendPacket(pair.second.get(), Blocking::kNever, {.type = type, .request_id = id},
                      payload, fds) == 0;
  };
  ASSERT_TRUE(send(kFirstApplicationType + 1, 1, 0));
  ASSERT_TRUE(RunUntil(*loop, [&] { return !parent.waiting.empty(); }));
  constexpr size_t kHeaps = 40;
  const size_t before = OpenDescriptors();
  for (size_t i = 0; i < kHeaps; ++i) ASSERT_TRUE(send(kFirstApplicationType, 0, 250)) << i;
  for (int i = 0; i < 10; ++i) loop->Run(NowNanos());
  EXPECT_EQ(parent.heaps, 0u);
  pair.second.reset();
  ASSERT_TRUE(RunUntil(*loop, [&] { return !parent.ends.empty(); }));
  EXPECT_EQ(parent.heaps, kHeaps);
  // The bound on those that are kept, which the last message may have passed.
  EXPECT_LT(parent.most_open, before + 256 + 250);
}

}  // namespace
}  // namespace forkserver
