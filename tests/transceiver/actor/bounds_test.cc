// What a link holds for a peer that does not read, and what it holds against one: calls in flight,
// answers, descriptors; and what it does when this process has no room. The other end is a bare
// socket where it is to do what no actor does.
#include <sys/eventfd.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/descriptor_table.h"
#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/actor/wire.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// Replies that are large, or hold a descriptor.
struct Key {
  Descriptor file = {};
  auto Fields() { return std::tie(file); }
};
struct BorrowKey {
  static constexpr std::string_view kName = "BorrowKey";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Key;
};
struct Page {
  Text<60'000> text = {};
  auto Fields() { return std::tie(text); }
};
struct ReadPage {
  static constexpr std::string_view kName = "ReadPage";
  static constexpr SentBy kSentBy = SentBy::kChild;
  using Reply = Page;
};
struct Library {
  static constexpr std::string_view kName = "Library";
  using Messages = MessageList<BorrowKey, ReadPage>;
};
constexpr uint16_t kBorrowKey = kFirstApplicationType;
constexpr uint16_t kReadPage = kFirstApplicationType + 1;

class LibraryParent : public Actor<LibraryParent, Library, Side::kParent> {
 public:
  absl::Status Receive(BorrowKey&, Resolver<Key> resolver) {
    ++calls;
    return resolver.Resolve({.file = Descriptor{UniqueFd(dup(key.get()))}});
  }
  absl::Status Receive(ReadPage&, Resolver<Page> resolver) {
    ++calls;
    return resolver.Resolve({.text = std::string(60'000, 'p')});
  }
  void ActorDestroy(const ActorEnd& end) override { ends.push_back(end); }

  UniqueFd key = UniqueFd(eventfd(0, EFD_CLOEXEC));
  size_t calls = 0;
  std::vector<ActorEnd> ends;
  std::vector<absl::Status> violations;
};

class LibraryLink : public ::testing::Test {
 protected:
  void SetUp() override {
    loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    far_ = std::move(pair.second);
    ActorOptions options = {
        .on_violation = [this](const absl::Status& why) { parent_.violations.push_back(why); }};
    ASSERT_TRUE(parent_.Bind(*loop_, std::move(pair.first), std::move(options)).ok());
  }
  // Sends calls that the parent handles; no answer is read.
  void CallFromFar(uint16_t type, size_t count) {
    const size_t wanted = parent_.calls + count;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(SendPacket(far_.get(), Blocking::kNever, {.type = type, .request_id = ++last_id_},
                           {}, {}),
                0);
      ASSERT_TRUE(RunUntil(*loop_, [&] { return parent_.calls == wanted - count + i + 1; }));
    }
  }

  struct Answers {
    size_t replies = 0;
    size_t refusals = 0;
    uint64_t last_id = 0;
    uint8_t code = 0;  // of the last refusal
  };
  // Reads the answers of all calls so far.
  Answers ReadAnswers() {
    Answers answers;
    std::vector<uint8_t> buffer(kMaxPayloadBytes);
    Packet packet(buffer);
    const auto read = [&] {
      while (ReceivePacket(far_.get(), Blocking::kNever, packet) == PacketOutcome::kMessage) {
        EXPECT_EQ(packet.frame().request_id, ++answers.last_id);
        if (packet.frame().type == kActorReply) {
          ++answers.replies;
        } else {
          ++answers.refusals;
          answers.code = packet.payload()[0];
        }
      }
      return answers.last_id == last_id_;
    };
    const int64_t deadline = Late();
    while (!read() && NowNanos() < deadline) loop_->Run(NowNanos() + kNanosPerMilli);
    return answers;
  }

  std::unique_ptr<EventLoop> loop_;
  UniqueFd far_;
  LibraryParent parent_;
  uint64_t last_id_ = 0;
};

TEST(CallsInFlight, AreBoundedWhereTheyAreMade) {
  HotlinePair pair(EventLoop::Backend::kEpoll, {.max_queued_messages = 4096},
                   {.max_unanswered = 4096});
  std::vector<Resolver<Assistance>> waiting;
  pair.child->on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    waiting.push_back(std::move(resolver));
    return absl::OkStatus();
  };
  const auto call = [&] {
    return pair.parent->Call(GetAssistance{}, [](absl::StatusOr<Assistance>) {});
  };
  for (size_t i = 0; i < kMostCallsInFlight; ++i) ASSERT_TRUE(call().ok()) << i;
  ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == kMostCallsInFlight; }));
  EXPECT_EQ(call(), absl::ResourceExhaustedError(
                        "Hotline GetAssistance: 2048 calls wait for their answers already"));
  // What needs no answer still goes.
  EXPECT_TRUE(pair.parent->Send(Note{.number = 1}).ok());
  // Room is told of when there is some for a call, too.
  bool has_room = false;
  pair.parent->OnRoom([&] { has_room = true; });
  for (int i = 0; i < 10; ++i) pair.loop->Run(0);
  EXPECT_FALSE(has_room);
  ASSERT_TRUE(waiting.back().Resolve({}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return has_room; }));
  EXPECT_TRUE(call().ok());
  EXPECT_FALSE(call().ok());
  EXPECT_TRUE(pair.child->violations.empty());
}

