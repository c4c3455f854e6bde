// What a peer may do to break the protocol, from a bare socket: each is told of once, ends the
// actor abnormally and leaks nothing.
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/socket_that_lingers.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/descriptor_table.h"
#include "tests/transceiver/open_descriptors.h"
#include "transceiver/actor/wire.h"
#include "transceiver/clock.h"
#include "transceiver/close_strangers.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

constexpr uint16_t kGetAssistance = kFirstApplicationType;
constexpr uint16_t kNote = kFirstApplicationType + 1;
constexpr uint16_t kAskParent = kFirstApplicationType + 2;

using Payload = std::vector<uint8_t>;
const Payload kEmptyNote = {7, 0, 0, 0, 0, 0, 0, 0, 0};
const Payload kEmptyQuestion = {0, 0, 0, 0};

struct Breach {
  std::string name;
  Frame frame = {};
  Payload payload = {};
  int descriptors = 0;
  std::string text;
};

class Violations : public ::testing::Test {
 protected:
  void SetUp() override {
    loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    far_ = std::move(pair.second);
    near_ = std::move(pair.first);
  }
  void Bind(ActorOptions options = {}) {
    ASSERT_TRUE(parent_.Bind(*loop_, std::move(near_), parent_.Recording(std::move(options))).ok());
  }
  void SendFar(const Frame& frame, const Payload& payload, int descriptors) {
    std::vector<UniqueFd> owned;
    std::vector<int> fds;
    for (int i = 0; i < descriptors; ++i) {
      owned.emplace_back(eventfd(0, EFD_CLOEXEC));
      fds.push_back(owned.back().get());
    }
    ASSERT_EQ(SendPacket(far_.get(), Blocking::kNever, frame, payload, fds), 0);
  }
  void ExpectViolation(const std::string& text) {
    ASSERT_TRUE(RunUntil(*loop_, [&] { return parent_.is_ended(); }));
    ASSERT_EQ(parent_.violations.size(), 1u);
    EXPECT_EQ(parent_.violations[0].message(), text);
    ASSERT_EQ(parent_.ends.size(), 1u);
    EXPECT_FALSE(parent_.ends[0].is_normal());
    EXPECT_EQ(parent_.ends[0].why, parent_.violations[0]);
  }

  PacketOutcome FarHears() {
    std::vector<uint8_t> buffer(kMaxPayloadBytes);
    Packet packet(buffer);
    return ReceivePacket(far_.get(), Blocking::kNever, packet);
  }

  std::unique_ptr<EventLoop> loop_;
  UniqueFd near_;
  UniqueFd far_;
  HotlineParent parent_;
};

// The kernel drops what there is no number for, and the message is lost: that is not its sender's
// fault, but there is no going on without it.
TEST_F(Violations, WhatThisProcessHasNoRoomForIsAnEndAndNoViolation) {
  Bind();
  Payload note_with_file = kEmptyNote;
  note_with_file.back() = 1;
  SendFar({.type = kNote}, note_with_file, 1);
  {
    const DescriptorTableWith full(0);
    ASSERT_TRUE(RunUntil(*loop_, [&] { return parent_.is_ended(); }));
  }
  EXPECT_TRUE(parent_.violations.empty());
  ASSERT_EQ(parent_.ends.size(), 1u);
  EXPECT_EQ(parent_.ends[0].why,
            absl::ResourceExhaustedError(
                "Hotline: this process has no room for the descriptors of a message"));
}

// A socket whose last close would wait for a minute, in a process that does not wait for that.
class Lingerers : public Violations {
 protected:
  void SetUp() override {
    SetClosePlace(ClosePlace::kThread);
    Violations::SetUp();
    Bind();
  }
  void TearDown() override { SetClosePlace(ClosePlace::kHere); }

  void SendWithOne(const Frame& frame, const Payload& payload) {
    const UniqueFd lingerer = testing::SocketThatLingers(peer_);
    const int fd = lingerer.get();
    ASSERT_EQ(SendPacket(far_.get(), Blocking::kNever, frame, payload, {&fd, 1}), 0);
  }
  void ExpectViolationAtOnce(const std::string& text) {
    const int64_t start = NowNanos();
    ExpectViolation(text);
    EXPECT_LT(NowNanos() - start, kNanosPerSecond);
  }

  UniqueFd peer_;
};

