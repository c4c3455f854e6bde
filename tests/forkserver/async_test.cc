// Many launches at once, without waiting, and from many threads.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"
#include "transceiver/poll_until.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  if (is("OwnThread")) setup.options.driving = Driving::kOwnThread;
  setup.options.templates = {{.name = "nested"}};
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  setup.drain_after_body = !is("DestroyedServer");
  return setup;
}

namespace {

using testing::DispatchUntil;
using testing::SignalProcess;
using testing::SignalRoot;
using testing::StatusOf;

LaunchOptions Options(std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest, .argv = std::move(argv)};
}

LaunchOptions Exit(int code) { return Options({"exit", std::to_string(code)}); }

// What many threads or callbacks count, and one thread waits for.
class Counter {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  // Without driving anything. False: fewer came within ten seconds.
  bool WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return count_ >= count; });
  }
  size_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_ = 0;
};

// False: the hard limit is lower.
bool AllowDescriptors(rlim_t count) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < count) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, count);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

HOST_TEST(LaunchAll, AnswersAreInTheOrderOfTheOptions) {
  std::vector<LaunchOptions> options;
  for (int i = 0; i < 500; ++i) options.push_back(Exit(i % 200));
  ASSERT_TRUE(AllowDescriptors(2048));
  std::vector<absl::StatusOr<LaunchedChild>> children = server.LaunchAll(options);
  ASSERT_EQ(children.size(), options.size());
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(children[i].ok()) << i << ": " << children[i].status();
    EXPECT_EQ(children[i]->process.Wait()->code, i % 200);
  }
}

HOST_TEST(LaunchAll, OneThatFailsDoesNotHurtItsNeighbours) {
  std::vector<LaunchOptions> options;
  for (int i = 0; i < 40; ++i) {
    options.push_back(Exit(i));
    if (i % 4 == 1) options.back().Map(9999, 5);                           // cannot begin
    if (i % 4 == 2) options.back().working_directory = "/no/such/folder";  // fails in the child
    if (i % 4 == 3) options.back().template_name = "nobody";
  }
  std::vector<absl::StatusOr<LaunchedChild>> children = server.LaunchAll(options);
  ASSERT_EQ(children.size(), options.size());
  for (int i = 0; i < 40; ++i) {
    const std::optional<LaunchFailure> failure = GetLaunchFailure(children[i].status());
    switch (i % 4) {
      case 0:
        ASSERT_TRUE(children[i].ok()) << children[i].status();
        EXPECT_EQ(children[i]->process.Wait()->code, i);
        break;
      case 1:
        EXPECT_TRUE(failure && failure->error == EBADF) << children[i].status();
        break;
      case 2:
        EXPECT_TRUE(failure && failure->error == ENOENT) << children[i].status();
        break;
      case 3:
        EXPECT_TRUE(absl::IsNotFound(children[i].status())) << children[i].status();
        break;
    }
  }
}

HOST_TEST(LaunchAll, OfNothingIsNothing) { EXPECT_TRUE(server.LaunchAll({}).empty()); }

HOST_TEST(LaunchAll, FromADeadTemplateEachSaysSoOrComesFromTheNext) {
  const UniqueFd root = testing::OpenPidfd(*server.root_pid());
  ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(testing::WaitForEnd(root));
  ASSERT_TRUE(AllowDescriptors(2048));
  LaunchOptions exit = Exit(0);
  exit.way = LaunchWay::kTemplate;
  exit.when_template_dies = WhenTemplateDies::kFail;
  const std::vector<LaunchOptions> options(300, exit);
  const std::vector<absl::StatusOr<LaunchedChild>> children = server.LaunchAll(options);
  EXPECT_FALSE(children.front().ok());
  EXPECT_TRUE(children.back().ok()) << children.back().status();
  for (const auto& child : children) {
    if (child.ok()) continue;
    EXPECT_NE(std::string(child.status().message()).find("launch of ipc-unit-test: root template"),
              std::string::npos)
        << child.status();
  }
}

