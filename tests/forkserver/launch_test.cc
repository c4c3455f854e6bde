// Launches as an embedder sees them.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "child/run_child.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/channel.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.drain_after_body = test.find("DestroyedServer") == test.npos;
  setup.wait_until_serving = test.find("DestroyedServerThatNever") == test.npos;
  return setup;
}

namespace {

using testing::Report;
using testing::ReportOf;

LaunchOptions Options(std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest, .argv = std::move(argv)};
}

// Or not at all.
LaunchOptions FromTheTemplate(std::vector<std::string> argv) {
  LaunchOptions options = Options(std::move(argv));
  options.way = LaunchWay::kTemplate;
  options.when_template_dies = WhenTemplateDies::kFail;
  return options;
}

// An exec makes of a child that sends no signal at its end one that does, which the host must not
// take for somebody else's.
HOST_TEST(Launch, ChildThatHasExecedBeforeItsHostHasLookedIsReady) {
  const pid_t root = *server.root_pid();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd ours(ends[0]);
  UniqueFd childs(ends[1]);
  LaunchOptions options = FromTheTemplate({"exec", "echo >&9; exec sleep 1000"});
  options.way = LaunchWay::kFork;
  options.Map(childs.get(), 9, OnExec::kInherit);
  std::optional<absl::StatusOr<LaunchedChild>> launched;
  server.LaunchAsync(
      options, [&](absl::StatusOr<LaunchedChild> child) { launched.emplace(std::move(child)); });
  childs.reset();
  char byte;
  ASSERT_EQ(read(ours.get(), &byte, sizeof(byte)), 1);
  EXPECT_FALSE(launched.has_value());
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return launched.has_value(); }));
  ASSERT_TRUE(launched->ok()) << launched->status();
  EXPECT_EQ(server.root_pid(), root);
  ASSERT_TRUE((*launched)->process.Signal(SIGTERM).ok());
  EXPECT_EQ((*launched)->process.Wait()->code, SIGTERM);
}

HOST_TEST(Launch, GivesTheExitStatusWithResourceUsage) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "3"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<ExitStatus> status = child->process.Wait();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->kind, ExitStatus::Kind::kExited);
  EXPECT_EQ(status->code, 3);
  ASSERT_TRUE(status->usage.has_value());
  EXPECT_GT(status->usage->ru_minflt, 0);
  // Asked again, the same answer.
  EXPECT_EQ(child->process.Wait()->code, 3);
}

HOST_TEST(Launch, GivesTheSignalThatEndedAChild) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"raise", std::to_string(SIGUSR2)}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<ExitStatus> status = child->process.Wait();
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->kind, ExitStatus::Kind::kKilled);
  EXPECT_EQ(status->code, SIGUSR2);
  EXPECT_EQ(status->ToString(), "killed by SIGUSR2");
}

HOST_TEST(Launch, LaunchSocketIsTheChildsChannelAfterReady) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"echo"}));
  ASSERT_TRUE(child.ok()) << child.status();
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver channel(std::move(child->socket), buffer);
  const std::vector<uint8_t> payload(kMaxPayloadBytes, 42);
  const int fds[] = {0, 1};
  ASSERT_EQ(channel.Send({.type = testing::kEcho, .request_id = 9}, payload, fds), 0);
  ASSERT_EQ(channel.Receive(), ReceiveOutcome::kMessage);
  EXPECT_EQ(channel.packet().frame().request_id, 9u);
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), channel.packet().payload().begin(),
                         channel.packet().payload().end()));
  EXPECT_EQ(channel.packet().descriptors().size(), 2u);
  channel.TakeSocket().reset();
  EXPECT_TRUE(child->process.Wait()->success());
}

// What a child sends right behind its Ready is the caller's, however the two arrive.
HOST_TEST(Launch, NothingThatAChildSendsAfterReadyIsLost) {
  for (int i = 0; i < 300; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"report"}));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_TRUE(ReportOf(*child).ok()) << "launch " << i;
  }
}

