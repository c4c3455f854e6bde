#include "transceiver/actor/actor.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/actor/hotline.h"
#include "tests/transceiver/each_backend.h"
#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/mini_transceiver.h"

namespace forkserver {
namespace {

class Actors : public EachBackend {};

INSTANTIATE_TEST_SUITE_P(Over, Actors, kEachBackend, BackendName);

TEST_P(Actors, AnswerCallsWithTheReply) {
  HotlinePair pair(GetParam());
  std::string words;
  ASSERT_TRUE(pair.parent
                  ->Call(GetAssistance{.question = "help"},
                         [&](absl::StatusOr<Assistance> reply) {
                           ASSERT_TRUE(reply.ok()) << reply.status();
                           words = reply->words.str();
                         })
                  .ok());
  ASSERT_TRUE(pair.RunBoth([&] { return !words.empty(); }));
  EXPECT_EQ(words, "Have you tried turning it off and on again?");
  EXPECT_EQ(pair.child->events, Events{"question help"});
}

TEST_P(Actors, KeepTheOrderInBothDirections) {
  HotlinePair pair(GetParam());
  Events expected;
  for (uint32_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(pair.parent->Send(Note{.number = i}).ok());
    ASSERT_TRUE(pair.child->Send(Note{.number = i}).ok());
    expected.push_back("note " + std::to_string(i));
  }
  ASSERT_TRUE(pair.RunBoth(
      [&] { return pair.parent->events.size() >= 100 && pair.child->events.size() >= 100; }));
  EXPECT_EQ(pair.parent->events, expected);
  EXPECT_EQ(pair.child->events, expected);
}

TEST_P(Actors, EndNormallyOnBothSidesWhenOneCloses) {
  HotlinePair pair(GetParam());
  pair.parent->Close();
  EXPECT_EQ(pair.parent->events, Events{"end normal"});
  ASSERT_TRUE(pair.RunBoth([&] { return pair.child->is_ended(); }));
  EXPECT_EQ(pair.child->events, Events{"end normal"});
  EXPECT_TRUE(pair.child->ends[0].why.ok());
}

TEST_P(Actors, WaitForAnAnswerWithoutTheLoop) {
  HotlinePair pair(GetParam());
  WatchedThread parent(
      [&] { EXPECT_TRUE(RunUntil(*pair.loop, [&] { return !pair.parent->events.empty(); })); });
  const absl::StatusOr<Assistance> reply =
      pair.child->CallAndWait(AskParent{.question = "now"}, absl::Seconds(20));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->words, "parent says now");
}

// What each side may send, and how.
template <typename A, typename M>
concept CanSend = requires(A& actor, const M& message) {
  actor.Send(message);
};
template <typename A, typename M>
concept CanCall = requires(A& actor, const M& message) {
  actor.Call(message, [](absl::StatusOr<Assistance>) {});
};
template <typename A, typename M>
concept CanWait = requires(A& actor, const M& message) {
  actor.CallAndWait(message, absl::Seconds(1));
};
static_assert(CanSend<HotlineParent, Note> && CanSend<HotlineChild, Note>);
static_assert(!CanCall<HotlineParent, Note> && !CanWait<HotlineChild, Note>);
static_assert(CanCall<HotlineParent, GetAssistance> && !CanCall<HotlineChild, GetAssistance>);
static_assert(!CanSend<HotlineParent, GetAssistance>);
static_assert(CanCall<HotlineChild, AskParent> && !CanCall<HotlineParent, AskParent>);
static_assert(CanWait<HotlineChild, AskParent>);
static_assert(!CanWait<HotlineParent, GetAssistance>, "parent to child never waits");

constexpr char kTooLate[] = "Hotline Note: too late to send, message lost";
const std::vector<uint8_t> kLargeBody(60'000);

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

// Sends notes, numbered from 0, until the queue takes no more. How many were taken.
template <typename A>
uint32_t SendUntilFull(A& actor, std::span<const uint8_t> body = kLargeBody) {
  for (uint32_t number = 0; number < 100'000; ++number) {
    const absl::Status sent = actor.Send(Note{.number = number, .body = {body}});
    if (sent.ok()) continue;
    EXPECT_TRUE(absl::IsResourceExhausted(sent)) << sent;
    return number;
  }
  ADD_FAILURE() << "the queue has no bound";
  return 0;
}

Events Notes(uint32_t count) {
  Events events;
  for (uint32_t i = 0; i < count; ++i) events.push_back("note " + std::to_string(i));
  return events;
}

// Asks the child, which answers with an error: that error.
absl::Status ErrorOfQuestion(HotlinePair& pair) {
  absl::Status answer;
  const absl::Status asked = pair.parent->Call(
      GetAssistance{}, [&](absl::StatusOr<Assistance> reply) { answer = reply.status(); });
  if (!asked.ok()) return asked;
  EXPECT_TRUE(pair.RunBoth([&] { return !answer.ok(); }));
  return answer;
}

// A child's on_question that leaves the answers to the test.
auto KeepIn(std::vector<Resolver<Assistance>>& waiting) {
  return [&waiting](GetAssistance&, Resolver<Assistance> resolver) {
    waiting.push_back(std::move(resolver));
    return absl::OkStatus();
  };
}

TEST_P(Actors, SayTheLimitThatAMessageIsOver) {
  HotlinePair pair(GetParam());
  const absl::Status sent =
      pair.parent->Call(GetAssistance{.question = std::string(300, '?')},
                        [](absl::StatusOr<Assistance>) { FAIL() << "it was not sent"; });
  EXPECT_TRUE(absl::IsInvalidArgument(sent));
  EXPECT_EQ(TextOf(sent), "GetAssistance field 1: 300 bytes, at most 256");
}

TEST_P(Actors, SendNothingBeforeBindAndAfterTheEnd) {
  HotlineParent unbound;
  EXPECT_EQ(TextOf(unbound.Send(Note{})), "Hotline Note: not bound yet");
  HotlinePair pair(GetParam());
  EXPECT_TRUE(pair.parent->is_open());
  pair.parent->Close();
  EXPECT_FALSE(pair.parent->is_open());
  const absl::Status sent = pair.parent->Send(Note{});
  EXPECT_TRUE(absl::IsFailedPrecondition(sent));
  EXPECT_EQ(TextOf(sent), kTooLate);
  EXPECT_FALSE(pair.parent->Bind(*pair.loop, UniqueFd(eventfd(0, EFD_CLOEXEC))).ok());
}

TEST_P(Actors, RejectWithTheReason) {
  HotlinePair pair(GetParam());
  pair.child->on_question = [](GetAssistance&, Resolver<Assistance> resolver) {
    resolver.Reject(absl::PermissionDeniedError(std::string(300, 'n')));
    return absl::OkStatus();
  };
  const absl::Status answer = ErrorOfQuestion(pair);
  EXPECT_TRUE(absl::IsPermissionDenied(answer));
  EXPECT_EQ(TextOf(answer), std::string(256, 'n'));
}

TEST_P(Actors, RejectAReplyThatIsOverItsLimit) {
  HotlinePair pair(GetParam());
  const std::string why = "reply to GetAssistance field 1: 2000 bytes, at most 1024";
  absl::Status resolved;
  pair.child->on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    resolved = resolver.TryResolve({.words = std::string(2000, 'w')});
    return absl::OkStatus();
  };
  EXPECT_EQ(ErrorOfQuestion(pair), absl::InternalError(why));
  EXPECT_EQ(resolved, absl::InternalError(why));
  EXPECT_EQ(pair.child->log, Events{"Hotline " + why});
  // The mistake is no fault of who asked.
  pair.child->on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    return resolver.Resolve({.words = std::string(2000, 'w')});
  };
  EXPECT_EQ(ErrorOfQuestion(pair), absl::InternalError(why));
  EXPECT_TRUE(pair.child->is_open());
}

