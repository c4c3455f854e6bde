// One ForkServer in the hands of many threads: all that it can be asked for at once, while its
// templates die and while it is ended. Thread sanitizer sees the host
// (tests/testing/host_test.bzl).
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "tests/testing/lasting_thread.h"
#include "tests/testing/test_program.h"

namespace forkserver {
testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  if (is("OwnThread")) setup.options.driving = Driving::kOwnThread;
  if (is("ExecedRoot")) setup.before_start = testing::LeaveAThreadInTheHost;
  setup.options.templates = {
      {.name = "page", .pool = PoolBounds{.min = 0, .max = 2}},
      {.name = "boxed", .sandbox = {.policy = SandboxPolicyId::kUtility}},
      // Its freeze looks into /proc, which the broker does for it.
      {.name = "boxed twice", .parent = "boxed"},
  };
  setup.options.under_memory_pressure = UnderPressure::kShrinkPools;
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  setup.drain_after_body = !is("Ends");
  return setup;
}

namespace {

using testing::DispatchUntil;
using testing::SignalProcess;
using testing::StatusOf;

constexpr int kRounds = 24;
constexpr std::string_view kTemplates[] = {"page", "boxed", "boxed twice", kRootTemplate};

std::string_view TemplateOf(int round) {
  return kTemplates[static_cast<size_t>(round) % std::size(kTemplates)];
}

LaunchOptions From(std::string_view template_name, std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .template_name = std::string(template_name)};
}

// What came of it, counted by many threads.
struct Tally {
  std::atomic<int> good = 0;     // launches that were waited for, and the batches' each
  std::atomic<int> asked = 0;    // of LaunchAsync
  std::atomic<int> told = 0;     // its callbacks
  std::atomic<int> reaping = 0;  // of ReapAsync
  std::atomic<int> reaped = 0;   // its callbacks
  std::atomic<int> late = 0;     // launches that came to their deadline
  std::atomic<int> ended = 0;    // calls that were told that the server has ended

  bool AllIsTold() const { return told == asked && reaped == reaping; }
  // A template's death may fail a launch, and must not have it wait.
  void Count(const absl::Status& status) {
    if (absl::IsDeadlineExceeded(status)) ++late;
    if (status == absl::CancelledError("the fork server has ended")) ++ended;
  }
};

void LaunchAndWait(ForkServer& server, Tally& tally, const LaunchOptions& options,
                   const std::vector<std::string>& ends) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  tally.Count(child.status());
  if (!child.ok()) return;
  const absl::StatusOr<ExitStatus> status = child->process.Wait();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_NE(std::find(ends.begin(), ends.end(), status->ToString()), ends.end())
      << status->ToString() << ", and not " << ends.front();
  ++tally.good;
}

void LaunchInTurn(ForkServer& server, Tally& tally, int round) {
  LaunchOptions options = From(TemplateOf(round), {"exit", std::to_string(round)});
  if (round % 8 == 7) options.way = LaunchWay::kExec;
  LaunchAndWait(server, tally, options, {"exited with status " + std::to_string(round)});
}

// The broker kills it for what it does, and records that. Where there is no broker any more it is
// told ENOSYS.
enum class BrokerIs : uint8_t { kThere, kThereOrStopped };

void LaunchOneThatIsRefused(ForkServer& server, Tally& tally, BrokerIs broker) {
  std::vector<std::string> ends = {"killed by SIGKILL"};
  if (broker == BrokerIs::kThereOrStopped) {
    ends.push_back("exited with status " + std::to_string(ENOSYS));
  }
  LaunchAndWait(server, tally, From("boxed", {"trace", "1"}), ends);
}

void LaunchWithoutWaiting(ForkServer& server, Tally& tally, int round) {
  ++tally.asked;
  const LaunchId id = server.LaunchAsync(
      From(TemplateOf(round), {"wait"}), [&](absl::StatusOr<LaunchedChild> child) {
        tally.Count(child.status());
        if (child.ok()) {
          ++tally.reaping;
          // Asked to end by the hang-up of its channel.
          child->socket.reset();
          server.ReapAsync(std::move(child->process), [&](absl::StatusOr<ExitStatus> status) {
            EXPECT_TRUE(status.ok()) << status.status();
            ++tally.reaped;
          });
        }
        ++tally.told;
      });
  if (round % 3 == 0) server.Cancel(id);
}