// The one that answers counts a call until its answer is in the socket, the one that called until
// it has seen it: so the first count is never above the second one, whoever is slow.
TEST(CallsInFlight, OfAnActorAreNeverTooManyForItsPeer) {
  constexpr int kCalls = 20'000;
  for (const int parent_turns : {1, 50}) {
    for (const int child_turns : {1, 50}) {
      HotlinePair pair(EventLoop::Backend::kEpoll, {}, {.max_queued_messages = 4096});
      pair.parent->on_ask = [](AskParent&, Resolver<Assistance> resolver) {
        return resolver.Resolve({.words = std::string(1024, 'w')});
      };
      int made = 0;
      int answered = 0;
      size_t most = 0;
      const std::function<void()> call = [&] {
        while (made < kCalls) {
          const absl::Status called =
              pair.child->Call(AskParent{}, [&](absl::StatusOr<Assistance> reply) {
                ASSERT_TRUE(reply.ok()) << reply.status();
                ++answered;
                call();
              });
          if (absl::IsResourceExhausted(called)) break;
          ASSERT_TRUE(called.ok()) << called;
          ++made;
        }
        most = std::max(most, static_cast<size_t>(made - answered));
      };
      call();
      const int64_t deadline = Late();
      while (answered < kCalls && pair.child->is_open() && NowNanos() < deadline) {
        for (int i = 0; i < parent_turns; ++i) pair.loop->Run(0);
        for (int i = 0; i < child_turns; ++i) pair.child_loop->Run(0);
      }
      EXPECT_EQ(answered, kCalls);
      EXPECT_EQ(most, kMostCallsInFlight);
      EXPECT_TRUE(pair.parent->violations.empty());
    }
  }
}