HOST_TEST(Launch, ChildIsAChildOfTheHostAndSilentToAForeignWait) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "5"}));
  ASSERT_TRUE(child.ok()) << child.status();
  pollfd state = {.fd = child->process.pidfd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&state, 1, 10'000), 1);
  errno = 0;
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(child->process.Wait()->code, 5);
}

// An exec gives the kernel's SIGCHLD back to a child, and a foreign wait can take its status.
HOST_TEST(Launch, StatusThatAForeignWaitTookFromAnExecedChildIsFoundAgain) {
  LaunchOptions options = Options({"exit", "6"});
  options.way = LaunchWay::kExec;
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(waitpid(child->process.pid(), nullptr, 0), child->process.pid());
  const absl::StatusOr<ExitStatus> status = child->process.Wait();
  if (!status.ok()) GTEST_SKIP() << "no PIDFD_INFO_EXIT before Linux 6.15: " << status.status();
  EXPECT_EQ(status->code, 6);
  EXPECT_FALSE(status->usage.has_value());
}

HOST_TEST(Launch, WaitEndsAtItsDeadlineAndTheChildLivesOn) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"wait"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(child->process.Wait(absl::Milliseconds(20)).status()));
  ASSERT_TRUE(child->process.Signal(SIGTERM).ok());
  EXPECT_EQ(child->process.Wait()->code, SIGTERM);
  EXPECT_TRUE(absl::IsNotFound(child->process.Signal(SIGTERM)));
}

HOST_TEST(Launch, ProcessThatIsDroppedIsKilledAndReaped) {
  const size_t children = testing::CountChildren();
  {
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"wait"}));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(testing::CountChildren(), children + 1);
  }
  EXPECT_EQ(testing::CountChildren(), children);
}

HOST_TEST(Launch, TimestampsComeInTheOrderOfTheSteps) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "0"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const LaunchTimes& times = child->times;
  int64_t last = times.requested_at;
  const auto follows = [&last](int64_t at, std::string_view what) {
    EXPECT_GE(at, last) << what;
    last = at;
  };
  follows(times.template_received_at, "template received");
  EXPECT_GE(times.template_cloned_at, times.template_received_at);
  follows(times.child.started_at, "child started");
  follows(times.child.plan_received_at, "plan received");
  for (size_t i = 0; i < kLaunchStepCount; ++i) {
    if (times.child.done_at[i] != 0) {
      follows(times.child.done_at[i], LaunchStepName(static_cast<LaunchStep>(i)));
    }
  }
  follows(times.ready_received_at, "host saw Ready");
  EXPECT_NE(times.child.done_at[static_cast<size_t>(LaunchStep::kDescriptors)], 0);
  EXPECT_EQ(times.child.pid, child->process.pid());
}

// glibc caches a thread's tid; a raw clone must not leave it stale.
HOST_TEST(Launch, ChildKnowsItsOwnTidAndCanCreateThreads) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(Options({"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->at("owner_is_self"), "yes");
  EXPECT_EQ(report->at("threads"), "1");
  absl::StatusOr<LaunchedChild> threads = server.Launch(Options({"threads"}));
  ASSERT_TRUE(threads.ok()) << threads.status();
  EXPECT_TRUE(threads->process.Wait()->success());
}

HOST_TEST(Launch, ManyAtOnceAllBecomeReady) {
  constexpr size_t kLaunches = 200;
  std::vector<LaunchedChild> children;
  size_t ended = 0;
  for (size_t i = 0; i < kLaunches; ++i) {
    LaunchOptions options = Options({"exit", std::to_string(i % 100)});
    options.timeout = absl::InfiniteDuration();
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (child.ok()) children.push_back(*std::move(child));
    });
  }
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
  ASSERT_EQ(children.size(), kLaunches);
  std::multiset<int> codes;
  for (LaunchedChild& child : children) codes.insert(child.process.Wait()->code);
  for (int code = 0; code < 100; ++code) EXPECT_EQ(codes.count(code), 2u);
}

