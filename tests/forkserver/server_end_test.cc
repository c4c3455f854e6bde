// The end of a fork server by one call: what it says, what it leaves, and what it does not.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::SignalProcess;
using testing::StatusOf;

constexpr absl::Duration kPatience = absl::Seconds(1);

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  setup.options.templates = {
      {.name = "page"},
      {.name = "article", .parent = "page"},
      {.name = "boxed", .sandbox = {.policy = SandboxPolicyId::kUtility}},
      // In the pid namespace that the one above it has made.
      {.name = "boxed twice", .parent = "boxed"},
  };
  if (is("OwnThread")) setup.options.driving = Driving::kOwnThread;
  if (is("GivenUp")) setup.options.restart.most_deaths = 1;
  setup.drain_after_body = false;  // nothing can be
  return setup;
}

namespace {

LaunchOptions From(std::string_view template_name, std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .template_name = std::string(template_name)};
}

void StartAll(ForkServer& server) {
  for (const TemplateStatus& one : server.templates()) {
    const auto hello = server.WaitUntilServing(one.name);
    ASSERT_TRUE(hello.ok()) << hello.status();
  }
}

// With the seed, where there is one.
size_t CountTemplates(const ForkServer& server) {
  return server.templates().size() + (server.seed_pid().has_value() ? 1 : 0);
}

void ExpectHasEnded(ForkServer& server) {
  const absl::Status ended = absl::CancelledError("the fork server has ended");
  EXPECT_EQ(testing::CountChildren(), 0u);
  EXPECT_EQ(server.in_flight(), 0u);
  EXPECT_EQ(server.Launch(From("page", {"exit", "0"})).status(), ended);
  EXPECT_EQ(server.WaitUntilServing("page").status(), ended);
  EXPECT_EQ(server.SetPool("page", {.min = 1, .max = 1}), ended);
  EXPECT_EQ(server.Ping(), ended);
  int told = 0;
  server.LaunchAsync(From("page", {"exit", "0"}), [&](absl::StatusOr<LaunchedChild> child) {
    ++told;
    EXPECT_EQ(child.status(), ended);
  });
  EXPECT_EQ(told, 1);
  EXPECT_EQ(server.root_pid(), std::nullopt);
  const ServerEnd again = server.End();
  EXPECT_EQ(again.templates, 0u);
  EXPECT_TRUE(again.forced.empty());
  EXPECT_EQ(testing::CountChildren(), 0u);
}

HOST_TEST(ServerEnd, EndsTemplatesPoolsAndSeedWithoutForce) {
  ASSERT_NO_FATAL_FAILURE(StartAll(server));
  ASSERT_TRUE(server.SetPool("page", {.min = 2, .max = 2}).ok());
  ASSERT_TRUE(testing::DispatchUntil(
      server, [&] { return StatusOf(server, "page").idle_blanks.size() == 2; }));
  const size_t templates = CountTemplates(server);
  const ServerEnd end = server.End();
  EXPECT_EQ(end.templates, templates) << end.ToString();
  EXPECT_EQ(end.launches, 0u);
  EXPECT_TRUE(end.forced.empty()) << end.ToString();
  EXPECT_GT(end.took, absl::ZeroDuration());
  EXPECT_EQ(end.ToString(),
            std::to_string(templates) + " templates ended in " + absl::FormatDuration(end.took));
  ExpectHasEnded(server);
}

HOST_TEST(ServerEnd, OverItsOwnThreadIsTheSame) {
  ASSERT_NO_FATAL_FAILURE(StartAll(server));
  const size_t templates = CountTemplates(server);
  const ServerEnd end = server.End();
  EXPECT_EQ(end.templates, templates) << end.ToString();
  EXPECT_TRUE(end.forced.empty()) << end.ToString();
  ExpectHasEnded(server);
}

HOST_TEST(ServerEnd, NamesEachTemplateThatDidNotListen) {
  ASSERT_NO_FATAL_FAILURE(StartAll(server));
  for (const char* name : {"page", "boxed"}) {
    ASSERT_TRUE(SignalProcess(StatusOf(server, name).pid, SIGSTOP).ok());
  }
  const ServerEnd end = server.End({.templates = kPatience});
  ASSERT_EQ(end.forced.size(), 2u) << end.ToString();
  EXPECT_NE(
      end.ToString().find("; forced: template 'boxed' by SIGKILL, template 'page' by SIGKILL"),
      std::string::npos)
      << end.ToString();
  ExpectHasEnded(server);
}

// What it was asked for and never answered is over with it.
HOST_TEST(ServerEnd, CancelsLaunchesUnderWayAndForcesTheirTemplate) {
  ASSERT_NO_FATAL_FAILURE(StartAll(server));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGSTOP).ok());
  std::vector<absl::Status> told;
  for (int i = 0; i < 3; ++i) {
    server.LaunchAsync(From("article", {"exit", "0"}), [&](absl::StatusOr<LaunchedChild> child) {
      told.push_back(child.status());
    });
  }
  const ServerEnd end = server.End({.launches = kPatience, .templates = kPatience});
  EXPECT_EQ(end.launches, 3u);
  ASSERT_EQ(end.forced.size(), 1u) << end.ToString();
  EXPECT_EQ(end.forced[0].name + " " + end.forced[0].how, "template 'article' by SIGKILL");
  EXPECT_EQ(told, std::vector<absl::Status>(3, absl::CancelledError("the fork server has ended")));
  ExpectHasEnded(server);
}

// Reports are for the last words of a host that had trouble.
HOST_TEST(ServerEnd, AfterATemplateWasGivenUpReportsSayWhy) {
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGKILL).ok());
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return !server.safe_mode().ok(); }));
  const absl::Status why = server.safe_mode();
  server.End();
  EXPECT_EQ(server.safe_mode(), why);
  EXPECT_EQ(StatusOf(server, "article").why_dead, why);
  ExpectHasEnded(server);
}