TEST_F(LibraryLink, RefusesAReplyWhoseDescriptorsItHasNoRoomFor) {
  const size_t before = OpenDescriptors();
  CallFromFar(kBorrowKey, 1000);
  EXPECT_LE(OpenDescriptors(), before + 256);
  const Answers answers = ReadAnswers();
  EXPECT_GT(answers.replies, 256u) << "those in the socket, and those in the queue";
  EXPECT_GT(answers.refusals, 0u);
  EXPECT_EQ(answers.replies + answers.refusals, 1000u);
  EXPECT_EQ(answers.code, static_cast<uint8_t>(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(parent_.is_open());
  EXPECT_EQ(OpenDescriptors(), before);
  // There is room again.
  CallFromFar(kBorrowKey, 1);
  Packet packet({});
  EXPECT_EQ(ReceivePacket(far_.get(), Blocking::kNever, packet), PacketOutcome::kMessage);
  EXPECT_EQ(packet.frame().type, kActorReply);
}

// 1000 of them are 60 MB, of which an honest peer that is busy knows nothing.
TEST_F(LibraryLink, RefusesLargeRepliesThatNobodyReads) {
  CallFromFar(kReadPage, 1000);
  const Answers answers = ReadAnswers();
  EXPECT_GT(answers.replies, 100u);
  EXPECT_GT(answers.refusals, 0u);
  EXPECT_EQ(answers.replies + answers.refusals, 1000u);
  EXPECT_EQ(answers.code, static_cast<uint8_t>(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(parent_.violations.empty());
  EXPECT_TRUE(parent_.is_open());
}

TEST_F(LibraryLink, EndsForItsOwnFaultWhenAReplyCannotBeSent) {
  while (parent_.queued_messages() == 0) CallFromFar(kBorrowKey, 1);
  ASSERT_EQ(SendPacket(far_.get(), Blocking::kNever,
                       {.type = kBorrowKey, .request_id = last_id_ + 1}, {}, {}),
            0);
  {
    // One for the handler, none for the queue.
    const DescriptorTableWith full(1);
    ASSERT_TRUE(RunUntil(*loop_, [&] { return !parent_.ends.empty(); }));
  }
  EXPECT_TRUE(parent_.violations.empty());
  const std::string why(parent_.ends[0].why.message());
  EXPECT_EQ(why.find("Library: a reply was not sent: fcntl F_DUPFD "), 0u) << why;
  EXPECT_NE(why.find(": EMFILE"), std::string::npos) << why;
}

Note NoteWithFile(uint32_t number) {
  return {.number = number, .file = Descriptor{UniqueFd(eventfd(0, EFD_CLOEXEC))}};
}

TEST(QueuedDescriptors, AreBoundedAsMessagesAre) {
  HotlinePair pair;
  const size_t before = OpenDescriptors();
  uint32_t sent = 0;
  absl::Status status;
  while (status.ok() && sent < 2000) {
    status = pair.parent->Send(NoteWithFile(sent));
    if (status.ok()) ++sent;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(OpenDescriptors(), before + 256);
  EXPECT_EQ(pair.parent->queued_messages(), 256u);
  EXPECT_TRUE(pair.parent->Send(Note{.number = sent++}).ok()) << "one without";
  bool has_room = false;
  pair.parent->OnRoom([&] { has_room = true; });
  ASSERT_TRUE(pair.RunBoth([&] { return has_room; }));
  EXPECT_TRUE(pair.parent->Send(NoteWithFile(sent++)).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return pair.child->events.size() == sent; }));
  EXPECT_EQ(pair.child->files.size(), sent - 1);
}

TEST(QueuedDescriptors, AreBoundedBeforeBindToo) {
  const size_t before = OpenDescriptors();
  HotlineParent parent;
  parent.BeginEarly();
  absl::Status status;
  uint32_t sent = 0;
  while (status.ok() && sent < 1000) {
    status = parent.Send(NoteWithFile(sent));
    if (status.ok()) ++sent;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(sent, 256u);
  EXPECT_EQ(OpenDescriptors(), before + 256);
}

TEST(QueuedDescriptors, AreBoundedWhereCallAndWaitKeepsThem) {
  HotlinePair pair(EventLoop::Backend::kEpoll, {}, {.max_queued_descriptors = 10});
  const size_t before = OpenDescriptors();
  for (uint32_t i = 0; i < 40; ++i) ASSERT_TRUE(pair.parent->Send(NoteWithFile(i)).ok());
  const absl::Status status = pair.child->CallAndWait(AskParent{}, absl::Seconds(5)).status();
  EXPECT_EQ(status, absl::ResourceExhaustedError("Hotline AskParent: 10 messages came while it "
                                                 "waited"));
  EXPECT_EQ(OpenDescriptors(), before + 10);
  ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->files.size() == 40; }));
}

// The kernel passes no io_uring on. Ok was said for it already, and its call waits for an answer.
class Unsendable : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ring = EventLoop::Create(EventLoop::Backend::kIoUring);
    if (!ring.ok()) GTEST_SKIP() << "io_uring is not allowed here: " << ring.status();
    ring_ = *std::move(ring);
  }
  template <typename A>
  void QueueWhatCannotGo(A& actor) {
    while (actor.queued_messages() == 0) ASSERT_TRUE(actor.Send(Note{}).ok());
    ASSERT_TRUE(actor.Send(Note{.file = Descriptor{UniqueFd(dup(ring_->fd()))}}).ok());
  }
  template <typename A>
  static void ExpectEnd(const A& actor) {
    ASSERT_EQ(actor.ends.size(), 1u);
    EXPECT_EQ(actor.ends[0].why, absl::InvalidArgumentError("Hotline: what was queued is lost: "
                                                            "sendmsg: EINVAL"));
    EXPECT_TRUE(actor.violations.empty());
  }

  std::unique_ptr<EventLoop> ring_;
};

