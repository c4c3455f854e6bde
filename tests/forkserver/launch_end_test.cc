// Launches that end early: at their deadline, cancelled, with their template or with the server.
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tests/forkserver/launch_host.h"
#include "tests/testing/host_test.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

HOST_TEST(Launch, DeadlineEndsALaunchThatAStoppedTemplateDoesNotAnswer) {
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::Milliseconds(50);
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(child.status())) << child.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.Ping(absl::Milliseconds(50))));
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
  // The child that the template forks now belongs to nobody; it must not stay.
  EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
  EXPECT_TRUE(server.Launch(Options({"exit", "0"})).ok());
}

// In nanoseconds it is more than there are, and not InfiniteDuration either.
HOST_TEST(Launch, TimeoutOfCenturiesIsNotOver) {
  constexpr absl::Duration kCenturies = absl::Hours(300 * 366 * 24);
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"wait"});
  options.timeout = kCenturies;
  std::optional<absl::StatusOr<LaunchedChild>> child;
  server.LaunchAsync(
      options, [&](absl::StatusOr<LaunchedChild> result) { child.emplace(std::move(result)); });
  for (int i = 0; i < 3; ++i) server.Dispatch();
  EXPECT_FALSE(child.has_value()) << child->status();
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
  EXPECT_TRUE(server.Ping(kCenturies).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] { return child.has_value(); }));
  ASSERT_TRUE(child->ok()) << child->status();

  absl::StatusOr<ExitStatus> status = absl::UnknownError("");
  WatchedThread waiter([&] { status = (*child)->process.Wait(kCenturies); });
  EXPECT_TRUE(waiter.BlocksIn(SYS_waitid));
  (*child)->socket.reset();
  waiter.Join();
  EXPECT_TRUE(status.ok()) << status.status();
}

HOST_TEST(Launch, CancelledLaunchEndsWithCancelled) {
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  absl::Status status;
  const LaunchId id =
      server.LaunchAsync(Options({"exit", "0"}),
                         [&](absl::StatusOr<LaunchedChild> child) { status = child.status(); });
  server.Cancel(id);
  server.Cancel(id);
  server.Dispatch(absl::Seconds(10));
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
  EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
}

HOST_TEST(Launch, OfATemplateThatDiesSaysSoAndAnExecAndTheNextOneWork) {
  ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
  absl::StatusOr<LaunchedChild> child = server.Launch(FromTheTemplate({"exit", "0"}));
  ASSERT_FALSE(child.ok());
  EXPECT_NE(std::string(child.status().message()).find("root template"), std::string::npos)
      << child.status();
  // From now on it is known, and nobody has used it since.
  EXPECT_FALSE(server.Ping().ok());
  LaunchOptions options = Options({"exit", "4"});
  options.way = LaunchWay::kExec;
  absl::StatusOr<LaunchedChild> execed = server.Launch(options);
  ASSERT_TRUE(execed.ok()) << execed.status();
  EXPECT_EQ(execed->process.Wait()->code, 4);
  child = server.Launch(FromTheTemplate({"exit", "5"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 5);
  EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
}

HOST_TEST(Launch, TemplateKilledUnderManyLaunchesLosesNone) {
  constexpr size_t kLaunches = 100;
  size_t ended = 0;
  std::vector<LaunchedChild> children;
  LaunchOptions options = Options({"exit", "0"});
  // Most come by exec, all at once, and under a sanitizer each takes a processor a tenth of a
  // second.
  options.timeout = absl::Minutes(1);
  for (size_t i = 0; i < kLaunches; ++i) {
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (child.ok()) children.push_back(*std::move(child));
    });
    if (i == kLaunches / 2) {
      ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
    }
  }
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
  // Each has one child, and one only: what is left over the test would count.
  EXPECT_EQ(ended, kLaunches);
  EXPECT_EQ(children.size(), kLaunches);
  for (LaunchedChild& child : children) EXPECT_TRUE(child.process.Wait()->success());
}