TEST_P(Actors, AnswerLaterAndInAnyOrder) {
  HotlinePair pair(GetParam());
  std::vector<Resolver<Assistance>> waiting;
  pair.child->on_question = KeepIn(waiting);
  std::vector<std::string> answers;
  for (const char* question : {"a", "b"}) {
    ASSERT_TRUE(pair.parent
                    ->Call(GetAssistance{.question = question},
                           [&, question](absl::StatusOr<Assistance> reply) {
                             answers.push_back(question + reply->words.str());
                           })
                    .ok());
  }
  ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == 2; }));
  ASSERT_TRUE(waiting[1].Resolve({.words = "2"}).ok());
  ASSERT_TRUE(waiting[0].Resolve({.words = "1"}).ok());
  ASSERT_TRUE(waiting[0].Resolve({.words = "again"}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return answers.size() >= 2; }));
  EXPECT_EQ(answers, (std::vector<std::string>{"b2", "a1"}));
}

TEST_P(Actors, RejectAndLogADroppedResolver) {
  HotlinePair pair(GetParam());
  pair.child->on_question = [](GetAssistance&, Resolver<Assistance>) { return absl::OkStatus(); };
  const absl::Status answer = ErrorOfQuestion(pair);
  EXPECT_TRUE(absl::IsAborted(answer));
  EXPECT_EQ(TextOf(answer), "Hotline GetAssistance: dropped unanswered");
  EXPECT_EQ(pair.child->log, Events{"Hotline GetAssistance: dropped unanswered"});
}