// More Forks than the template's socket holds (278): the rest wait in the host's queue, and
// nobody blocks.
HOST_TEST(Launch, MoreAtOnceThanASocketHoldsWaitInTheHost) {
  rlimit limit = {.rlim_cur = 8192, .rlim_max = 8192};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) GTEST_SKIP() << "no room for 8192 descriptors";
  absl::StatusOr<LaunchedChild> stopper = server.Launch(Options({"wait"}));
  constexpr size_t kLaunches = 600;
  size_t ended = 0;
  size_t good = 0;
  // The root is stopped, so that nothing drains.
  ASSERT_TRUE(testing::SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::InfiniteDuration();
  for (size_t i = 0; i < kLaunches; ++i) {
    server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (child.ok() && child->process.Wait()->success()) ++good;
    });
  }
  EXPECT_EQ(ended, 0u);
  ASSERT_TRUE(testing::SignalRoot(server, SIGCONT).ok());
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
  EXPECT_EQ(good, kLaunches);
}

HOST_TEST(Launch, ThreadsShareTheServer) {
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&server, &good, i] {
      for (int j = 0; j < kEach; ++j) {
        LaunchOptions options = Options({"exit", std::to_string(i)});
        // No deadline that would wake a thread which nobody woke.
        options.timeout = absl::InfiniteDuration();
        absl::StatusOr<LaunchedChild> child = server.Launch(options);
        // The parent-death signal follows the main thread, so these children outlive theirs.
        if (child.ok() && child->process.Wait()->code == i) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach);
}

// The callback of one thread's launch may run on another thread, that of its own launch too.
HOST_TEST(Launch, CallbacksRunOnWhicheverThreadDispatches) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&server, &good] {
      for (int j = 0; j < kEach; ++j) {
        std::atomic<bool> ended = false;
        LaunchOptions options = Options({"exit", "0"});
        options.timeout = absl::InfiniteDuration();
        server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
          if (child.ok() && child->process.Wait()->success()) ++good;
          ended = true;
        });
        while (!ended) server.Dispatch(absl::Milliseconds(50));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach);
}

HOST_TEST(Launch, CallbackMayLaunchAgain) {
  int ended = 0;
  int inner_code = -1;
  server.LaunchAsync(Options({"exit", "0"}), [&](absl::StatusOr<LaunchedChild> child) {
    EXPECT_TRUE(child.ok());
    absl::StatusOr<LaunchedChild> inner = server.Launch(Options({"exit", "8"}));
    if (inner.ok()) inner_code = inner->process.Wait()->code;
    ++ended;
  });
  while (ended == 0) server.Dispatch(absl::Seconds(10));
  EXPECT_EQ(inner_code, 8);
}