HOST_TEST(ReapAsync, TellsEachExitOnceWithItsUsage) {
  constexpr size_t kChildren = 100;
  ASSERT_TRUE(AllowDescriptors(1024));
  std::vector<LaunchOptions> options;
  for (size_t i = 0; i < kChildren; ++i) options.push_back(Exit(static_cast<int>(i)));
  std::vector<absl::StatusOr<LaunchedChild>> children = server.LaunchAll(options);
  std::vector<int> told(kChildren, 0);
  size_t all = 0;
  for (size_t i = 0; i < kChildren; ++i) {
    ASSERT_TRUE(children[i].ok()) << children[i].status();
    server.ReapAsync(std::move(children[i]->process), [&, i](absl::StatusOr<ExitStatus> status) {
      ++told[i];
      ++all;
      ASSERT_TRUE(status.ok()) << status.status();
      EXPECT_EQ(status->kind, ExitStatus::Kind::kExited);
      EXPECT_EQ(status->code, static_cast<int>(i));
      ASSERT_TRUE(status->usage.has_value());
      EXPECT_GT(status->usage->ru_minflt, 0);
    });
  }
  EXPECT_TRUE(DispatchUntil(server, [&] { return all == kChildren; }));
  server.Dispatch();
  EXPECT_EQ(told, std::vector<int>(kChildren, 1));
}

HOST_TEST(ReapAsync, WaitsForAChildThatRunsAndToldOfTheSignalThatEndsIt) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"sleep"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const pid_t pid = child->process.pid();
  std::optional<absl::StatusOr<ExitStatus>> end;
  server.ReapAsync(std::move(child->process),
                   [&](absl::StatusOr<ExitStatus> status) { end.emplace(std::move(status)); });
  server.Dispatch();
  EXPECT_FALSE(end.has_value());
  EXPECT_EQ(server.in_flight(), 0u);  // nothing of a launch
  ASSERT_TRUE(SignalProcess(pid, SIGTERM).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return end.has_value(); }));
  ASSERT_TRUE(end->ok());
  EXPECT_EQ((*end)->ToString(), "killed by SIGTERM");
}

HOST_TEST(ReapAsync, OfAChildThatWasReapedTellsItsStatus) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Exit(5));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(child->process.Wait().ok());
  int code = -1;
  server.ReapAsync(std::move(child->process), [&](absl::StatusOr<ExitStatus> status) {
    code = status.ok() ? status->code : -2;
  });
  EXPECT_TRUE(DispatchUntil(server, [&] { return code != -1; }));
  EXPECT_EQ(code, 5);
}

// Counted after the server's end, when its last callbacks have run.
struct AtTheEnd {
  AtTheEnd(size_t expected, const char* what) : expected(expected), what(what) {}
  ~AtTheEnd() {
    if (count == expected) return;
    fprintf(stderr, "%s: %zu of %zu\n", what, count, expected);
    _exit(1);
  }
  const size_t expected;
  const char* const what;
  size_t count = 0;
};

HOST_TEST(ReapAsync, DestroyedServerKillsWhatRunsAndTellsSo) {
  static AtTheEnd told(10, "callbacks of ReapAsync");
  for (int i = 0; i < 10; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"sleep"}));
    ASSERT_TRUE(child.ok()) << child.status();
    server.ReapAsync(std::move(child->process), [](absl::StatusOr<ExitStatus> status) {
      if (status.ok() && status->code == SIGKILL) ++told.count;
    });
  }
}

// A launch that became Ready in time and is told of too late: its callback has a child left.
HOST_TEST(ReapAsync, DestroyedServerTellsALastCallbackThatHasAChildLeft) {
  static AtTheEnd told(1, "callbacks of ReapAsync from a last callback");
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"sleep"}));
  ASSERT_TRUE(child.ok()) << child.status();
  auto process = std::make_shared<Process>(std::move(child->process));
  // Never read: this one ends with the server.
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  server.LaunchAsync(Exit(0), [&server, process](absl::StatusOr<LaunchedChild> last) {
    EXPECT_TRUE(absl::IsCancelled(last.status())) << last.status();
    server.ReapAsync(std::move(*process), [](absl::StatusOr<ExitStatus> status) {
      if (status.ok() && status->code == SIGKILL) ++told.count;
    });
  });
}