// A dropped resolver is no mistake there, and what the handler says is what the caller should hear.
TEST_P(Actors, RefuseTheCallOfAHandlerThatReturnsAnError) {
  HotlinePair pair(GetParam());
  pair.child->on_question = [](GetAssistance&, Resolver<Assistance>) {
    return absl::OutOfRangeError("line 7");
  };
  EXPECT_EQ(ErrorOfQuestion(pair), absl::OutOfRangeError("GetAssistance: line 7"));
  EXPECT_EQ(pair.child->log, Events{});
}

TEST_P(Actors, MayGoBeforeTheirResolvers) {
  HotlinePair pair(GetParam());
  std::vector<Resolver<Assistance>> waiting;
  pair.child->on_question = KeepIn(waiting);
  int answers = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        pair.parent->Call(GetAssistance{}, [&](absl::StatusOr<Assistance>) { ++answers; }).ok());
  }
  ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == 3; }));
  pair.child.reset();
  EXPECT_TRUE(waiting[0].Resolve({}).ok());
  waiting[1].Reject(absl::InternalError("late"));
  waiting.clear();
  ASSERT_TRUE(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }));
  EXPECT_EQ(answers, 3);
}

TEST_P(Actors, ReadNoFurtherWhileTooManyCallsAreUnanswered) {
  HotlinePair pair(GetParam(), {}, {.max_unanswered = 4});
  std::vector<Resolver<Assistance>> waiting;
  pair.child->on_question = KeepIn(waiting);
  int answers = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(
        pair.parent->Call(GetAssistance{}, [&](absl::StatusOr<Assistance>) { ++answers; }).ok());
  }
  ASSERT_TRUE(pair.parent->Send(Note{.number = 1}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return waiting.size() == 4; }));
  for (int i = 0; i < 10; ++i) pair.child_loop->Run(0);
  EXPECT_EQ(waiting.size(), 4u);
  // One answer is not enough: half of them have to be out.
  ASSERT_TRUE(waiting[0].Resolve({}).ok());
  for (int i = 0; i < 10; ++i) pair.child_loop->Run(0);
  EXPECT_EQ(waiting.size(), 4u);
  pair.child->on_question = nullptr;
  for (Resolver<Assistance>& resolver : waiting) ASSERT_TRUE(resolver.Resolve({}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return answers == 10; }));
  ASSERT_TRUE(pair.RunBoth([&] { return pair.child->events.back() == "note 1"; }));
}

