// Hosts and their children: the launch, the promise, the steps of the start, prefs, and the ends.
#include "forkserver/model/process_host.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return ModelHost(); }

namespace {

using testing::ModelTest;
using testing::PlainHost;

HOST_TEST(ProcessHost, ChildIsToldItsIdItsParentAndItsArguments) {
  ModelTest model(server);
  const auto first = model.Launch(ProcessType::kUtility, {.arguments = {"one", "-buildID=x"}});
  const auto second = model.Launch(ProcessType::kUtility);
  EXPECT_EQ(model.AskOf(*first, "argument", "1"), "-buildID=x");
  EXPECT_EQ(model.AskOf(*first, "parent"), std::to_string(getpid()));
  EXPECT_EQ(model.AskOf(*first, "child id"), std::to_string(first->id()));
  EXPECT_NE(first->id(), second->id());
  EXPECT_EQ(first->process()->id, first->id());
  EXPECT_EQ(model.parent().Find(second->id()), second.get());
}

HOST_TEST(ProcessHost, PromiseIsKeptAtOnceOnceItIsKnown) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  pid_t pid = 0;
  host->WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) { pid = process->pid; });
  EXPECT_EQ(pid, host->process()->pid);
}

HOST_TEST(ProcessHost, LaunchThatCannotBeBreaksThePromiseAndEndsTheHost) {
  ModelTest model(server);
  PlainHost host(model.parent(), ProcessType::kGpu);
  absl::Status why;
  host.WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) { why = process.status(); });
  host.Launch({});
  model.Until([&] { return host.end.has_value(); });
  EXPECT_FALSE(why.ok());
  EXPECT_EQ(host.end->exit.status(), why);
  EXPECT_TRUE(host.has_ended());
}

HOST_TEST(ProcessHost, ShutDownIsANormalEndWithStatusZero) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  host->ShutDown();
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "exited with status 0");
  EXPECT_TRUE(host->end->port.ok());
  EXPECT_EQ(model.parent().Find(host->id()), nullptr);
  EXPECT_EQ(host->process(), nullptr);
}

HOST_TEST(ProcessHost, ShutDownBeforeTheLaunchIsOverEndsTheProcessToo) {
  ModelTest model(server);
  PlainHost host(model.parent(), ProcessType::kUtility);
  host.Launch({});
  host.ShutDown();
  model.Until([&] { return host.end.has_value(); });
  EXPECT_EQ(host.end->ToString(), "exited with status 0");
}

HOST_TEST(ProcessHost, KillBeforeTheLaunchIsOverKillsForTheSameReason) {
  ModelTest model(server);
  for (const bool is_launching : {false, true}) {
    PlainHost host(model.parent(), ProcessType::kUtility);
    if (!is_launching) host.Kill(absl::InternalError("it is not wanted"));
    host.Launch({});
    if (is_launching) host.Kill(absl::InternalError("it is not wanted"));
    model.Until([&] { return host.end.has_value(); });
    EXPECT_EQ(host.end->ToString(), "killed by SIGKILL, for it is not wanted");
  }
}

HOST_TEST(ProcessHost, ChildThatExitsWithoutAGoodbyeIsAnAbnormalEnd) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(host->Call(testing::Ask{.what = "exit", .about = "0"},
                         [](absl::StatusOr<testing::Said> said) { EXPECT_FALSE(said.ok()); })
                  .ok());
  model.Until([&] { return host->end.has_value(); });
  EXPECT_TRUE(host->end->exit->success());
  EXPECT_TRUE(absl::IsUnavailable(host->end->port)) << host->end->port;
  EXPECT_EQ(host->end->ToString(), "exited with status 0, without a Goodbye");
}

// All sockets of the process: one of them is its port.
std::vector<UniqueFd> HoldSocketsOf(pid_t pid) {
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  std::vector<UniqueFd> held;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"))) {
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(entry.path(), gone).string();
    int number = -1;
    if (what.rfind("socket:", 0) != 0 ||
        !absl::SimpleAtoi(entry.path().filename().string(), &number)) {
      continue;
    }
    held.emplace_back(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), number, 0)));
    EXPECT_TRUE(held.back().is_open());
  }
  return held;
}

HOST_TEST(ProcessHost, ExitWithoutAGoodbyeIsAbnormalAlsoWhereSomebodyElseHoldsThePort) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  const std::vector<UniqueFd> held = HoldSocketsOf(host->process()->pid);
  ASSERT_FALSE(held.empty());
  EXPECT_TRUE(host->Call(testing::Ask{.what = "exit", .about = "0"}, [](const auto&) {}).ok());
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "exited with status 0, without a Goodbye");
}