// Dead, and its tracer has not looked: its pidfd is readable all the time, and there is nothing to
// reap.
HOST_TEST(ReapAsync, OfADeadChildThatItsTracerHoldsWaitsQuietly) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"sleep"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const pid_t pid = child->process.pid();
  absl::StatusOr<LaunchedChild> tracer = server.Launch(Options({"trace", std::to_string(pid)}));
  ASSERT_TRUE(tracer.ok()) << tracer.status();
  uint8_t bytes[64];
  Packet packet(bytes);
  ASSERT_EQ(ReceivePacket(tracer->socket.get(), Blocking::kWait, packet), PacketOutcome::kMessage);

  const UniqueFd pidfd = testing::OpenPidfd(pid);
  ASSERT_TRUE(SignalProcess(pid, SIGKILL).ok());
  ASSERT_TRUE(testing::WaitForEnd(pidfd));
  std::optional<absl::StatusOr<ExitStatus>> told;
  server.ReapAsync(std::move(child->process),
                   [&](absl::StatusOr<ExitStatus> status) { told.emplace(std::move(status)); });
  const int64_t start = NowNanos();
  for (int turn = 0; turn < 25; ++turn) server.Dispatch(absl::Seconds(1));
  EXPECT_GT(NowNanos() - start, kNanosPerSecond / 10) << "the loop spins";
  EXPECT_FALSE(told.has_value());

  tracer->socket.reset();
  EXPECT_TRUE(tracer->process.Wait()->success());
  ASSERT_TRUE(DispatchUntil(server, [&] { return told.has_value(); }));
  ASSERT_TRUE(told->ok()) << told->status();
  EXPECT_EQ((*told)->code, SIGKILL);
}

HOST_TEST(OwnThread, CallsBackWithoutAnyDispatch) {
  Counter ended;
  const std::thread::id here = std::this_thread::get_id();
  for (int i = 0; i < 20; ++i) {
    server.LaunchAsync(Exit(i), [&, i](absl::StatusOr<LaunchedChild> child) {
      EXPECT_NE(std::this_thread::get_id(), here);
      ASSERT_TRUE(child.ok()) << child.status();
      server.ReapAsync(std::move(child->process), [&, i](absl::StatusOr<ExitStatus> status) {
        EXPECT_EQ(status->code, i);
        ended.Add();
      });
    });
  }
  EXPECT_TRUE(ended.WaitFor(20));
}

HOST_TEST(OwnThread, TakesNoSignalsOfTheEmbedders) {
  Counter ended;
  sigset_t blocked;
  sigemptyset(&blocked);
  server.LaunchAsync(Exit(0), [&](absl::StatusOr<LaunchedChild>) {
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    ended.Add();
  });
  ASSERT_TRUE(ended.WaitFor(1));
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
  EXPECT_EQ(sigismember(&blocked, SIGUSR1), 1);
}

