// Blanks: when there are some, who takes one, and what becomes of them.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/test_program.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = PoolHost();
  // By type, each with its own pool or none.
  setup.options.templates = {
      {.name = "none", .pool = kNoPool},
      {.name = "two", .pool = PoolBounds{.min = 2, .max = 2}},
      {.name = "empty until busy", .pool = PoolBounds{.min = 0, .max = 2}},
  };
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  setup.drain_after_body = test.find("DestroyedServer") == test.npos;
  return setup;
}

namespace {

using testing::ArriveInABurst;
using testing::BlankPids;
using testing::ComesToHold;
using testing::DispatchUntil;
using testing::IdleBlanks;
using testing::Pooled;
using testing::Report;
using testing::ReportOf;
using testing::SignalProcess;

// One blank waits, and the test holds no child.
void Fill(ForkServer& server) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(child->process.Wait()->success());
  ASSERT_TRUE(ComesToHold(server, 1));
}

HOST_TEST(BlankPool, FirstLaunchForksAndTheNextOnesTakeABlank) {
  EXPECT_EQ(IdleBlanks(server), 0u);
  EXPECT_EQ(BlankPids(server).size(), 0u);
  absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "1"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kFork);
  EXPECT_EQ(child->process.Wait()->code, 1);
  for (int i = 2; i < 6; ++i) {
    ASSERT_TRUE(ComesToHold(server, 1));
    const std::vector<pid_t> blanks = BlankPids(server);
    child = server.Launch(Pooled({"exit", std::to_string(i)}));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kPool);
    EXPECT_EQ(std::vector<pid_t>{child->process.pid()}, blanks);
    EXPECT_EQ(child->process.Wait()->code, i);
  }
}

HOST_TEST(BlankPool, HoldsWhatSetPoolSays) {
  ASSERT_NO_FATAL_FAILURE(Fill(server));
  ASSERT_TRUE(server.SetPool(kRootTemplate, {.min = 3, .max = 3}).ok());
  EXPECT_TRUE(ComesToHold(server, 3));
  ASSERT_TRUE(server.SetPool(kRootTemplate, kNoPool).ok());
  EXPECT_TRUE(ComesToHold(server, 0));
  EXPECT_EQ(server.Launch(Pooled({"exit", "0"}))->by, LaunchedBy::kFork);
  EXPECT_TRUE(absl::IsNotFound(server.SetPool("none such", kNoPool)));
  EXPECT_TRUE(absl::IsInvalidArgument(server.SetPool(kRootTemplate, {.min = 2, .max = 1})));
}

// Nobody dispatches: a launch gives the loop its turn.
HOST_TEST(BlankPool, HostThatDoesNothingButLaunchFindsBlanksToo) {
  int pooled = 0;
  for (int i = 0; i < 2000 && pooled < 100; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    ASSERT_TRUE(child.ok()) << child.status();
    pooled += child->by == LaunchedBy::kPool ? 1 : 0;
    ASSERT_TRUE(child->process.Wait()->success());
  }
  EXPECT_EQ(pooled, 100);
}

HOST_TEST(BlankPool, ChildThatWasABlankIsLikeAnyOther) {
  Fill(server);
  LaunchOptions options = Pooled({"report", "x"});
  options.set_environment = {"COLOUR=blue"};
  options.working_directory = "/";
  options.name = "renamed";
  options.limits = {{RLIMIT_NOFILE, 64, 64}};
  options.Map(0, 7);
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(child->by, LaunchedBy::kPool);
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("ppid"), std::to_string(getpid()));
  EXPECT_EQ(report->at("pid"), std::to_string(child->process.pid()));
  EXPECT_EQ(report->at("owner_is_self"), "yes");
  EXPECT_EQ(report->at("env.COLOUR"), "blue");
  EXPECT_EQ(report->at("cwd"), "/");
  EXPECT_EQ(report->at("name"), "renamed");
  EXPECT_EQ(report->at("nofile"), "64:64");
  EXPECT_EQ(report->at("death_signal"), std::to_string(SIGKILL));
  EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2 7");
  // Nothing of its fork is this launch's.
  EXPECT_EQ(child->times.template_received_at, 0);
  EXPECT_GE(child->times.child.plan_received_at, child->times.requested_at);
}