TEST_F(Unsendable, InTheQueueEndsTheActorAndAnswersItsCalls) {
  HotlinePair pair;
  QueueWhatCannotGo(*pair.parent);
  absl::Status answer;
  ASSERT_TRUE(pair.parent
                  ->Call(GetAssistance{.question = "lost"},
                         [&](absl::StatusOr<Assistance> reply) { answer = reply.status(); })
                  .ok());
  ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  ExpectEnd(*pair.parent);
  EXPECT_EQ(answer, absl::UnavailableError("Hotline GetAssistance: Hotline: what was queued is "
                                           "lost: sendmsg: EINVAL"));
  EXPECT_EQ(pair.child->events.back(), "end abnormal");
}

TEST_F(Unsendable, InTheQueueEndsAWaitToo) {
  HotlinePair pair;
  QueueWhatCannotGo(*pair.child);
  WatchedThread parent(
      [&] { EXPECT_TRUE(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); })); });
  const absl::Status status = pair.child->CallAndWait(AskParent{}, absl::Seconds(20)).status();
  EXPECT_EQ(status, absl::UnavailableError("Hotline AskParent: sendmsg: EINVAL"));
  EXPECT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->is_ended(); }));
  ExpectEnd(*pair.child);
  parent.Join();
}

// Nothing can be sent into what is no socket, and nobody has broken a protocol.
class NoSocket : public ::testing::Test {
 protected:
  void Bind() {
    loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
    ASSERT_TRUE(parent_.Bind(*loop_, UniqueFd(eventfd(0, EFD_CLOEXEC)), parent_.Recording()).ok());
  }
  void ExpectOwnEnd(const std::string& text) {
    ASSERT_TRUE(RunUntil(*loop_, [&] { return parent_.is_ended(); }));
    EXPECT_TRUE(parent_.violations.empty());
    EXPECT_EQ(parent_.events, Events{"end abnormal"});
    EXPECT_EQ(std::string(parent_.ends[0].why.message()), text);
  }

  std::unique_ptr<EventLoop> loop_;
  HotlineParent parent_;
};

TEST_F(NoSocket, ForTheSentinelEndsTheActor) {
  Bind();
  parent_.CloseWhenDelivered();
  ExpectOwnEnd("Hotline: the sentinel was not sent: sendmsg: ENOTSOCK");
}

TEST_F(NoSocket, ForTheGoodbyeIsAnAbnormalEnd) {
  Bind();
  parent_.Close();
  ExpectOwnEnd("Hotline: the Goodbye was not sent: sendmsg: ENOTSOCK");
}

TEST_F(NoSocket, ForWhatWasEarlyIsNoViolation) {
  parent_.BeginEarly();
  ASSERT_TRUE(parent_.Send(Note{}).ok());
  Bind();
  ExpectOwnEnd("Hotline: what was sent before Bind: sendmsg: ENOTSOCK");
}

}  // namespace
}  // namespace forkserver