HOST_TEST(OwnThread, BlockingLaunchesOfManyThreadsWorkBesideIt) {
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  Counter good;
  Counter async;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < kEach; ++j) {
        LaunchOptions options = Exit(i);
        options.timeout = absl::InfiniteDuration();
        absl::StatusOr<LaunchedChild> child = server.Launch(options);
        if (child.ok() && child->process.Wait()->code == i) good.Add();
        server.LaunchAsync(options, [&, i](absl::StatusOr<LaunchedChild> launched) {
          bool is_good = false;
          {
            // Gone before it is counted.
            absl::StatusOr<LaunchedChild> one = std::move(launched);
            is_good = one.ok() && one->process.Wait()->code == i;
          }
          if (is_good) async.Add();
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good.count(), size_t{kThreads * kEach});
  EXPECT_TRUE(async.WaitFor(kThreads * kEach));
}

HOST_TEST(OwnThread, DestroyedServerJoinsItInTheMidstOfLaunches) {
  static AtTheEnd told(50, "callbacks of LaunchAsync");
  for (int i = 0; i < 50; ++i) {
    server.LaunchAsync(Exit(0), [](absl::StatusOr<LaunchedChild>) { ++told.count; });
  }
}

HOST_TEST(OwnThread, DestroyedServerEndsTheBatchThatItIsIn) {
  static AtTheEnd told(1, "batches that were cut short");
  server.LaunchAsync(Exit(0), [&server](absl::StatusOr<LaunchedChild>) {
    const std::vector<LaunchOptions> options(20'000, Exit(0));
    if (absl::IsCancelled(server.LaunchAll(options).back().status())) ++told.count;
  });
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (server.in_flight() < 10 && NowNanos() < deadline) std::this_thread::yield();
}

HOST_TEST(OwnThread, DestroyedServerJoinsItWhenNothingEverHappened) {}

HOST_TEST(Async, ThousandsOfLaunchesInFlightAllEnd) {
#if defined(__SANITIZE_ADDRESS__)  // its shadow makes a fork some ten times as slow
  constexpr size_t kLaunches = 1000;
#else
  constexpr size_t kLaunches = 4000;
#endif
  // The launch socket and the pidfd of each; its own copy of the other end, until that is sent.
  if (!AllowDescriptors(3 * kLaunches)) GTEST_SKIP() << "no room for 12000 descriptors";
  size_t exited = 0;
  // Stopped, so that all of them are in flight at once.
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  for (size_t i = 0; i < kLaunches; ++i) {
    LaunchOptions options = Exit(static_cast<int>(i % 200));
    options.timeout = absl::Seconds(50);
    server.LaunchAsync(options, [&, i](absl::StatusOr<LaunchedChild> child) {
      ASSERT_TRUE(child.ok()) << child.status();
      server.ReapAsync(std::move(child->process), [&, i](absl::StatusOr<ExitStatus> status) {
        if (status.ok() && status->code == static_cast<int>(i % 200)) ++exited;
      });
    });
  }
  EXPECT_GE(server.in_flight(), kLaunches);
  ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
  // Longer than DispatchUntil gives all together, on a slow machine: but one must end within that.
  for (size_t before = 0; exited < kLaunches; before = exited) {
    ASSERT_TRUE(DispatchUntil(server, [&] { return exited > before; })) << exited;
  }
  EXPECT_EQ(exited, kLaunches);
}

// A blocking launch that takes longer than the moment in which its thread waits on the socket
// itself. It stops the template, and `meanwhile` is called while the launch is with the loop.
absl::StatusOr<LaunchedChild> LaunchFromAStoppedRoot(ForkServer& server, absl::Duration timeout,
                                                     const std::function<void()>& meanwhile) {
  EXPECT_TRUE(SignalRoot(server, SIGSTOP).ok());
  std::optional<absl::StatusOr<LaunchedChild>> result;
  std::thread launching([&] {
    LaunchOptions options = Exit(7);
    options.timeout = timeout;
    result.emplace(server.Launch(options));
  });
  // In flight: the launch, and the answer that is owed.
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (server.in_flight() < 2 && NowNanos() < deadline) std::this_thread::yield();
  meanwhile();
  launching.join();
  return *std::move(result);
}

HOST_TEST(Async, LaunchThatTakesLongEndsWell) {
  for (int i = 0; i < 20; ++i) {
    absl::StatusOr<LaunchedChild> child =
        LaunchFromAStoppedRoot(server, absl::InfiniteDuration(), [&] {
          // At once, while the thread attends its socket; or later.
          if (i % 2 == 0) server.Dispatch(absl::Milliseconds(i));
          ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
        });
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->process.Wait()->code, 7);
  }
}

HOST_TEST(Async, LaunchThatHasNoTimeIsOverBeforeItBegins) {
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kFork, LaunchWay::kExec}) {
    for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(5)}) {
      LaunchOptions options = Exit(0);
      options.way = way;
      options.timeout = timeout;
      const absl::Status status = server.Launch(options).status();
      EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    }
  }
  EXPECT_EQ(server.in_flight(), 0u);
}

HOST_TEST(Async, DeadlineEndsALaunchThatItsThreadAttends) {
  for (const absl::Duration timeout :
       {absl::Microseconds(200), absl::Milliseconds(1), absl::Milliseconds(5)}) {
    // Another thread drives, and sees the deadline pass first.
    const absl::StatusOr<LaunchedChild> child =
        LaunchFromAStoppedRoot(server, timeout, [&] { server.Dispatch(absl::Milliseconds(20)); });
    EXPECT_TRUE(absl::IsDeadlineExceeded(child.status())) << child.status();
    ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
    EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
  }
}