HOST_TEST(BlankPool, TypeWhoseRowHasNoPoolNeitherStartsNorTakesOne) {
  const LaunchOptions plain = {.type = ProcessType::kIpcUnitTest, .argv = {"exit", "0"}};
  for (int i = 0; i < 30; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(plain);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kFork);
    server.Dispatch();
  }
  EXPECT_EQ(IdleBlanks(server), 0u);
  ASSERT_NO_FATAL_FAILURE(Fill(server));
  EXPECT_EQ(server.Launch(plain)->by, LaunchedBy::kFork);
  EXPECT_EQ(IdleBlanks(server), 1u);
}

HOST_TEST(BlankPool, LaunchThatAsksForAForkOrAnExecTakesNone) {
  Fill(server);
  LaunchOptions options = Pooled({"exit", "0"});
  options.way = LaunchWay::kFork;
  EXPECT_EQ(server.Launch(options)->by, LaunchedBy::kFork);
  options.way = LaunchWay::kExec;
  EXPECT_EQ(server.Launch(options)->by, LaunchedBy::kExec);
  EXPECT_EQ(IdleBlanks(server), 1u);
}

HOST_TEST(BlankPool, NeverHoldsMoreThanItsMaximum) {
  for (int i = 0; i < 200; ++i) {
    // Often enough that the pool never shrinks: a blank that was ended is a child until it is
    // reaped, and would be counted with the one in its place.
    if (i % 20 == 0) ArriveInABurst(server, Pooled({"exit", "0"}));
    ASSERT_TRUE(server.Launch(Pooled({"exit", "0"})).ok());
    server.Dispatch(absl::Milliseconds(1));
    // Also those that nobody has heard of yet; the child of this launch is gone.
    EXPECT_LE(BlankPids(server).size(), 3u);
    EXPECT_LE(IdleBlanks(server), 3u);
  }
  ArriveInABurst(server, Pooled({"exit", "0"}));
  EXPECT_TRUE(ComesToHold(server, 3));
}

HOST_TEST(BlankPool, BoundsOfATemplateOverruleThoseOfTheType) {
  for (const char* name : {"none", "two", "empty until busy"}) {
    LaunchOptions options = Pooled({"exit", "0"});
    options.template_name = name;
    ASSERT_TRUE(server.Launch(options).ok());
  }
  EXPECT_TRUE(ComesToHold(server, 2, "two"));
  EXPECT_EQ(IdleBlanks(server, "none"), 0u);
  EXPECT_EQ(IdleBlanks(server, "empty until busy"), 0u);
  // Each pool is its template's own.
  EXPECT_EQ(IdleBlanks(server, "root"), 0u);
  LaunchOptions options = Pooled({"exit", "0"});
  options.template_name = "two";
  EXPECT_EQ(server.Launch(options)->by, LaunchedBy::kPool);
  options.template_name = "none";
  EXPECT_EQ(server.Launch(options)->by, LaunchedBy::kFork);
  options.template_name = "empty until busy";
  ArriveInABurst(server, options);
  EXPECT_TRUE(ComesToHold(server, 2, "empty until busy"));
}

HOST_TEST(BlankPool, BlankThatDiedIsReplacedAndNotHandedOut) {
  Fill(server);
  for (int i = 0; i < 5; ++i) {
    const std::vector<pid_t> blanks = BlankPids(server);
    ASSERT_EQ(blanks.size(), 1u);
    ASSERT_TRUE(SignalProcess(blanks[0], SIGKILL).ok());
    EXPECT_TRUE(DispatchUntil(server, [&] {
      return IdleBlanks(server) == 1 && BlankPids(server).size() == 1 &&
             BlankPids(server) != blanks;
    }));
    absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kPool);
    EXPECT_NE(child->process.pid(), blanks[0]);
    ASSERT_TRUE(child->process.Wait().ok());
    ASSERT_TRUE(ComesToHold(server, 1));
  }
}

