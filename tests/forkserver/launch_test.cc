// A launch, as an embedder sees it: its child, that one's channel, and its status.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "child/launch_step.h"
#include "tests/forkserver/launch_host.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver::testing {
namespace {

HOST_TEST(Launch, ByAWayThatThereIsNotIsAnError) {
  LaunchOptions options = Options({"exit", "0"});
  options.way = static_cast<LaunchWay>(77);
  const absl::Status status = server.Launch(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(status.message(), "launch of ipc-unit-test: there is no launch way 77");
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
  ASSERT_TRUE(DispatchUntil(server, [&] { return launched.has_value(); }));
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
  ASSERT_EQ(channel.Send({.type = kEcho, .request_id = 9}, payload, fds), 0);
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
  const size_t children = CountChildren();
  {
    absl::StatusOr<LaunchedChild> child = server.Launch(Options({"wait"}));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(CountChildren(), children + 1);
  }
  EXPECT_EQ(CountChildren(), children);
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

HOST_TEST(Launch, ChildrenOutliveTheirTemplate) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"echo"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
  EXPECT_FALSE(server.Launch(FromTheTemplate({"exit", "0"})).ok());
  std::vector<uint8_t> buffer(kMaxPayloadBytes);
  MiniTransceiver channel(std::move(child->socket), buffer);
  ASSERT_EQ(channel.Send({.type = kEcho}), 0);
  EXPECT_EQ(channel.Receive(), ReceiveOutcome::kMessage);
  channel.TakeSocket().reset();
  EXPECT_TRUE(child->process.Wait()->success());
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
    ASSERT_EQ(channel.Send({.type = kEcho}), 0);
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
      } else if (DescriptorNumbers(*report) != "0 1 2") {
        wrong.push_back(DescriptorNumbers(*report));
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
  EXPECT_EQ(DescriptorNumbers(*report), "0 1 2");
  // Nobody else holds the first one's channel: closing it ends the child.
  first->socket.reset();
  EXPECT_TRUE(first->process.Wait()->success());
}

}  // namespace
}  // namespace forkserver::testing