TEST_F(Lingerers, ThatNobodyTakes) {
  SendWithOne({.type = kNote}, kEmptyNote);
  ExpectViolationAtOnce("Hotline Note: 1 descriptors left over");
}

TEST_F(Lingerers, InAFieldOfAMessageThatIsMalformed) {
  Payload note = kEmptyNote;
  note.back() = 1;    // the file is there
  note.push_back(0);  // and one byte more
  SendWithOne({.type = kNote}, note);
  ExpectViolationAtOnce("Hotline Note: 1 bytes left over");
}

TEST_F(Lingerers, BehindTheBreach) {
  SendFar({.type = kFirstApplicationType + 3}, {}, 0);
  SendWithOne({.type = kNote}, kEmptyNote);
  ExpectViolationAtOnce("Hotline: unknown message 3");
}

class Breaches : public Violations, public ::testing::WithParamInterface<Breach> {};

TEST_P(Breaches, AreToldOfAndEndTheActor) {
  const size_t before = OpenDescriptors();
  Bind();
  const Breach& breach = GetParam();
  SendFar(breach.frame, breach.payload, breach.descriptors);
  // Not handled: the actor has ended before it.
  SendFar({.type = kNote}, kEmptyNote, 0);
  ExpectViolation(breach.text);
  EXPECT_EQ(parent_.events, Events{"end abnormal"});
  EXPECT_EQ(OpenDescriptors(), before - 1) << "all but the actor's socket";
}

std::vector<Breach> AllBreaches() {
  Payload long_note = kEmptyNote;
  long_note.push_back(0);
  const Payload refusal_of_ok = {0, 0, 0, 0, 0, 0, 0, 0};
  return {
      {"UnknownMessage", {.type = kFirstApplicationType + 3}, {}, 0, "Hotline: unknown message 3"},
      {"LastType", {.type = UINT16_MAX}, {}, 0, "Hotline: unknown message 61439"},
      {"LaunchProtocol", {.type = kShutdown}, {}, 0, "Hotline: unknown frame type 9"},
      {"TypeZero", {.type = 0}, {}, 0, "Hotline: unknown frame type 0"},
      {"WrongDirection",
       {.type = kGetAssistance, .request_id = 1},
       kEmptyQuestion,
       0,
       "Hotline GetAssistance: sent in the wrong direction"},
      {"CallWithoutId",
       {.type = kAskParent},
       kEmptyQuestion,
       0,
       "Hotline AskParent: a call without a request id"},
      {"OneWayWithId",
       {.type = kNote, .request_id = 1},
       kEmptyNote,
       0,
       "Hotline Note: one way with a request id"},
      {"ShortFields", {.type = kNote}, {1, 2}, 0, "Hotline Note field 1: the message ends in it"},
      {"LeftOverBytes", {.type = kNote}, long_note, 0, "Hotline Note: 1 bytes left over"},
      {"LeftOverDescriptors",
       {.type = kNote},
       kEmptyNote,
       3,
       "Hotline Note: 3 descriptors left over"},
      {"MissingDescriptor",
       {.type = kNote},
       {7, 0, 0, 0, 0, 0, 0, 0, 1},
       0,
       "Hotline Note field 3: its descriptor did not come"},
      {"OverItsLimit",
       {.type = kNote},
       {7, 0, 0, 0, 0xff, 0xff, 0, 0, 0},
       0,
       "Hotline Note field 2: 65535 bytes, at most 60000"},
      {"LargerThanAnyMessage",
       {.type = kNote},
       Payload(kMaxPayloadBytes),
       2,
       "Hotline: malformed packet: packet over the limit"},
      {"AnswerToNothing",
       {.type = kActorReply, .request_id = 1},
       kEmptyQuestion,
       2,
       "Hotline: an answer to request 1, which waits for none"},
      {"RefusalOfNothing",
       {.type = kActorReject, .request_id = 9},
       {},
       0,
       "Hotline: an answer to request 9, which waits for none"},
      {"SentinelAnswerToNothing",
       {.type = kActorSentinelAnswer},
       {},
       0,
       "Hotline: an answer to no sentinel"},
      {"GoodbyeWithPayload",
       {.type = kActorGoodbye},
       {1},
       0,
       "Hotline: frame type 3842 with something in it"},
      {"SentinelWithDescriptor",
       {.type = kActorSentinel},
       {},
       1,
       "Hotline: frame type 3843 with something in it"},
      {"Flags", {.type = kNote, .flags = kBlank}, kEmptyNote, 0, "Hotline: a frame with flags"},
  };
}