HOST_TEST(BlankPool, BlanksOfATemplateThatDiedAreHandedOut) {
  LaunchOptions options = Pooled({"exit", "0"});
  options.template_name = "two";
  ASSERT_TRUE(server.Launch(options).ok());
  ASSERT_TRUE(ComesToHold(server, 2, "two"));
  const TemplateStatus before = testing::StatusOf(server, "two");
  ASSERT_TRUE(SignalProcess(before.pid, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] {
    return testing::StatusOf(server, "two").state == TemplateStatus::State::kDead;
  }));
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kPool);
    EXPECT_EQ(
        std::count(before.idle_blanks.begin(), before.idle_blanks.end(), child->process.pid()), 1);
  }
  // And the template that was started in its place fills the same pool.
  EXPECT_TRUE(ComesToHold(server, 2, "two"));
  EXPECT_NE(testing::StatusOf(server, "two").pid, before.pid);
}

// One that is dead when it is sent its Plan is passed over, though nobody has noticed before.
HOST_TEST(BlankPool, DeadBlankThatNobodyNoticedIsPassedOver) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(DispatchUntil(server, [&] {
      return server.Launch(Pooled({"exit", "0"})).ok() && IdleBlanks(server) > 0;
    }));
    std::vector<UniqueFd> dying;
    const std::vector<pid_t> blanks = BlankPids(server);
    for (const pid_t pid : blanks) {
      dying.push_back(testing::OpenPidfd(pid));
      ASSERT_TRUE(SignalProcess(pid, SIGKILL).ok());
    }
    for (const UniqueFd& pidfd : dying) ASSERT_TRUE(testing::WaitForEnd(pidfd));
    const absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    ASSERT_TRUE(child.ok()) << child.status();
    // A fork, or a blank that was forked meanwhile.
    EXPECT_EQ(std::count(blanks.begin(), blanks.end(), child->process.pid()), 0);
  }
}

// Killed at any moment: the launch has a child, or says that it died.
HOST_TEST(BlankPool, BlanksKilledUnderLaunchesFailThoseAtMost) {
  size_t good = 0;
  for (int i = 0; i < 100; ++i) {
    for (const pid_t pid : BlankPids(server)) SignalProcess(pid, SIGKILL).IgnoreError();
    absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    if (child.ok()) {
      // It may have been meant by a signal as well.
      good += child->process.Wait().ok() ? 1 : 0;
    } else {
      EXPECT_TRUE(absl::IsAborted(child.status())) << child.status();
    }
    server.Dispatch(absl::Milliseconds(i % 3));
  }
  EXPECT_GT(good, 0u);
  // It recovers by itself; one that was killed may be taken for a blank until somebody notices.
  EXPECT_TRUE(DispatchUntil(server, [&] {
    const absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    return child.ok() && child->by == LaunchedBy::kPool;
  }));
}

HOST_TEST(BlankPool, PlanThatCannotBeSentCostsNoBlank) {
  Fill(server);
  const std::vector<pid_t> blanks = BlankPids(server);
  LaunchOptions options = Pooled({"exit", "0"});
  options.Map(9999, 5);
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
  ASSERT_TRUE(failure.has_value()) << child.status();
  EXPECT_EQ(failure->step, LaunchStep::kDescriptors);
  EXPECT_EQ(failure->error, EBADF);
  EXPECT_EQ(failure->index, 0u);
  EXPECT_EQ(BlankPids(server), blanks);
  const absl::StatusOr<LaunchedChild> next = server.Launch(Pooled({"wait"}));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->by, LaunchedBy::kPool);
  EXPECT_EQ(next->process.pid(), blanks[0]);
}