HOST_TEST(ProcessHost, ChildThatStopsToListenIsKilled) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  ASSERT_EQ(model.AskOf(*host, "deaf"), "what?");
  model.SetPrefs("user_pref(\"colour\", \"green\");");
  EXPECT_FALSE(host->MayBeGivenWork());
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "killed by SIGKILL, for it stopped to listen 5s ago");
}

HOST_TEST(ProcessHost, ChildThatCannotStartSaysWhichStepAndWhy) {
  ModelTest model(server);
  PlainHost host(model.parent(), ProcessType::kUtility);
  host.Launch({.arguments = {"fail to start"}});
  model.Until([&] { return host.end.has_value(); });
  EXPECT_EQ(host.end->ToString(), "exited with status 121, start failed: init: as it was told");
  EXPECT_TRUE(host.end->port.ok());
}

HOST_TEST(ProcessHost, WhatAChildSaysOfItsStartIsToldInOneLine) {
  ModelTest model(server);
  PlainHost host(model.parent(), ProcessType::kUtility);
  host.Launch({.arguments = {"fail to start", "no\ncontent 7: well\x1b[2J"}});
  model.Until([&] { return host.end.has_value(); });
  EXPECT_EQ(host.end->ToString(),
            "exited with status 121, start failed: init: no\\x0acontent 7: well\\x1b[2J");
}

HOST_TEST(ProcessHost, ChildOfTheWrongTemplateDoesNotStart) {
  // The prefs say that there are to be sandboxes.
  ModelTest model(server, "pref(\"a\", 1);");
  PlainHost host(model.parent(), ProcessType::kUtility);
  host.Launch({.template_name = "root", .sandbox = SandboxPolicyId::kUtility});
  model.Until([&] { return host.end.has_value(); });
  EXPECT_EQ(host.end->start_failure.message(),
            "sandbox: the parent wants policy 'utility', and this process has none: its template "
            "is another one, or started while security.sandbox.utility.level was 0");
}

// Its children would be in no sandbox, and the prefs say now that they are to be in one.
HOST_TEST(ProcessHost, ChildOfATemplateThatStartedWithoutItsSandboxDoesNotStart) {
  ModelTest model(server);
  EXPECT_EQ(model.AskOf(*model.Launch(ProcessType::kUtility), "policy"), "none");
  model.SetPrefs("pref(\"security.sandbox.utility.level\", 2);");
  PlainHost host(model.parent(), ProcessType::kUtility);
  host.Launch({});
  model.Until([&] { return host.end.has_value(); });
  EXPECT_EQ(host.end->exit->ToString(), "exited with status 121");
  EXPECT_TRUE(absl::EndsWith(std::string(host.end->start_failure.message()),
                             "started while security.sandbox.utility.level was 0"))
      << host.end->start_failure;
}

// What was sent with the launch is there to be read when the child tells of its failure.
HOST_TEST(ProcessHost, ChildThatDoesNotStartHandlesNoMessage) {
  for (const HostedLaunch& launch :
       {HostedLaunch{.arguments = {"fail to start"}}, HostedLaunch{.template_name = "root"}}) {
    ModelTest model(server, "pref(\"a\", 1);");
    PlainHost host(model.parent(), ProcessType::kUtility);
    absl::Status refused;
    ASSERT_TRUE(host.Call(testing::Ask{.what = "child id"},
                          [&](absl::StatusOr<testing::Said> said) { refused = said.status(); })
                    .ok());
    host.Launch(launch);
    // A change of prefs while it is being launched is a message too.
    model.SetPrefs("user_pref(\"colour\", \"green\");");
    model.Until([&] { return host.end.has_value(); });
    EXPECT_FALSE(host.end->start_failure.ok());
    EXPECT_EQ(refused, absl::UnavailableError(
                           absl::StrCat("Plain Ask: closed before the answer: its start failed: ",
                                        std::string(host.end->start_failure.message()))));
    EXPECT_EQ(host.end->exit->ToString(), "exited with status 121");
  }
}

HOST_TEST(ProcessHost, ChildThatIsStoppedIsKilledWhenItsPatienceIsOver) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(testing::SignalProcess(host->process()->pid, SIGSTOP).ok());
  host->ShutDown(absl::Milliseconds(20));
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "killed by SIGKILL, for it was asked to end 20ms ago");
}

HOST_TEST(ProcessHost, PatienceMayBeLongerThanAnyTime) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  const pid_t pid = host->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(pid, SIGSTOP).ok());
  host->ShutDown(absl::Hours(24 * 365 * 400));
  model.parent().loop().Run(NowNanos());
  ASSERT_TRUE(testing::SignalProcess(pid, SIGCONT).ok());
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "exited with status 0");
}

