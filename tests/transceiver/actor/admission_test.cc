// What an actor's Admit and CheckOutgoing decide without a word in any handler.
#include "transceiver/actor/admission.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/watched_thread.h"

namespace forkserver {
namespace {

absl::Status Refusal() { return absl::FailedPreconditionError("not now"); }
absl::Status Fault() { return absl::PermissionDeniedError("never"); }

class Gate {
 protected:
  static Admission Judge(std::string_view text) {
    if (text == "refuse") return Admission::Refuse(Refusal());
    if (text == "fault") return Admission::Violation(Fault());
    return Admission::Grant();
  }
};

class GatedParent : public RecordingActor<GatedParent, Side::kParent>, private Gate {
 public:
  using RecordingActor::Receive;
  absl::Status Receive(AskParent& message, Resolver<Assistance> resolver) {
    events.push_back("asked " + message.question.str());
    if (answers != nullptr) return resolver.Resolve({.words = answers});
    return resolver.Resolve({.words = message.question.str()});
  }
  const char* answers = nullptr;  // null: what was asked

  Admission Admit(const AskParent& message) { return Judge(message.question.view()); }
  Admission Admit(const Note& note) {
    return Judge(note.number == 1 ? "refuse" : note.number == 2 ? "fault" : "");
  }
  Admission Admit(const Assistance& reply) { return Judge(reply.words.view()); }
  absl::Status CheckOutgoing(const GetAssistance& message) {
    return message.question == "forbidden" ? Fault() : absl::OkStatus();
  }
};

// Says back what it is asked.
class GatedChild : public RecordingActor<GatedChild, Side::kChild>, private Gate {
 public:
  using RecordingActor::Receive;
  absl::Status Receive(GetAssistance& message, Resolver<Assistance> resolver) {
    events.push_back("question " + message.question.str());
    return resolver.Resolve({.words = message.question.str()});
  }
  Admission Admit(const Assistance& reply) { return Judge(reply.words.view()); }
};

class Admissions : public ::testing::Test {
 protected:
  void SetUp() override {
    loop_ = *EventLoop::Create(EventLoop::Backend::kEpoll);
    SocketPair pair;
    ASSERT_EQ(CreateSocketPair(pair), 0);
    ASSERT_TRUE(parent_.Bind(*loop_, std::move(pair.first), parent_.Recording()).ok());
    ASSERT_TRUE(child_.Bind(*loop_, std::move(pair.second), child_.Recording()).ok());
  }

  // The child's call, or why not.
  absl::StatusOr<std::string> Ask(const std::string& question) {
    return Await(child_, AskParent{.question = question});
  }
  absl::StatusOr<std::string> AskChild(const std::string& question) {
    return Await(parent_, GetAssistance{.question = question});
  }
  template <typename A, typename M>
  absl::StatusOr<std::string> Await(A& actor, const M& message) {
    std::optional<absl::StatusOr<std::string>> answer;
    absl::Status called = actor.Call(message, [&](absl::StatusOr<Assistance> reply) {
      if (reply.ok()) {
        answer = reply->words.str();
      } else {
        answer = reply.status();
      }
    });
    if (!called.ok()) return called;
    EXPECT_TRUE(RunUntil(*loop_, [&] { return answer.has_value(); }));
    return *answer;
  }

  std::unique_ptr<EventLoop> loop_;
  GatedParent parent_;
  GatedChild child_;
};

TEST_F(Admissions, GrantedMessageIsHandled) {
  EXPECT_EQ(*Ask("hello"), "hello");
  EXPECT_EQ(parent_.events, Events{"asked hello"});
}

TEST_F(Admissions, RefusedCallIsRejectedUnhandledAndNobodyIsToBlame) {
  EXPECT_EQ(Ask("refuse").status(), Refusal());
  EXPECT_EQ(*Ask("hello"), "hello");
  EXPECT_EQ(parent_.events, Events{"asked hello"});
  EXPECT_TRUE(parent_.violations.empty());
}

TEST_F(Admissions, RefusedOneWayMessageIsDropped) {
  for (const uint32_t number : {1, 3}) ASSERT_TRUE(child_.Send(Note{.number = number}).ok());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return !parent_.events.empty(); }));
  EXPECT_EQ(parent_.events, Events{"note 3"});
  EXPECT_TRUE(parent_.violations.empty());
}

TEST_F(Admissions, ViolationByACallIsRejectedAndEndsTheActor) {
  EXPECT_EQ(Ask("fault").status(), Fault());
  EXPECT_EQ(parent_.events, Events{"end abnormal"});
  ASSERT_EQ(parent_.violations.size(), 1u);
  EXPECT_EQ(parent_.violations[0], absl::PermissionDeniedError("Hotline AskParent: never"));
}

TEST_F(Admissions, ViolationByAOneWayMessageEndsTheActor) {
  ASSERT_TRUE(child_.Send(Note{.number = 2}).ok());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return parent_.is_ended(); }));
  EXPECT_EQ(parent_.events, Events{"end abnormal"});
  ASSERT_EQ(parent_.violations.size(), 1u);
  EXPECT_EQ(parent_.violations[0].message(), "Hotline Note: never");
}

TEST_F(Admissions, RefusedReplyIsTheCallersError) {
  EXPECT_EQ(AskChild("refuse").status(), Refusal());
  EXPECT_EQ(*AskChild("hello"), "hello");
  EXPECT_TRUE(parent_.violations.empty());
}

TEST_F(Admissions, ViolationByAReplyEndsTheActor) {
  EXPECT_TRUE(absl::IsUnavailable(AskChild("fault").status()));
  EXPECT_EQ(parent_.events, Events{"end abnormal"});
  ASSERT_EQ(parent_.violations.size(), 1u);
  EXPECT_EQ(parent_.violations[0].message(), "Hotline GetAssistance reply: never");
}

TEST_F(Admissions, ReplyThatWasWaitedForIsJudgedToo) {
  const std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  GatedParent parent;
  GatedChild child;
  parent.answers = "fault";
  ASSERT_TRUE(parent.Bind(*loop, std::move(pair.first), parent.Recording()).ok());
  ASSERT_TRUE(child.Bind(*loop_, std::move(pair.second), child.Recording()).ok());
  {
    WatchedThread answers(
        [&] { EXPECT_TRUE(RunUntil(*loop, [&] { return !parent.events.empty(); })); });
    EXPECT_EQ(child.CallAndWait(AskParent{}, absl::Seconds(20)).status(), Fault());
  }
  ASSERT_TRUE(RunUntil(*loop_, [&] { return child.is_ended(); }));
  ASSERT_EQ(child.violations.size(), 1u);
  EXPECT_EQ(child.violations[0].message(), "AskParent reply: never");
}

TEST_F(Admissions, WhatMayNotGoOutIsNotSent) {
  EXPECT_EQ(AskChild("forbidden").status(), Fault());
  EXPECT_EQ(*AskChild("hello"), "hello");
  EXPECT_EQ(child_.events, Events{"question hello"});
}

}  // namespace
}  // namespace forkserver
