// Templates that are evicted, and those that their server's end finds.
#include <signal.h>

#include <optional>

#include "tests/forkserver/templates_host.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

using State = TemplateStatus::State;

HOST_TEST(Templates, EvictedWhenIdleItsChildrenLiveOnAndItsNextUseStartsItAgain) {
  absl::StatusOr<LaunchedChild> child = server.Launch(From("page", {"echo"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  EXPECT_TRUE(Echoes(*child));
  ASSERT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(CountChildren(), 3u);  // seed, root and that child
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_TRUE(ComesToBeEvicted(server, "page"));
}

HOST_TEST(Templates, EvictedWithItsBlanks) {
  const auto has_blank = [&] { return !StatusOf(server, "page").idle_blanks.empty(); };
  // Again where this machine was so slow that the template was evicted before its blank was there.
  for (int attempt = 0; attempt < 100 && !has_blank(); ++attempt) {
    ASSERT_TRUE(server.Launch({.type = ProcessType::kContent, .argv = {"exit", "0"}}).ok());
    ASSERT_TRUE(DispatchUntil(
        server, [&] { return has_blank() || StateOf(server, "page") == State::kNotStarted; }));
  }
  ASSERT_TRUE(has_blank());
  ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  ASSERT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(CountChildren(), 2u);  // seed and root
  EXPECT_EQ(WarmthOf(server, {.type = ProcessType::kContent, .argv = {"warmth"}}), "root page");
}

// Its Hello and its eviction may come in one turn of the loop.
HOST_TEST(Templates, NotEvictedAtOnceBeforeWhoWaitsForItIsTold) {
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing("page");
    ASSERT_TRUE(hello.ok()) << hello.status();
    ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  }
}

HOST_TEST(Templates, NotEvictedWhileALaunchIsUnderWay) {
  const std::optional<pid_t> page = StopOnceItServes(server, "page");
  ASSERT_TRUE(page.has_value());
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 1, outcome);
  const int64_t long_idle = NowNanos() + 5 * absl::ToInt64Nanoseconds(kSoon);
  ASSERT_TRUE(DispatchUntil(server, [&] { return NowNanos() > long_idle; }));
  EXPECT_EQ(StatusOf(server, "page").pid, page);
  ASSERT_TRUE(SignalProcess(page, SIGCONT).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 1; }));
  EXPECT_EQ(outcome.good, 1u) << outcome.last_error;
  EXPECT_TRUE(ComesToBeEvicted(server, "page"));
}

HOST_TEST(Templates, ThatMayBeIdleForCenturiesStays) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  for (int i = 0; i < 3; ++i) server.Dispatch();
  EXPECT_EQ(StateOf(server, "page"), State::kServing);
  EXPECT_EQ(StatusOf(server, "page").pid, page);
}

HOST_TEST(Templates, AtTheGateIsNotEvictedWhileItStarts) {
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 1, outcome);
  const int64_t long_idle = NowNanos() + 5 * absl::ToInt64Nanoseconds(kSoon);
  ASSERT_TRUE(DispatchUntil(server, [&] { return NowNanos() > long_idle; }));
  EXPECT_EQ(StateOf(server, "page"), State::kStarting);
  gate->Open();
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 1; }));
  EXPECT_EQ(outcome.good, 1u) << outcome.last_error;
}

HOST_TEST(Templates, EvictedParentLeavesThoseBelowItServing) {
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  const std::optional<pid_t> article = StatusOf(server, "article").pid;
  ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_EQ(StatusOf(server, "article").pid, article);
  EXPECT_EQ(StateOf(server, "page"), State::kNotStarted);
  ASSERT_TRUE(Kill(server, "article"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
}

// That the host has no child left after the server's end is what main of these tests checks.
HOST_TEST(Templates, DestroyedServerEndsNestedOnes) {
  ASSERT_TRUE(server.WaitUntilServing("comment").ok());
}

HOST_TEST(Templates, DestroyedServerEndsNestedOnesAtTheGate) {
  static Outcome outcome;  // it is told after this body
  LaunchMany(server, From("comment", {"exit", "0"}), 3, outcome);
  ASSERT_TRUE(gate->WaitForArrivals(1));
}

HOST_TEST(Templates, DestroyedServerEndsNestedOnesThatWereJustAskedFor) {
  static Outcome outcome;
  LaunchMany(server, From("comment", {"exit", "0"}), 3, outcome);
}

HOST_TEST(Templates, DestroyedServerEndsThoseThatStartAheadAtOnce) {}

HOST_TEST(Templates, DestroyedServerEndsThoseWhoseParentDied) {
  ASSERT_TRUE(server.WaitUntilServing("comment").ok());
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
}

HOST_TEST(Templates, DestroyedServerReapsOneThatWasKilledUnderLaunches) {
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGKILL).ok());
  static Outcome outcome;
  LaunchMany(server, From("article", {"exit", "0"}), 3, outcome);
}

HOST_TEST(Templates, DestroyedServerEndsAStoppedOne) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGSTOP).ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGSTOP).ok());
}

}  // namespace
}  // namespace forkserver::testing