HOST_TEST(BlankPool, PlanThatTheBlankCannotFollowIsALaunchFailure) {
  Fill(server);
  LaunchOptions options = Pooled({"exit", "0"});
  options.working_directory = "/there/is/no/such/folder";
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
  ASSERT_TRUE(failure.has_value()) << child.status();
  EXPECT_EQ(failure->step, LaunchStep::kWorkingDirectory);
  EXPECT_EQ(failure->error, ENOENT);
  EXPECT_TRUE(ComesToHold(server, 1));
}

HOST_TEST(BlankPool, PlanInAMemfdReachesABlank) {
  Fill(server);
  LaunchOptions options = Pooled({"count"});
  for (int i = 0; i < 10'000; ++i) {
    options.argv.push_back(absl::StrFormat("a rather long argument, number %d of many", i));
  }
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("argc"), "10001");
}

HOST_TEST(BlankPool, PrefsOfTheLaunchAreSeenByABlankThatIsOlder) {
  Fill(server);
  PrefsStore store;
  ASSERT_TRUE(store.LoadText("pref(\"test.a\", 5);", "test.js").empty());
  const absl::StatusOr<PrefsGeneration> prefs = store.Publish();
  ASSERT_TRUE(prefs.ok()) << prefs.status();
  server.SetPrefs(*prefs);
  const absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("pref.test.a"), "5");
  EXPECT_EQ(report->at("generation"), std::to_string(prefs->number));
  server.SetPrefs({});
}

HOST_TEST(BlankPool, BlanksOutliveTheRootAndAreHandedOut) {
  Fill(server);
  const std::vector<pid_t> blanks = BlankPids(server);
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] {
    return testing::StatusOf(server, "root").state == TemplateStatus::State::kDead;
  }));
  const absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  EXPECT_EQ(child->process.pid(), blanks[0]);
  EXPECT_TRUE(ReportOf(*child).ok());
}

// A template that is killed while it forks a blank, or before it could say so, leaves none behind.
HOST_TEST(BlankPool, TemplateKilledUnderRefillsLeavesNoChild) {
  LaunchOptions options = Pooled({"exit", "0"});
  options.template_name = "two";
  for (int i = 0; i < 30; ++i) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(server.WaitUntilServing("two").ok());
    const std::optional<pid_t> pid = testing::StatusOf(server, "two").pid;
    // The refill is due half a millisecond after the launch: die around then.
    server.Dispatch(absl::Microseconds(50 * (i % 20)));
    server.Dispatch();
    ASSERT_TRUE(SignalProcess(pid, SIGKILL).ok());
    ASSERT_TRUE(DispatchUntil(server, [&] {
      return testing::StatusOf(server, "two").state == TemplateStatus::State::kDead;
    }));
  }
}

// What has just been launched is at its first work then.
HOST_TEST(BlankPool, IsRefilledAtLeisureWhileAnotherBlankIsThere) {
  testing::ArriveInABurst(server, Pooled({"exit", "0"}));
  int64_t soonest = INT64_MAX;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(testing::ComesToHold(server, 3));
    const int64_t begun = NowNanos();
    ASSERT_TRUE(server.Launch(Pooled({"exit", "0"})).ok());
    ASSERT_TRUE(testing::ComesToHold(server, 3));
    soonest = std::min(soonest, NowNanos() - begun);
  }
  EXPECT_GE(soonest, 3 * kNanosPerMilli);
}

// That the host has no child left after the server's end is what main of these tests checks.
HOST_TEST(BlankPool, DestroyedServerEndsBlanks) { Fill(server); }

HOST_TEST(BlankPool, DestroyedServerEndsBlanksThatAreBeingForked) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(server.Launch(Pooled({"exit", "0"})).ok());
  server.Dispatch(absl::Milliseconds(1));
}

HOST_TEST(BlankPool, DestroyedServerEndsBlanksOfADeadTemplate) {
  Fill(server);
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
}

}  // namespace
}  // namespace forkserver