// On the server's own thread the loop goes on, and who waits is told.
HOST_TEST(ServerEnd, OverItsOwnThreadEndsThoseWhoWait) {
  ASSERT_NO_FATAL_FAILURE(StartAll(server));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "root").pid, SIGSTOP).ok());
  absl::Status pinged;
  std::thread waiter([&] { pinged = server.Ping(absl::Seconds(60)); });
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return server.in_flight() > 0; }));
  server.End({.launches = kPatience, .templates = kPatience});
  waiter.join();
  EXPECT_EQ(pinged, absl::CancelledError("the fork server has ended"));
}

// All that a thread may ask for, beside one that is ending the server; says what was wrong.
std::string AskForAll(ForkServer& server, Process child) {
  const absl::Status ended = absl::CancelledError("the fork server has ended");
  std::string wrong;
  const auto expect = [&wrong](bool is_so, std::string_view what) {
    if (!is_so) wrong.append(what).append("; ");
  };
  expect(server.refused_calls().empty(), "refused_calls");
  expect(server.templates().size() == 5, "templates");
  expect(server.in_flight() == 0, "in_flight");
  expect(server.safe_mode().ok(), "safe_mode");
  expect(!server.root_pid() && !server.seed_pid(), "pids");
  expect(server.pollable_fd() >= 0, "pollable_fd");
  server.Dispatch();
  expect(server.Launch(From("page", {"exit", "0"})).status() == ended, "Launch");
  const LaunchOptions some[] = {From("page", {"exit", "0"}), From("boxed", {"exit", "0"})};
  for (const auto& launched : server.LaunchAll(some)) {
    expect(launched.status() == ended, "LaunchAll");
  }
  absl::Status told;
  server.Cancel(server.LaunchAsync(
      some[0], [&](absl::StatusOr<LaunchedChild> launched) { told = launched.status(); }));
  expect(told == ended, "LaunchAsync");
  expect(server.Ping() == ended, "Ping");
  expect(server.WaitUntilServing("page").status() == ended, "WaitUntilServing");
  expect(server.SetPool("page", {.min = 1, .max = 1}) == ended, "SetPool");
  server.SetPrefs({});
  std::string end_of_child;
  server.ReapAsync(std::move(child), [&](const absl::StatusOr<ExitStatus>& status) {
    end_of_child = status.ok() ? status->ToString() : status.status().ToString();
  });
  expect(end_of_child == "killed by SIGKILL", "ReapAsync");
  const ServerEnd again = server.End();
  expect(again.templates == 0 && again.forced.empty(), "End");
  return wrong;
}

// It ends no sooner than the one that is stopped, which the other thread lets go when it has all
// its answers; so they come meanwhile.
void ExpectAnswersWhileItEnds(ForkServer& server) {
  ASSERT_NO_FATAL_FAILURE(StartAll(server));
  absl::StatusOr<LaunchedChild> child = server.Launch(From("page", {"wait"}));
  ASSERT_TRUE(child.ok()) << child.status();
  // To be asked again: the end takes it from the server.
  const UniqueFd stopped = testing::OpenPidfd(*StatusOf(server, "boxed").pid);
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, stopped.get(), SIGSTOP, nullptr, 0), 0);
  const size_t templates = CountTemplates(server);
  ServerEnd end;
  WatchedThread ending([&] { end = server.End({.templates = absl::InfiniteDuration()}); });
  // Nothing but the end of a process is waited for by this call.
  EXPECT_TRUE(ending.BlocksIn(SYS_waitid));
  std::promise<std::string> answered;
  std::future<std::string> answer = answered.get_future();
  std::thread asking([&] { answered.set_value(AskForAll(server, std::move(child->process))); });
  const bool is_answered = answer.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  EXPECT_EQ(syscall(SYS_pidfd_send_signal, stopped.get(), SIGCONT, nullptr, 0), 0);
  asking.join();
  ending.Join();
  EXPECT_TRUE(is_answered) << "it was answered when the server had ended";
  EXPECT_EQ(answer.get(), "");
  EXPECT_EQ(end.templates, templates) << end.ToString();
  EXPECT_TRUE(end.forced.empty()) << end.ToString();
  ExpectHasEnded(server);
}

HOST_TEST(ServerEnd, AnswersOtherThreadsWhileItWaitsForTemplates) {
  ExpectAnswersWhileItEnds(server);
}

HOST_TEST(ServerEnd, AnswersOtherThreadsWhileItWaitsForTemplatesOverItsOwnThread) {
  ExpectAnswersWhileItEnds(server);
}

HOST_TEST(ServerEnd, LeavesChildrenThatAreReady) {
  std::vector<LaunchedChild> children;
  for (const char* name : {"page", "boxed"}) {
    absl::StatusOr<LaunchedChild> child = server.Launch(From(name, {"echo"}));
    ASSERT_TRUE(child.ok()) << child.status();
    children.push_back(*std::move(child));
  }
  EXPECT_TRUE(server.End().forced.empty());
  for (LaunchedChild& child : children) {
    uint8_t buffer[64];
    Packet packet(buffer);
    const int socket = child.socket.get();
    EXPECT_EQ(SendPacket(socket, Blocking::kWait, {.type = testing::kEcho}, {}, {}), 0);
    EXPECT_EQ(ReceivePacket(socket, Blocking::kWait, packet), PacketOutcome::kMessage);
    child.socket.reset();
    EXPECT_EQ(child.process.Wait()->ToString(), "exited with status 0");
  }
  children.clear();
  ExpectHasEnded(server);
}

}  // namespace
}  // namespace forkserver
