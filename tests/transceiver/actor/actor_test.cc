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

}  // namespace
}  // namespace forkserver