TEST_P(Actors, HandleWhatCameWhileTheyWerePausedWhenThePeerGoes) {
  HotlinePair pair(GetParam(), {}, {.max_unanswered = 1});
  Resolver<Assistance> waiting;
  pair.child->on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    waiting = std::move(resolver);
    return absl::OkStatus();
  };
  ASSERT_TRUE(pair.parent->Call(GetAssistance{}, [](absl::StatusOr<Assistance>) {}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return pair.child->events.size() == 1; }));
  for (uint32_t i = 0; i < 100; ++i) ASSERT_TRUE(pair.parent->Send(Note{.number = i}).ok());
  pair.parent.reset();
  ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->is_ended(); }));
  Events expected = Notes(100);
  expected.insert(expected.begin(), "question ");
  expected.push_back("end abnormal");
  EXPECT_EQ(pair.child->events, expected);
}

TEST_P(Actors, RefuseWhatTheQueueHasNoRoomForAndTellWhenItHas) {
  HotlinePair pair(GetParam(), {.max_queued_messages = 5});
  uint32_t sent = SendUntilFull(*pair.parent);
  EXPECT_EQ(pair.parent->queued_messages(), 5u);
  bool has_room = false;
  pair.parent->OnRoom([&] { has_room = true; });
  EXPECT_FALSE(has_room);
  ASSERT_TRUE(pair.RunBoth([&] { return has_room; }));
  EXPECT_EQ(pair.parent->queued_messages(), 0u);
  ASSERT_TRUE(pair.parent->Send(Note{.number = sent++}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return pair.child->events.size() >= sent; }));
  EXPECT_EQ(pair.child->events, Notes(sent));
}