INSTANTIATE_TEST_SUITE_P(Of, Breaches, ::testing::ValuesIn(AllBreaches()),
                         [](const auto& breach) { return breach.param.name; });

TEST_F(Violations, BytesThatAreNoFrame) {
  Bind();
  ASSERT_EQ(send(far_.get(), "garbage", 7, MSG_NOSIGNAL), 7);
  ExpectViolation("Hotline: malformed packet: packet shorter than a frame");
}

TEST_F(Violations, WhatAHandlerFindsWrong) {
  Bind();
  parent_.on_note = [](Note&) { return absl::PermissionDeniedError("not your number"); };
  SendFar({.type = kNote}, kEmptyNote, 0);
  ExpectViolation("Hotline Note: not your number");
  EXPECT_TRUE(absl::IsPermissionDenied(parent_.ends[0].why));
}

// Whatever a handler asks for besides: the end that its error brings is told, and not a normal one.
TEST_F(Violations, OfAHandlerThatAlsoClosesAreTold) {
  Bind();
  parent_.on_note = [this](Note&) {
    parent_.CloseSoon();
    return absl::PermissionDeniedError("not your number");
  };
  SendFar({.type = kNote}, kEmptyNote, 0);
  ExpectViolation("Hotline Note: not your number");
  EXPECT_EQ(FarHears(), PacketOutcome::kClosed) << "and no Goodbye";
}

TEST_F(Violations, OfACallWhoseHandlerAlsoClosesAreItsAnswer) {
  Bind();
  parent_.on_ask = [this](AskParent&, Resolver<Assistance>) {
    parent_.CloseSoon();
    return absl::PermissionDeniedError("no such question");
  };
  SendFar({.type = kAskParent, .request_id = 1}, kEmptyQuestion, 0);
  ExpectViolation("Hotline AskParent: no such question");
  EXPECT_EQ(FarHears(), PacketOutcome::kMessage);
  EXPECT_EQ(FarHears(), PacketOutcome::kClosed) << "and no Goodbye";
}

TEST_F(Violations, ThatAHandlerMetWhileItWaitedAreToldAlsoWhenItCloses) {
  HotlineChild child;
  ASSERT_TRUE(child.Bind(*loop_, std::move(near_), child.Recording()).ok());
  child.on_note = [&](Note&) {
    EXPECT_FALSE(child.CallAndWait(AskParent{}, absl::Seconds(20)).ok());
    child.CloseSoon();
    return absl::OkStatus();
  };
  SendFar({.type = kNote}, kEmptyNote, 0);
  SendFar({.type = kActorReply, .request_id = 1}, {1, 2}, 0);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return child.is_ended(); }));
  EXPECT_EQ(child.violations.size(), 1u);
  EXPECT_FALSE(child.ends[0].is_normal());
}

TEST_F(Violations, ThatAWaitMetAreToldBeforeAnyEnd) {
  for (const bool closes : {true, false}) {
    HotlineChild child;
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    ASSERT_TRUE(child.Bind(*loop_, std::move(pair.first), child.Recording()).ok());
    far_ = std::move(pair.second);
    SendFar({.type = kActorReply, .request_id = 1}, {1, 2}, 0);
    SendFar({.type = kActorGoodbye}, {}, 0);
    EXPECT_FALSE(child.CallAndWait(AskParent{}, absl::Seconds(20)).ok());
    if (closes) child.Close();
    ASSERT_TRUE(RunUntil(*loop_, [&] { return child.is_ended(); }));
    EXPECT_EQ(child.violations.size(), 1u);
    EXPECT_FALSE(child.ends[0].is_normal());
  }
}

// A call that waits gets its error when the actor ends, after the violation was told.
class BadAnswers : public Violations {
 protected:
  void CallAndSend(const Frame& frame, const Payload& payload, int descriptors = 0) {
    Bind();
    ASSERT_TRUE(parent_
                    .Call(GetAssistance{.question = "?"},
                          [this](absl::StatusOr<Assistance> reply) {
                            EXPECT_EQ(parent_.violations.size(), 1u);
                            EXPECT_TRUE(absl::IsUnavailable(reply.status())) << reply.status();
                            parent_.events.push_back("answer");
                          })
                    .ok());
    SendFar(frame, payload, descriptors);
  }
};