HOST_TEST(Launch, PollableDescriptorWakesAnotherLoop) {
  int ended = 0;
  server.LaunchAsync(Options({"exit", "0"}), [&](absl::StatusOr<LaunchedChild>) { ++ended; });
  // One that cannot even begin ends without an event of the kernel's.
  LaunchOptions impossible = Options({"exit", "0"});
  impossible.Map(9999, 5);
  server.LaunchAsync(impossible, [&](absl::StatusOr<LaunchedChild> child) {
    EXPECT_FALSE(child.ok());
    ++ended;
  });
  while (ended < 2) {
    pollfd state = {.fd = server.pollable_fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&state, 1, 10'000), 1);
    server.Dispatch();
  }
}

// What is watched is handed to the kernel before each return to the embedder, not at its next wait.
HOST_TEST(Launch, PollableDescriptorThatIsHeldWakesAnotherLoop) {
  pollfd state = {.fd = server.pollable_fd(), .events = POLLIN, .revents = 0};
  for (int i = 0; i < 20; ++i) {
    bool ended = false;
    server.LaunchAsync(Options({"exit", "0"}), [&](absl::StatusOr<LaunchedChild> child) {
      EXPECT_TRUE(child.ok()) << child.status();
      ended = true;
    });
    while (!ended) {
      ASSERT_EQ(poll(&state, 1, 10'000), 1);
      server.Dispatch();
    }
  }
  // A deadline too.
  ASSERT_TRUE(testing::SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::Milliseconds(20);
  bool ended = false;
  server.LaunchAsync(options, [&](absl::StatusOr<LaunchedChild> child) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(child.status())) << child.status();
    ended = true;
  });
  while (!ended) {
    ASSERT_EQ(poll(&state, 1, 10'000), 1);
    server.Dispatch();
  }
  ASSERT_TRUE(testing::SignalRoot(server, SIGCONT).ok());
}

// A thread that asks for launches and ends leaves them to whoever waits.
HOST_TEST(Launch, LaunchesOfAThreadThatHasEndedBecomeReady) {
  std::atomic<int> good = 0;
  const int held = server.pollable_fd();
  EXPECT_GE(held, 0);
  ASSERT_TRUE(testing::SignalRoot(server, SIGSTOP).ok());
  std::thread([&] {
    for (int i = 0; i < 20; ++i) {
      server.LaunchAsync(Options({"exit", "0"}),
                         [&](absl::StatusOr<LaunchedChild> child) { good += child.ok(); });
    }
  }).join();
  ASSERT_TRUE(testing::SignalRoot(server, SIGCONT).ok());
  for (int i = 0; i < 100 && good < 20; ++i) server.Dispatch(absl::Seconds(1));
  EXPECT_EQ(good, 20);
}

HOST_TEST(Launch, DeadlineEndsALaunchThatAStoppedTemplateDoesNotAnswer) {
  ASSERT_TRUE(testing::SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"exit", "0"});
  options.timeout = absl::Milliseconds(50);
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(child.status())) << child.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.Ping(absl::Milliseconds(50))));
  ASSERT_TRUE(testing::SignalRoot(server, SIGCONT).ok());
  // The child that the template forks now belongs to nobody; it must not stay.
  EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
  EXPECT_TRUE(server.Launch(Options({"exit", "0"})).ok());
}

// In nanoseconds it is more than there are, and not InfiniteDuration either.
HOST_TEST(Launch, TimeoutOfCenturiesIsNotOver) {
  constexpr absl::Duration kCenturies = absl::Hours(300 * 366 * 24);
  ASSERT_TRUE(testing::SignalRoot(server, SIGSTOP).ok());
  LaunchOptions options = Options({"wait"});
  options.timeout = kCenturies;
  std::optional<absl::StatusOr<LaunchedChild>> child;
  server.LaunchAsync(
      options, [&](absl::StatusOr<LaunchedChild> result) { child.emplace(std::move(result)); });
  for (int i = 0; i < 3; ++i) server.Dispatch();
  EXPECT_FALSE(child.has_value()) << child->status();
  ASSERT_TRUE(testing::SignalRoot(server, SIGCONT).ok());
  EXPECT_TRUE(server.Ping(kCenturies).ok());
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return child.has_value(); }));
  ASSERT_TRUE(child->ok()) << child->status();

  absl::StatusOr<ExitStatus> status = absl::UnknownError("");
  WatchedThread waiter([&] { status = (*child)->process.Wait(kCenturies); });
  EXPECT_TRUE(waiter.BlocksIn(SYS_waitid));
  (*child)->socket.reset();
  waiter.Join();
  EXPECT_TRUE(status.ok()) << status.status();
}