void LaunchABatch(ForkServer& server, Tally& tally, int round) {
  const std::vector<LaunchOptions> options(5, From(TemplateOf(round), {"exit", "0"}));
  for (absl::StatusOr<LaunchedChild>& child : server.LaunchAll(options)) {
    tally.Count(child.status());
    if (child.ok() && child->process.Wait()->success()) ++tally.good;
  }
}

void ChangeSettings(ForkServer& server, PrefsStore& prefs, int round) {
  prefs.LoadText("user_pref(\"test.a\", " + std::to_string(round) + ");", "test.js");
  const absl::StatusOr<PrefsGeneration> generation = prefs.Publish();
  ASSERT_TRUE(generation.ok()) << generation.status();
  server.SetPrefs(*generation);
  // Where its template is dead there may be a Status.
  const auto least = static_cast<uint8_t>(round % 2);
  const auto most = static_cast<uint8_t>(round % 4);
  server.SetPool("page", {.min = least, .max = most}).IgnoreError();
  server.SetPool("boxed", {.min = 0, .max = most}).IgnoreError();
}

void LookAtAll(ForkServer& server) {
  size_t seen = server.in_flight() + server.refused_calls().size();
  for (const TemplateStatus& one : server.templates()) seen += one.idle_blanks.size();
  seen += server.seed_pid().has_value() + server.root_pid().has_value() + server.safe_mode().ok();
  seen += server.start_report().reason.size() + server.build_id() % 2;
  EXPECT_LT(seen, 1'000'000u);
  pollfd loop = {.fd = server.pollable_fd(), .events = POLLIN, .revents = 0};
  EXPECT_GE(poll(&loop, 1, 1), 0);
}

void WaitForTemplates(ForkServer& server, Tally& tally, int round) {
  tally.Count(server.WaitUntilServing(TemplateOf(round)).status());
  tally.Count(server.Ping(absl::Seconds(10)));
  server.Dispatch(absl::Milliseconds(1));
}

// All of it at once, each on a thread of its own, while one template after another is killed.
void DoAllAtOnce(ForkServer& server) {
  Tally tally;
  PrefsStore prefs;
  const std::function<void(int)> parts[] = {
      [&](int round) { LaunchInTurn(server, tally, round); },
      [&](int round) { LaunchInTurn(server, tally, kRounds - round); },
      [&](int round) {
        LaunchWithoutWaiting(server, tally, round);
        LaunchOneThatIsRefused(server, tally, BrokerIs::kThere);
      },
      [&](int round) { LaunchABatch(server, tally, round); },
      [&](int round) { WaitForTemplates(server, tally, round); },
  };
  std::atomic<size_t> at_work = std::size(parts);
  std::vector<std::thread> threads;
  for (const auto& part : parts) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) part(round);
      --at_work;
    });
  }
  // As long as the others.
  threads.emplace_back([&] {
    for (int round = 0; at_work > 0; ++round) {
      ChangeSettings(server, prefs, round);
      LookAtAll(server);
    }
  });
  for (int death = 0; death < 2 * static_cast<int>(std::size(kTemplates)); ++death) {
    // It may be found dead, with one above it.
    server.WaitUntilServing(TemplateOf(death)).IgnoreError();
    SignalProcess(StatusOf(server, TemplateOf(death)).pid, SIGKILL).IgnoreError();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(DispatchUntil(server, [&] { return tally.AllIsTold(); }))
      << tally.told << " of " << tally.asked << ", " << tally.reaped << " of " << tally.reaping;
  EXPECT_EQ(tally.asked, kRounds);
  EXPECT_EQ(tally.late, 0);
  EXPECT_EQ(tally.ended, 0);
  EXPECT_GT(tally.good, kRounds);
  EXPECT_FALSE(server.refused_calls().empty());
  server.SetPrefs({});
  ASSERT_TRUE(server.SetPool("page", {.min = 0, .max = 0}).ok());
  ASSERT_TRUE(server.SetPool("boxed", {.min = 0, .max = 0}).ok());
}

HOST_TEST(HostThreads, AskForAllAtOnceOfAServerWithItsOwnThread) { DoAllAtOnce(server); }

HOST_TEST(HostThreads, AskForAllAtOnceAndDriveTheLoopByTurns) { DoAllAtOnce(server); }