TEST_F(BadAnswers, OfTheWrongSize) {
  CallAndSend({.type = kActorReply, .request_id = 1}, {1, 2});
  ExpectViolation("Hotline GetAssistance reply field 1: the message ends in it");
  EXPECT_EQ(parent_.events, (Events{"answer", "end abnormal"}));
}

TEST_F(BadAnswers, WithADescriptor) {
  CallAndSend({.type = kActorReply, .request_id = 1}, kEmptyQuestion, 1);
  ExpectViolation("Hotline GetAssistance reply: 1 descriptors left over");
}

TEST_F(BadAnswers, ThatRefuseWithOkOrTooMuch) {
  CallAndSend({.type = kActorReject, .request_id = 1}, {0, 0, 0, 0, 0, 0, 0, 0});
  ExpectViolation("Hotline: malformed refusal of GetAssistance");
}

TEST_F(BadAnswers, ThatComeTwice) {
  Bind();
  int answers = 0;
  ASSERT_TRUE(parent_.Call(GetAssistance{}, [&](absl::StatusOr<Assistance>) { ++answers; }).ok());
  for (int i = 0; i < 2; ++i) SendFar({.type = kActorReply, .request_id = 1}, kEmptyQuestion, 0);
  ExpectViolation("Hotline: an answer to request 1, which waits for none");
  EXPECT_EQ(answers, 1);
}

TEST_F(Violations, ThatComeWhileAChildWaitsAreToldAfterwards) {
  HotlineChild child;
  ASSERT_TRUE(child.Bind(*loop_, std::move(near_), child.Recording()).ok());
  SendFar({.type = kNote}, kEmptyNote, 0);
  SendFar({.type = kActorReply, .request_id = 1}, {1, 2}, 1);
  const absl::Status status = child.CallAndWait(AskParent{}, absl::Seconds(20)).status();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(child.violations.empty());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return child.is_ended(); }));
  EXPECT_EQ(child.violations.size(), 1u);
}

// As one whose handler asks, and for which the next message has no room either.
TEST_F(Violations, WhatThisProcessHasNoRoomForWhileAChildWaitsIsNone) {
  HotlineChild child;
  ASSERT_TRUE(child.Bind(*loop_, std::move(near_), child.Recording()).ok());
  Payload note_with_file = kEmptyNote;
  note_with_file.back() = 1;
  SendFar({.type = kNote}, kEmptyNote, 0);
  SendFar({.type = kNote}, note_with_file, 1);
  absl::Status status;
  {
    const DescriptorTableWith full(0);
    status = child.CallAndWait(AskParent{}, absl::Seconds(20)).status();
  }
  const absl::Status why = absl::ResourceExhaustedError(
      "Hotline: this process has no room for the descriptors of a message");
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  ASSERT_TRUE(RunUntil(*loop_, [&] { return child.is_ended(); }));
  EXPECT_EQ(child.events, (Events{"note 7", "end abnormal"}));
  EXPECT_EQ(child.ends[0].why, why);
  EXPECT_TRUE(child.violations.empty());
}

TEST_F(Violations, ASecondSentinel) {
  Bind();
  SendFar({.type = kActorSentinel}, {}, 0);
  SendFar({.type = kActorSentinel}, {}, 0);
  ExpectViolation("Hotline: a second sentinel");
}

TEST_F(Violations, MoreCallsThanMayBeInFlight) {
  Bind();
  parent_.on_ask = [](AskParent&, Resolver<Assistance> resolver) {
    return resolver.Resolve({.words = std::string(1024, 'w')});
  };
  const int64_t deadline = Late();
  uint64_t id = 0;
  while (!parent_.is_ended() && NowNanos() < deadline) {
    const int error = SendPacket(far_.get(), Blocking::kNever,
                                 {.type = kAskParent, .request_id = id + 1}, kEmptyQuestion, {});
    if (error == 0) ++id;
    loop_->Run(0);
  }
  ExpectViolation("Hotline AskParent: more than 2048 calls in flight");
  // And the answers that the socket had room for.
  EXPECT_GT(id, kMostCallsInFlight);
  EXPECT_LE(id, kMostCallsInFlight + 300);
}

}  // namespace
}  // namespace forkserver