HOST_TEST(Launch, CancelledLaunchEndsWithCancelled) {
  ASSERT_TRUE(testing::SignalRoot(server, SIGSTOP).ok());
  absl::Status status;
  const LaunchId id =
      server.LaunchAsync(Options({"exit", "0"}),
                         [&](absl::StatusOr<LaunchedChild> child) { status = child.status(); });
  server.Cancel(id);
  server.Cancel(id);
  server.Dispatch(absl::Seconds(10));
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  ASSERT_TRUE(testing::SignalRoot(server, SIGCONT).ok());
  EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
}

// A descriptor of the host's is not free when the pidfd comes; its slot was kept.
HOST_TEST(Launch, HostAtItsDescriptorLimitGetsAnErrorOrAChildButLosesNothing) {
  const size_t open_now = testing::CountOpenDescriptors();
  const size_t children = testing::CountChildren();
  for (size_t spare = 0; spare < 6; ++spare) {
    rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    std::vector<UniqueFd> filler;
    // Numbers are given out from the lowest: fill the holes, then leave `spare` free.
    rlimit low = {.rlim_cur = 64, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (;;) {
      UniqueFd fd(fcntl(0, F_DUPFD_CLOEXEC, 3));
      if (!fd.is_open()) break;
      filler.push_back(std::move(fd));
    }
    for (size_t i = 0; i < spare; ++i) filler.pop_back();
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "0"}));
    if (child.ok()) {
      EXPECT_TRUE(child->process.Wait()->success());
    } else {
      EXPECT_NE(std::string(child.status().message()).find("EMFILE"), std::string::npos)
          << child.status();
    }
    // Two ends of the launch socket; the far one's slot becomes the pidfd's.
    EXPECT_EQ(child.ok(), spare >= 2) << spare << " spare: " << child.status();
    filler.clear();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  }
  EXPECT_LE(testing::CountOpenDescriptors(), open_now);
  EXPECT_EQ(testing::CountChildren(), children);
  EXPECT_TRUE(server.Launch(Options({"exit", "0"})).ok());
}

HOST_TEST(Launch, OfATemplateThatDiesSaysSoAndAnExecAndTheNextOneWork) {
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
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

HOST_TEST(Launch, ChildrenOutliveTheirTemplate) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"echo"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  EXPECT_FALSE(server.Launch(FromTheTemplate({"exit", "0"})).ok());
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver channel(std::move(child->socket), buffer);
  ASSERT_EQ(channel.Send({.type = testing::kEcho}), 0);
  EXPECT_EQ(channel.Receive(), ReceiveOutcome::kMessage);
  channel.TakeSocket().reset();
  EXPECT_TRUE(child->process.Wait()->success());
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
      ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
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
      absl::StrJoin(testing::ChildrenOfThisProcess(), " "), absl::StrJoin(children_before, " "),
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
  for (const pid_t pid : testing::ChildrenOfThisProcess()) {
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
  const std::vector<pid_t> children = testing::ChildrenOfThisProcess();
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
      EXPECT_EQ(testing::ChildrenOfThisProcess(), children);
      EXPECT_EQ(server.in_flight(), 0u);
    });
    // Nobody reads the template's answer meanwhile.
    pid_t child = 0;
    ASSERT_TRUE(LookUntil([&] { return (child = ChildThatIsNotAmong(children)) != 0; }))
        << WhatIsSeen(server, children);
    ASSERT_TRUE(testing::SignalProcess(child, SIGSTOP).ok());
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
      ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
    }
  }
  while (ended < kLaunches) server.Dispatch(absl::Seconds(10));
}

// The kernel sends the parent-death signal when the thread ends that made the child.
HOST_TEST(Launch, ChildOutlivesTheThreadThatLaunchedIt) {
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    std::optional<LaunchedChild> child;
    std::thread([&] {
      LaunchOptions options = Options({"echo"});
      options.way = way;
      absl::StatusOr<LaunchedChild> launched = server.Launch(options);
      if (launched.ok()) child.emplace(*std::move(launched));
    }).join();
    ASSERT_TRUE(child.has_value());
    std::vector<uint8_t> buffer(kMaxPayloadBytes);
    MiniTransceiver channel(std::move(child->socket), buffer);
    ASSERT_EQ(channel.Send({.type = testing::kEcho}), 0);
    EXPECT_EQ(channel.Receive(), ReceiveOutcome::kMessage);
    channel.TakeSocket().reset();
    EXPECT_TRUE(child->process.Wait()->success());
  }
}