TEST_P(Actors, BoundTheQueueInBytesToo) {
  HotlinePair pair(GetParam(), {.max_queued_bytes = 150'000});
  SendUntilFull(*pair.parent);
  EXPECT_EQ(pair.parent->queued_messages(), 2u);
}

TEST_P(Actors, TellOfRoomInTheNextTurnIfNothingWaits) {
  HotlinePair pair(GetParam());
  bool has_room = false;
  pair.parent->OnRoom([&] { has_room = true; });
  EXPECT_FALSE(has_room);
  ASSERT_TRUE(RunUntil(*pair.loop, [&] { return has_room; }));
}

TEST_P(Actors, TellOfRoomWhenBindHasSentWhatWasEarly) {
  const auto loop = *EventLoop::Create(GetParam());
  SocketPair pair;
  ASSERT_EQ(CreateSocketPair(pair), 0);
  HotlineParent parent;
  parent.BeginEarly();
  ASSERT_TRUE(parent.Send(Note{.number = 0}).ok());
  bool has_room = false;
  parent.OnRoom([&] { has_room = true; });
  ASSERT_TRUE(parent.Bind(*loop, std::move(pair.first), parent.Recording()).ok());
  EXPECT_TRUE(RunUntil(*loop, [&] { return has_room; }));
}

TEST_P(Actors, CloseWhenDeliveredAlsoWhatWasEarly) {
  const auto loop = *EventLoop::Create(GetParam());
  SocketPair sockets;
  ASSERT_EQ(CreateSocketPair(sockets), 0);
  HotlineParent parent;
  parent.BeginEarly();
  ASSERT_TRUE(parent.Send(Note{.number = 0}).ok());
  parent.CloseWhenDelivered();
  EXPECT_EQ(TextOf(parent.Send(Note{.number = 1})), kTooLate);
  ASSERT_TRUE(parent.Bind(*loop, std::move(sockets.first), parent.Recording()).ok());
  HotlineChild child;
  ASSERT_TRUE(child.Bind(*loop, std::move(sockets.second), child.Recording()).ok());
  ASSERT_TRUE(RunUntil(*loop, [&] { return parent.is_ended() && child.is_ended(); }));
  EXPECT_EQ(child.events, (Events{"note 0", "end normal"}));
  EXPECT_EQ(parent.events, Events{"end normal"});
}

TEST_P(Actors, MayBeOwnedByTheCallbackThatWaitsForRoom) {
  HotlinePair pair(GetParam());
  SendUntilFull(*pair.parent);
  HotlineParent* const parent = pair.parent.get();
  std::weak_ptr<HotlineParent> watched;
  {
    std::shared_ptr<HotlineParent> owned = std::move(pair.parent);
    watched = owned;
    parent->OnRoom([owned = std::move(owned)] {});
  }
  parent->Close();
  EXPECT_TRUE(watched.expired());
}

TEST_P(Actors, PassDescriptorsOnAndCloseThemHere) {
  const size_t before = OpenDescriptors();
  {
    HotlinePair pair(GetParam());
    const size_t with_pair = OpenDescriptors();
    ASSERT_TRUE(
        pair.parent->Send(Note{.file = Descriptor{UniqueFd(eventfd(9, EFD_CLOEXEC))}}).ok());
    ASSERT_TRUE(pair.RunBoth([&] { return pair.child->files.size() == 1; }));
    EXPECT_EQ(OpenDescriptors(), with_pair + 1);
    eventfd_t value = 0;
    EXPECT_EQ(eventfd_read(pair.child->files[0].get(), &value), 0);
    EXPECT_EQ(value, 9u);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Actors, FindWhatCameBeforeTheyWereBound) {
  auto loop = *EventLoop::Create(GetParam());
  SocketPair sockets;
  ASSERT_EQ(CreateSocketPair(sockets), 0);
  HotlineParent parent;
  ASSERT_TRUE(parent.Bind(*loop, std::move(sockets.first)).ok());
  for (uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(parent.Send(Note{.number = i}).ok());
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver launch(std::move(sockets.second), buffer);
  HotlineChild child;
  ASSERT_TRUE(child.Bind(*loop, launch.TakeSocket()).ok());
  ASSERT_TRUE(RunUntil(*loop, [&] { return child.events.size() == 3; }));
  EXPECT_EQ(child.events, Notes(3));
}

// The end.

TEST_P(Actors, EndCallsBeforeThemselves) {
  HotlinePair pair(GetParam());
  std::vector<Resolver<Assistance>> kept;
  pair.child->on_question = [&](GetAssistance&, Resolver<Assistance> resolver) {
    kept.push_back(std::move(resolver));
    return absl::OkStatus();
  };
  std::vector<absl::Status> answers;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pair.parent
                    ->Call(GetAssistance{},
                           [&, i](absl::StatusOr<Assistance> reply) {
                             pair.parent->events.push_back("answer " + std::to_string(i));
                             answers.push_back(reply.status());
                           })
                    .ok());
  }
  ASSERT_TRUE(pair.RunBoth([&] { return kept.size() == 3; }));
  pair.child->Close();
  ASSERT_TRUE(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }));
  EXPECT_EQ(pair.parent->events, (Events{"answer 0", "answer 1", "answer 2", "end normal"}));
  EXPECT_TRUE(absl::IsUnavailable(answers[0])) << answers[0];
  EXPECT_EQ(TextOf(answers[0]), "Hotline GetAssistance: closed before the answer");
}

TEST_P(Actors, EndAbnormallyWithoutGoodbye) {
  HotlinePair pair(GetParam());
  pair.child.reset();
  ASSERT_TRUE(RunUntil(*pair.loop, [&] { return pair.parent->is_ended(); }));
  EXPECT_EQ(pair.parent->events, Events{"end abnormal"});
  EXPECT_TRUE(absl::IsUnavailable(pair.parent->ends[0].why));
  EXPECT_EQ(TextOf(pair.parent->ends[0].why), "Hotline: the peer went without Goodbye");
  EXPECT_TRUE(pair.parent->violations.empty());
  EXPECT_EQ(TextOf(pair.parent->Send(Note{})), kTooLate);
}