// That the host has no child left after the server's end is what main of these tests checks.
HOST_TEST(Launch, DestroyedServerReapsWhatItsTemplatesStillFork) {
  for (int i = 0; i < 50; ++i) {
    server.LaunchAsync(Options({"exit", "0"}), [&server](absl::StatusOr<LaunchedChild> child) {
      EXPECT_TRUE(absl::IsCancelled(child.status())) << child.status();
      // Too late, and said so.
      server.LaunchAsync(Options({"exit", "0"}), [](absl::StatusOr<LaunchedChild> another) {
        EXPECT_TRUE(absl::IsCancelled(another.status())) << another.status();
      });
    });
  }
}

HOST_TEST(Launch, DestroyedServerThatNeverServedLeavesNothing) {}

std::string FirstLineOf(const std::string& path) {
  std::string line;
  std::getline(std::ifstream(path) >> std::ws, line);
  return line.empty() ? "nothing" : line;
}

// For the message of a wait that was too long.
std::string WhatIsSeen(const ForkServer& server, const std::vector<pid_t>& children_before) {
  const std::string root = absl::StrFormat("/proc/%d", server.root_pid().value_or(0));
  return absl::StrFormat(
      "root %s: syscall %s; wchan %s; stat %s; children %s, before %s; %d in flight", root,
      FirstLineOf(root + "/syscall"), FirstLineOf(root + "/wchan"), FirstLineOf(root + "/stat"),
      absl::StrJoin(ChildrenOfThisProcess(), " "), absl::StrJoin(children_before, " "),
      server.in_flight());
}

// The kernel has no event for what others do, so this looks until it is so.
bool LookUntil(const std::function<bool()>& is_so) {
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (!is_so()) {
    if (NowNanos() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// 0: there is none.
pid_t ChildThatIsNotAmong(const std::vector<pid_t>& others) {
  for (const pid_t pid : ChildrenOfThisProcess()) {
    if (std::find(others.begin(), others.end(), pid) == others.end()) return pid;
  }
  return 0;
}

// A template in the call in which it waits for a request has answered all that it has read.
bool WaitsForARequest(pid_t pid) {
  long call = -1;
  std::ifstream(absl::StrFormat("/proc/%d/syscall", pid)) >> call;
  return call == SYS_recvmsg;
}

// The answer may lie unread when the deadline passes: the child must be ended all the same, before
// the caller hears.
HOST_TEST(Launch, DeadlineOfALaunchThatTheTemplateHasAnsweredLeavesNoChild) {
  const std::vector<pid_t> children = ChildrenOfThisProcess();
  // A Plan that takes some milliseconds, near the most that one may have, so that the child can be
  // stopped before it is Ready. Where it was faster, the next one is tried.
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::Milliseconds(20);
  for (int i = 0; i < 120'000; ++i) {
    options.set_environment.push_back(absl::StrFormat("V%d=", i));
  }
  constexpr int kMostTries = 100;
  std::optional<absl::Status> status;
  for (int i = 0; i < kMostTries && (!status || status->ok()); ++i) {
    status.reset();
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      status = child.status();
      if (child.ok()) return;
      EXPECT_EQ(ChildrenOfThisProcess(), children);
      EXPECT_EQ(server.in_flight(), 0u);
    });
    // Nobody reads the template's answer meanwhile.
    pid_t child = 0;
    ASSERT_TRUE(LookUntil([&] { return (child = ChildThatIsNotAmong(children)) != 0; }))
        << WhatIsSeen(server, children);
    ASSERT_TRUE(SignalProcess(child, SIGSTOP).ok());
    ASSERT_TRUE(LookUntil([&] { return WaitsForARequest(*server.root_pid()); }))
        << WhatIsSeen(server, children);
    while (!status) server.Dispatch(absl::Seconds(10));
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(*status)) << *status;
}

// Killed between clone3 and Forked, a template takes the pid of a child with it; a child whose
// Plan fails says it again.
HOST_TEST(Launch, TemplateKilledUnderLaunchesThatFailLosesNone) {
  constexpr size_t kLaunches = 200;
  size_t ended = 0;
  LaunchOptions options = Options({"exit", "0"});
  options.working_directory = "/there/is/no/such/folder";
  for (size_t i = 0; i < kLaunches; ++i) {
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      EXPECT_FALSE(child.ok());
      ++ended;
    });
    if (i == kLaunches / 2) {
      ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
    }
  }
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
}

}  // namespace
}  // namespace forkserver::testing