// Each goes on until it is told that there is no server any more; nobody waits for ever.
void EndInTheMidstOfAll(ForkServer& server) {
  Tally tally;
  PrefsStore prefs;
  const auto until_it_has_ended = [&](const std::function<void(int)>& part) {
    return std::thread([&server, part] {
      for (int round = 0; !absl::IsCancelled(server.SetPool("page", {.min = 0, .max = 2}));
           ++round) {
        part(round);
      }
    });
  };
  std::vector<std::thread> threads;
  threads.push_back(
      until_it_has_ended([&](int round) { LaunchInTurn(server, tally, round % 64); }));
  threads.push_back(until_it_has_ended(
      [&](int) { LaunchOneThatIsRefused(server, tally, BrokerIs::kThereOrStopped); }));
  threads.push_back(until_it_has_ended([&](int round) { LaunchABatch(server, tally, round); }));
  threads.push_back(until_it_has_ended([&](int round) {
    LaunchWithoutWaiting(server, tally, round);
    while (tally.asked > tally.told + 16) server.Dispatch(absl::Milliseconds(1));
  }));
  threads.push_back(until_it_has_ended([&](int) { LookAtAll(server); }));
  threads.push_back(until_it_has_ended([&](int round) { WaitForTemplates(server, tally, round); }));
  EXPECT_TRUE(DispatchUntil(server, [&] { return tally.good >= kRounds && tally.reaped > 3; }));

  // The second one finds it ended, or ending.
  ServerEnd ends[2];
  threads.emplace_back([&] { ends[0] = server.End(); });
  ends[1] = server.End();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(tally.AllIsTold()) << tally.told << " of " << tally.asked << ", " << tally.reaped
                                 << " of " << tally.reaping;
  EXPECT_EQ(tally.late, 0);
  EXPECT_GT(ends[0].templates + ends[1].templates, 0u);
  EXPECT_TRUE(ends[0].templates == 0 || ends[1].templates == 0);
  EXPECT_EQ(server.in_flight(), 0u);
}

HOST_TEST(HostThreads, OneEndsAServerWithItsOwnThreadWhileTheOthersGoOn) {
  EndInTheMidstOfAll(server);
}

HOST_TEST(HostThreads, OneEndsTheServerWhileTheOthersDriveIt) { EndInTheMidstOfAll(server); }

// Its children's parent is the thread that has exec'ed it, and what the kernel says of that
// thread's end says nothing of the host's.
HOST_TEST(HostThreads, WhoHasStartedAnExecedRootAgainMayEnd) {
  ASSERT_EQ(server.start_report().way, LaunchWay::kExec);
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] {
    return StatusOf(server, kRootTemplate).state == TemplateStatus::State::kDead;
  }));
  pid_t starter = 0;
  std::vector<LaunchedChild> children;
  std::thread([&] {
    starter = gettid();
    for (const std::string_view name : kTemplates) {
      const auto hello = server.WaitUntilServing(name);
      ASSERT_TRUE(hello.ok()) << hello.status();
      absl::StatusOr<LaunchedChild> child = server.Launch(From(name, {"wait"}));
      ASSERT_TRUE(child.ok()) << child.status();
      EXPECT_EQ(child->by, LaunchedBy::kFork);
      children.push_back(*std::move(child));
    }
  }).join();
  ASSERT_EQ(children.size(), std::size(kTemplates));
  // Joined, it may still be ending.
  while (access(("/proc/self/task/" + std::to_string(starter)).c_str(), F_OK) == 0) {
    std::this_thread::yield();
  }
  for (LaunchedChild& child : children) {
    child.socket.reset();
    EXPECT_EQ(child.process.Wait()->ToString(), "exited with status 0");
  }
}

// What is forked must not be: it would have the sanitizer's locks and none of its threads.
HOST_TEST(HostThreads, NoneOfItsTemplatesAndChildrenIsUnderThreadSanitizer) {
  for (const LaunchWay way : {LaunchWay::kFork, LaunchWay::kExec}) {
    LaunchOptions options = From(kRootTemplate, {"wait"});
    options.way = way;
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    for (const pid_t pid : {child->process.pid(), *server.root_pid()}) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
      const std::string maps{std::istreambuf_iterator<char>(file), {}};
      EXPECT_NE(maps.find("libc.so"), std::string::npos);
      EXPECT_EQ(maps.find("libtsan.so"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace forkserver