TEST_P(Actors, CloseSoonInsideAHandler) {
  HotlinePair pair(GetParam());
  pair.child->on_note = [&](Note&) {
    pair.child->CloseSoon();
    EXPECT_EQ(TextOf(pair.child->Send(Note{})), kTooLate);
    EXPECT_FALSE(pair.child->is_ended());
    return absl::OkStatus();
  };
  ASSERT_TRUE(pair.parent->Send(Note{.number = 1}).ok());
  ASSERT_TRUE(pair.parent->Send(Note{.number = 2}).ok());
  ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  EXPECT_EQ(pair.child->events, (Events{"note 1", "end normal"}));
  EXPECT_EQ(pair.parent->events, Events{"end normal"});
}

TEST_P(Actors, LoseNothingThatWasSentBeforeCloseWhenDelivered) {
  HotlinePair pair(GetParam());
  const uint32_t sent = SendUntilFull(*pair.parent);
  ASSERT_GT(pair.parent->queued_messages(), 0u);
  pair.parent->CloseWhenDelivered();
  EXPECT_EQ(TextOf(pair.parent->Send(Note{})), kTooLate);
  EXPECT_FALSE(pair.parent->is_ended());
  ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  Events expected = Notes(sent);
  expected.push_back("end normal");
  EXPECT_EQ(pair.child->events, expected);
  EXPECT_EQ(pair.parent->events, Events{"end normal"});
}

TEST_P(Actors, HandleAndAnswerWhileTheyWaitToClose) {
  HotlinePair pair(GetParam());
  pair.parent->CloseWhenDelivered();
  std::string words;
  ASSERT_TRUE(pair.child
                  ->Call(AskParent{.question = "late"},
                         [&](absl::StatusOr<Assistance> reply) {
                           if (reply.ok()) words = reply->words.str();
                         })
                  .ok());
  ASSERT_TRUE(RunUntil(*pair.loop, [&] { return !pair.parent->events.empty(); }));
  ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  EXPECT_EQ(words, "parent says late");
}

TEST_P(Actors, BothCloseWhenDelivered) {
  HotlinePair pair(GetParam());
  ASSERT_TRUE(pair.parent->Send(Note{.number = 0}).ok());
  ASSERT_TRUE(pair.child->Send(Note{.number = 0}).ok());
  pair.parent->CloseWhenDelivered();
  pair.child->CloseWhenDelivered();
  ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended() && pair.child->is_ended(); }));
  EXPECT_EQ(pair.parent->events, (Events{"note 0", "end normal"}));
  EXPECT_EQ(pair.child->events, (Events{"note 0", "end normal"}));
}

TEST_P(Actors, SayGoodbyeAlsoThroughAFullSocket) {
  HotlinePair pair(GetParam());
  SendUntilFull(*pair.parent);
  pair.parent->Close();
  EXPECT_TRUE(pair.parent->is_ended());
  pair.parent.reset();
  ASSERT_TRUE(pair.RunBoth([&] { return pair.child->is_ended(); }));
  EXPECT_EQ(pair.child->events.back(), "end normal");
}