HOST_TEST(Async, TemplateKilledWhileAThreadAttendsItsLaunchHasItSentAgain) {
  absl::StatusOr<LaunchedChild> child = LaunchFromAStoppedRoot(
      server, absl::InfiniteDuration(), [&] { ASSERT_TRUE(SignalRoot(server, SIGKILL).ok()); });
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  EXPECT_EQ(child->process.Wait()->code, 7);
}

HOST_TEST(Async, CancelOfAnotherLaunchReachesWhoWaitsForAThird) {
  absl::Status cancelled;
  absl::StatusOr<LaunchedChild> child =
      LaunchFromAStoppedRoot(server, absl::InfiniteDuration(), [&] {
        const LaunchId id = server.LaunchAsync(
            Exit(0), [&](absl::StatusOr<LaunchedChild> other) { cancelled = other.status(); });
        // While the template is stopped: of a running one, the answer may come first.
        server.Cancel(id);
        ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
      });
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 7);
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_TRUE(absl::IsCancelled(cancelled)) << cancelled;
}

// Whoever reads a template's answers reads those to the launches of other threads as well, and must
// wake them: nothing else would.
HOST_TEST(Async, ThreadsThatReadEachOthersAnswersWakeEachOther) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 30;
  Counter good;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kRounds; ++j) {
        LaunchOptions options = Exit(0);
        options.timeout = absl::InfiniteDuration();
        absl::StatusOr<LaunchedChild> child = server.Launch(options);
        if (child.ok() && child->process.Wait()->success()) good.Add();
      }
    });
  }
  // Launches that take longer than a thread attends them, again and again.
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
    server.Dispatch(absl::Milliseconds(3));
    ASSERT_TRUE(SignalRoot(server, SIGCONT).ok());
    server.Dispatch(absl::Milliseconds(3));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good.count(), size_t{kThreads * kRounds});
}

HOST_TEST(Async, ManyThreadsLaunchWhileTheirTemplateIsKilled) {
  constexpr int kThreads = 6;
  std::atomic<bool> over = false;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!over) {
        LaunchOptions options = Exit(3);
        options.template_name = "nested";
        options.timeout = absl::InfiniteDuration();
        absl::StatusOr<LaunchedChild> child = server.Launch(options);
        if (!child.ok()) continue;
        EXPECT_EQ(child->process.Wait()->code, 3);
        ++good;
      }
    });
  }
  for (int i = 0; i < 15; ++i) {
    // It may be found dead, by the signal of the round before.
    server.WaitUntilServing("nested").IgnoreError();
    const int seen = good;
    EXPECT_TRUE(DispatchUntil(server, [&] { return good > seen; }));
    SignalProcess(StatusOf(server, "nested").pid, SIGKILL).IgnoreError();
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  // It is started again as before.
  EXPECT_TRUE(DispatchUntil(server, [&] {
    LaunchOptions options = Exit(0);
    options.template_name = "nested";
    return server.Launch(options).ok();
  }));
}

HOST_TEST(Async, DestroyedServerEndsLaunchesOfAStoppedTemplate) {
  static AtTheEnd told(20, "callbacks of LaunchAsync");
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  for (int i = 0; i < 20; ++i) {
    server.LaunchAsync(Exit(0), [](absl::StatusOr<LaunchedChild> child) {
      if (absl::IsCancelled(child.status())) ++told.count;
    });
  }
}

// One that comes back to life while the server ends it: nobody is left to reap what it would fork.
// That the host has no child left is what main of these tests checks.
HOST_TEST(Async, DestroyedServerLeavesNoChildOfATemplateThatComesBack) {
  static struct Waker {
    ~Waker() { thread.join(); }
    std::thread thread;
  } waker;
  ASSERT_TRUE(SignalRoot(server, SIGSTOP).ok());
  for (int i = 0; i < 20; ++i) {
    server.LaunchAsync(Exit(0), [](const absl::StatusOr<LaunchedChild>&) {});
  }
  waker.thread = std::thread([root = testing::OpenPidfd(*server.root_pid())] {
    // Half a second after the server has lost its patience with it.
    if (PollUntil(root.get(), POLLIN, NowNanos() + kNanosPerSecond * 3 / 2) == 0) {
      syscall(SYS_pidfd_send_signal, root.get(), SIGCONT, nullptr, 0);
    }
  });
}

}  // namespace
}  // namespace forkserver