HOST_TEST(ProcessHost, DestroyedHostLeavesNoProcess) {
  ModelTest model(server);
  auto running = model.Launch(ProcessType::kUtility);
  running.reset();
  auto launching = std::make_unique<PlainHost>(model.parent(), ProcessType::kUtility);
  launching->Launch({});
  launching.reset();
  model.Until([&] { return server.in_flight() == 0; });
  EXPECT_TRUE(model.parent().processes().empty());
}

class FrailHost : public ProcessHost<FrailHost, testing::PlainProtocol> {
 public:
  using ProcessHost::ProcessHost;
  void OnEnd(const ProcessEnd&) override {
    // A copy, which outlives this.
    const std::function<void()> told = on_end;
    if (told) told();
  }
  std::function<void()> on_end;
};

HOST_TEST(ProcessHost, MayBeDestroyedInAnyOfItsCallbacks) {
  ModelTest model(server);
  enum class In { kPromise, kBrokenPromise, kAnswer, kRoom, kEnd };
  for (const In in : {In::kPromise, In::kBrokenPromise, In::kAnswer, In::kRoom, In::kEnd}) {
    SCOPED_TRACE(static_cast<int>(in));
    // Of the GPU there is no program here.
    const ProcessType type = in == In::kBrokenPromise ? ProcessType::kGpu : ProcessType::kUtility;
    auto host = std::make_unique<FrailHost>(model.parent(), type);
    const auto destroy = [&] { host.reset(); };
    int later = 0;
    EXPECT_TRUE(host->Call(testing::Ask{.what = "child id"},
                           [&](absl::StatusOr<testing::Said>) {
                             if (in == In::kAnswer) destroy();
                             if (in == In::kEnd) host->Kill(absl::InternalError("enough"));
                           })
                    .ok());
    host->WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) {
      EXPECT_EQ(process.ok(), in != In::kBrokenPromise);
      if (in == In::kPromise || in == In::kBrokenPromise) destroy();
      if (in == In::kRoom) host->OnRoom(destroy);
    });
    host->WhenLaunched([&](const absl::StatusOr<ProcessHandle>&) { ++later; });
    if (in == In::kEnd) host->on_end = destroy;
    host->Launch({});
    model.Until([&] { return host == nullptr; });
    EXPECT_EQ(later, in == In::kPromise || in == In::kBrokenPromise ? 0 : 1);
  }
  model.Until([&] { return server.in_flight() == 0; });
  EXPECT_TRUE(model.parent().processes().empty());
}

HOST_TEST(ProcessHost, RunningChildSeesANewPref) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  EXPECT_EQ(model.AskOf(*host, "pref", "colour"), "none");
  model.SetPrefs("user_pref(\"colour\", \"green\");");
  EXPECT_EQ(model.AskOf(*host, "pref", "colour"), "green");
  const auto later = model.Launch(ProcessType::kUtility);
  EXPECT_EQ(model.AskOf(*later, "pref", "colour"), "green");
}

HOST_TEST(ProcessHost, ChildThatDoesNotReadItsPrefsIsKilled) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(testing::SignalProcess(host->process()->pid, SIGSTOP).ok());
  while (host->Call(testing::Ask{.about = std::string(4000, 'x')},
                    [](absl::StatusOr<testing::Said>) {})
             .ok()) {
  }
  model.SetPrefs("user_pref(\"colour\", \"green\");");
  model.Until([&] { return host->end.has_value(); });
  EXPECT_TRUE(absl::IsResourceExhausted(host->end->killed_for)) << host->end->killed_for;
}

HOST_TEST(ProcessHost, PrefSendsEveryLaunchByExec) {
  ModelTest model(server);
  EXPECT_NE(model.Launch(ProcessType::kUtility)->process()->by, LaunchedBy::kExec);
  model.SetPrefs("user_pref(\"dom.ipc.forkserver.enable\", false);");
  EXPECT_EQ(model.Launch(ProcessType::kUtility)->process()->by, LaunchedBy::kExec);
}

HOST_TEST(ProcessHost, ChildHasTheComponentsOfItsTypeAndNoOthers) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kDummy);
  EXPECT_EQ(model.AskOf(*host, "component", "prefs"), "made");
  EXPECT_EQ(model.AskOf(*host, "component", "broker-client"), "made");
  EXPECT_EQ(model.AskOf(*host, "component", "decoder.text"),
            "component 'decoder.text' is not for dummy processes");
}

}  // namespace
}  // namespace forkserver