TEST_P(Actors, ALingeringGoodbyeGoesWithItsLoopOrItsPeer) {
  const size_t before = OpenDescriptors();
  {
    HotlinePair pair(GetParam());
    SendUntilFull(*pair.parent);
    pair.parent->Close();
    pair.loop.reset();
  }
  EXPECT_EQ(OpenDescriptors(), before);
  {
    HotlinePair pair(GetParam());
    SendUntilFull(*pair.parent);
    pair.parent->Close();
    const size_t lingering = OpenDescriptors();
    pair.child.reset();
    // The child's socket and the lingering one.
    ASSERT_TRUE(RunUntil(*pair.loop, [&] { return OpenDescriptors() == lingering - 2; }));
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Actors, MayBeDestroyedInTheirOwnCallbacks) {
  {
    HotlinePair pair(GetParam());
    pair.child->on_note = [&](Note&) {
      pair.child.reset();
      return absl::InvalidArgumentError("and nobody is told");
    };
    ASSERT_TRUE(pair.parent->Send(Note{.number = 1}).ok());
    ASSERT_TRUE(pair.parent->Send(Note{.number = 2}).ok());
    ASSERT_TRUE(pair.RunBoth([&] { return pair.parent->is_ended(); }));
    EXPECT_EQ(pair.child, nullptr);
  }
  {
    HotlinePair pair(GetParam());
    int calls = 0;
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(pair.parent
                      ->Call(GetAssistance{},
                             [&](absl::StatusOr<Assistance>) {
                               ++calls;
                               pair.parent.reset();
                             })
                      .ok());
    }
    ASSERT_TRUE(pair.RunBoth([&] { return pair.parent == nullptr; }));
    pair.loop->Run(0);
    EXPECT_EQ(calls, 1);
  }
  {
    HotlinePair pair(GetParam());
    pair.child->on_end = [&] { pair.child.reset(); };
    pair.parent->Close();
    ASSERT_TRUE(pair.RunBoth([&] { return pair.child == nullptr; }));
  }
  {
    HotlinePair pair(GetParam());
    pair.parent->on_end = [&] { pair.parent.reset(); };
    pair.parent->Close();
    EXPECT_EQ(pair.parent, nullptr);
  }
}

TEST_P(Actors, DropCallbacksWhenTheyAreDestroyed) {
  HotlinePair pair(GetParam());
  const auto token = std::make_shared<int>(0);
  ASSERT_TRUE(
      pair.parent
          ->Call(GetAssistance{}, [token](absl::StatusOr<Assistance>) { FAIL() << "called"; })
          .ok());
  EXPECT_EQ(token.use_count(), 2);
  pair.parent.reset();
  EXPECT_EQ(token.use_count(), 1);
}

using ActorsDeathTest = Actors;
INSTANTIATE_TEST_SUITE_P(Over, ActorsDeathTest, kEachBackend, BackendName);

TEST_P(ActorsDeathTest, CloseInsideAHandlerIsABugOfOurs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        HotlinePair pair(GetParam());
        pair.child->on_note = [&](Note&) {
          pair.child->Close();
          return absl::OkStatus();
        };
        if (pair.parent->Send(Note{.number = 1}).ok()) {
          pair.RunBoth([&] { return pair.child->is_ended(); });
        }
      },
      "^Hotline: Close inside a handler; CloseSoon is for that\n$");
}

// CallAndWait.

TEST_P(Actors, KeepWhatComesWhileTheyWaitAndHandleItInItsOrder) {
  HotlinePair pair(GetParam());
  const size_t before = OpenDescriptors();
  for (uint32_t i = 0; i < 100; ++i) {
    std::optional<Descriptor> file;
    if (i % 10 == 0) file = Descriptor{UniqueFd(eventfd(i, EFD_CLOEXEC))};
    ASSERT_TRUE(pair.parent->Send(Note{.number = i, .file = std::move(file)}).ok());
  }
  WatchedThread parent(
      [&] { EXPECT_TRUE(RunUntil(*pair.loop, [&] { return !pair.parent->events.empty(); })); });
  const absl::StatusOr<Assistance> reply = pair.child->CallAndWait(AskParent{}, absl::Seconds(20));
  ASSERT_TRUE(reply.ok()) << reply.status();
  parent.Join();
  EXPECT_TRUE(pair.child->events.empty());
  ASSERT_TRUE(pair.parent->Send(Note{.number = 100}).ok());
  ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->events.size() >= 101; }));
  EXPECT_EQ(pair.child->events, Notes(101));
  ASSERT_EQ(pair.child->files.size(), 10u);
  eventfd_t value = 0;
  EXPECT_EQ(eventfd_read(pair.child->files[9].get(), &value), 0);
  EXPECT_EQ(value, 90u);
  pair.child->files.clear();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(Actors, WaitInsideAHandler) {
  HotlinePair pair(GetParam());
  std::string words;
  pair.child->on_note = [&](Note& note) {
    if (note.number == 0) {
      const absl::StatusOr<Assistance> reply =
          pair.child->CallAndWait(AskParent{.question = "x"}, absl::Seconds(20));
      words = reply.ok() ? reply->words.str() : TextOf(reply.status());
      // What the handler was given is still there.
      EXPECT_EQ(note.body.data.size(), 5u);
      EXPECT_EQ(note.body.data[4], 42);
    }
    return absl::OkStatus();
  };
  const std::vector<uint8_t> body(5, 42);
  for (uint32_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(pair.parent->Send(Note{.number = i, .body = {body}}).ok());
  }
  WatchedThread parent(
      [&] { EXPECT_TRUE(RunUntil(*pair.loop, [&] { return !pair.parent->events.empty(); })); });
  ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->events.size() >= 10; }));
  EXPECT_EQ(words, "parent says x");
  EXPECT_EQ(pair.child->events, Notes(10));
}