// The stack of a child is a copy of the host's: its handlers must not be entered.
HOST_TEST(Launch, ExceptionThatLeavesAChildsProgramAbortsIt) {
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    LaunchOptions options = Options({"throw"});
    options.way = way;
    options.limits = {{RLIMIT_CORE, 0, 0}};
    absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGABRT");
  }
}

HOST_TEST(Launch, InheritedStdioIsThatOfTheHostsStartByBothWays) {
  const UniqueFd saved(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  const off_t before = lseek(saved.get(), 0, SEEK_END);
  ASSERT_EQ(dup2(null.get(), STDOUT_FILENO), STDOUT_FILENO);
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    LaunchOptions options = Options({"say", "hello"});
    options.way = way;
    absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_TRUE(child->process.Wait()->success());
  }
  ASSERT_EQ(dup2(saved.get(), STDOUT_FILENO), STDOUT_FILENO);
  EXPECT_EQ(lseek(saved.get(), 0, SEEK_END) - before, 2 * 6);  // "hello\n" twice
}

// The launch socket gets one of the free numbers, which are those of the child's stdio.
HOST_TEST(Launch, HostThatClosedItsStdioLaunchesByBothWays) {
  std::vector<UniqueFd> saved;
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    saved.emplace_back(fcntl(number, F_DUPFD_CLOEXEC, 3));
    ASSERT_TRUE(saved.back().is_open());
  }
  // What the body has to say goes where stdio went, so it is said afterwards.
  std::vector<std::string> wrong;
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    for (const std::vector<int>& closed :
         std::vector<std::vector<int>>{{0}, {0, 1}, {1, 2}, {0, 1, 2}}) {
      for (const int number : closed) close(number);
      LaunchOptions options = Options({"report"});
      options.way = way;
      absl::StatusOr<LaunchedChild> child = server.Launch(options);
      const absl::StatusOr<Report> report =
          child.ok() ? ReportOf(*child) : absl::StatusOr<Report>(child.status());
      child = absl::CancelledError("closed");  // before its socket's number is overwritten
      for (const int number : closed) dup2(saved[static_cast<size_t>(number)].get(), number);
      if (!report.ok()) {
        wrong.push_back(report.status().ToString());
      } else if (testing::DescriptorNumbers(*report) != "0 1 2") {
        wrong.push_back(testing::DescriptorNumbers(*report));
      }
    }
  }
  EXPECT_EQ(wrong, std::vector<std::string>());
}

HOST_TEST(Launch, ChildrenAreBlindToEachOthersChannels) {
  absl::StatusOr<LaunchedChild> first = server.Launch(Options({"wait"}));
  absl::StatusOr<LaunchedChild> second = server.Launch(Options({"report"}));
  ASSERT_TRUE(first.ok() && second.ok());
  const absl::StatusOr<Report> report = ReportOf(*second);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
  // Nobody else holds the first one's channel: closing it ends the child.
  first->socket.reset();
  EXPECT_TRUE(first->process.Wait()->success());
}

HOST_TEST(Launch, ThousandsLeakNothingInTheTemplate) {
  const std::string folder = absl::StrFormat("/proc/%d/fd", server.root_pid().value());
  const auto count = [&folder] {
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
    size_t entries = 0;
    while (readdir(listing.get()) != nullptr) ++entries;
    return entries;
  };
  const size_t before = count();
  for (int i = 0; i < 1000; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "0"}));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_TRUE(child->process.Wait()->success());
  }
  ASSERT_TRUE(server.Ping(absl::Seconds(10)).ok());  // the template has done everything else
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace forkserver