TEST_P(Actors, GiveUpWaitingAtTheDeadlineAndIgnoreTheLateAnswer) {
  HotlinePair pair(GetParam());
  const absl::StatusOr<Assistance> reply =
      pair.child->CallAndWait(AskParent{}, absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(reply.status())) << reply.status();
  ASSERT_TRUE(RunUntil(*pair.loop, [&] { return !pair.parent->events.empty(); }));
  ASSERT_TRUE(pair.parent->Send(Note{.number = 0}).ok());
  ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return !pair.child->events.empty(); }));
  EXPECT_EQ(pair.child->events, Notes(1));
  EXPECT_TRUE(pair.child->is_open());
}

TEST_P(Actors, StopWaitingForAPeerThatEnds) {
  for (const bool says_goodbye : {true, false}) {
    HotlinePair pair(GetParam());
    ASSERT_TRUE(pair.parent->Send(Note{.number = 0}).ok());
    absl::Status status;
    WatchedThread child(
        [&] { status = pair.child->CallAndWait(AskParent{}, absl::Seconds(20)).status(); });
    ASSERT_TRUE(child.BlocksIn(SYS_ppoll));
    if (says_goodbye) pair.parent->Close();
    pair.parent.reset();
    child.Join();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->is_ended(); }));
    EXPECT_EQ(pair.child->events, (Events{"note 0", says_goodbye ? "end normal" : "end abnormal"}));
  }
}

TEST_P(Actors, StopWaitingWhenTooMuchComesMeanwhile) {
  HotlinePair pair(GetParam(), {}, {.max_queued_messages = 20});
  for (uint32_t i = 0; i < 40; ++i) ASSERT_TRUE(pair.parent->Send(Note{.number = i}).ok());
  const absl::Status status = pair.child->CallAndWait(AskParent{}, absl::Seconds(20)).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  ASSERT_TRUE(RunUntil(*pair.child_loop, [&] { return pair.child->events.size() >= 40; }));
  EXPECT_EQ(pair.child->events, Notes(40));
}

TEST_P(Actors, SendWhatIsQueuedBeforeTheyWait) {
  HotlinePair pair(GetParam());
  uint32_t sent = 0;
  for (; pair.child->queued_messages() < 3; ++sent) {
    ASSERT_TRUE(pair.child->Send(Note{.number = sent, .body = {kLargeBody}}).ok());
  }
  WatchedThread parent([&] {
    EXPECT_TRUE(RunUntil(*pair.loop, [&] { return pair.parent->events.size() > sent; }));
  });
  const absl::StatusOr<Assistance> reply =
      pair.child->CallAndWait(AskParent{.question = "q"}, absl::Seconds(20));
  ASSERT_TRUE(reply.ok()) << reply.status();
  parent.Join();
  Events expected = Notes(sent);
  expected.push_back("asked q");
  EXPECT_EQ(pair.parent->events, expected);
}

}  // namespace
}  // namespace forkserver
