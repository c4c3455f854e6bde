// The model's patience with processes that a debugger is wanted for (docs/debugging.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <memory>
#include <string>

#include "forkserver/model/end_processes.h"
#include "forkserver/model/process_templates.h"
#include "forkserver/model/service_process.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/clock.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = ModelHost();
  setup.options.programs.push_back({ProcessType::kGpu, PlainProgram()});
  setup.options.templates = ProcessTemplates(setup.options.programs);
  const char* const pause = test.find("AService") != test.npos ? "0:gpu" : "0:utility";
  setup.before_start = [pause] { setenv("FORKSERVER_DEBUG_CHILD_PAUSE", pause, 1); };
  return setup;
}

namespace {

using testing::Ask;
using testing::ModelTest;
using testing::PlainHost;
using testing::Said;

constexpr std::string_view kPrefs =
    "pref(\"security.sandbox.gpu.level\", 0); pref(\"security.sandbox.utility.level\", 0);";

constexpr absl::Duration kShort = absl::Milliseconds(1);

// Stopped by a debugger, as which the test acts; and let go when all of the model's deadlines are
// long over.
std::unique_ptr<PlainHost> LaunchStopped(ModelTest& model) {
  std::unique_ptr<PlainHost> host = model.Launch(ProcessType::kUtility);
  const pid_t pid = host->process()->pid;
  EXPECT_EQ(host->process()->by, LaunchedBy::kExec);
  EXPECT_EQ(ptrace(PTRACE_SEIZE, pid, nullptr, nullptr), 0);
  EXPECT_EQ(ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr), 0);
  int stopped = 0;
  EXPECT_EQ(waitpid(pid, &stopped, __WALL), pid);
  EXPECT_TRUE(WIFSTOPPED(stopped));
  model.parent().loop().AddTimer(NowNanos() + 300 * absl::ToInt64Nanoseconds(kShort), [pid] {
    EXPECT_EQ(ptrace(PTRACE_DETACH, pid, nullptr, nullptr), 0);
  });
  return host;
}

auto ToldOnceThatItIsHeld() {
  return ::testing::Contains(::testing::HasSubstr("its end is waited for, since a debugger has it"))
      .Times(1);
}

HOST_TEST(DebuggedTypes, ShutDownWaitsForThem) {
  ModelTest model(server, kPrefs);
  const auto host = LaunchStopped(model);
  host->ShutDown(kShort);
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "exited with status 0");
  EXPECT_THAT(model.log(), ToldOnceThatItIsHeld());
}

// As long as it would have had without a debugger.
HOST_TEST(DebuggedTypes, ShutDownGivesOneThatIsLetGoItsTimeAgain) {
  ModelTest model(server, kPrefs);
  const auto host = LaunchStopped(model);
  ASSERT_TRUE(host->Call(Ask{.what = "hang"}, [](absl::StatusOr<Said>) {}).ok());
  host->ShutDownWhenDelivered(absl::Milliseconds(100));
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "killed by SIGKILL, for a debugger let it go 100ms ago");
}

// Or a user who wants to end the program would wait for as long as the children wait for a
// debugger.
HOST_TEST(DebuggedTypes, OneThatNobodyTracesHasItsPatience) {
  ModelTest model(server, kPrefs);
  const auto host = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(testing::SignalProcess(host->process()->pid, SIGSTOP).ok());
  host->ShutDown(kShort);
  model.Until([&] { return host->end.has_value(); });
  EXPECT_EQ(host->end->ToString(), "killed by SIGKILL, for it was asked to end 1ms ago");

  const auto other = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(testing::SignalProcess(other->process()->pid, SIGSTOP).ok());
  const EndReport report =
      EndProcesses(model.parent(), {.to_goodbye = kShort, .to_sigterm = kShort});
  EXPECT_EQ(report.forced.size(), 1u) << report.ToString();
}

HOST_TEST(DebuggedTypes, TheEndOfAllProcessesWaitsForThem) {
  ModelTest model(server, kPrefs);
  const auto host = LaunchStopped(model);
  const EndReport report =
      EndProcesses(model.parent(), {.to_goodbye = kShort, .to_sigterm = kShort});
  EXPECT_EQ(report.ended, 1u);
  EXPECT_TRUE(report.forced.empty()) << report.ToString();
  EXPECT_EQ(host->end->ToString(), "exited with status 0");
  EXPECT_THAT(model.log(), ToldOnceThatItIsHeld());
}

// It does not listen when it is let go, which is when the other has been killed long ago.
HOST_TEST(DebuggedTypes, AtTheEndOfAllEachHasItsOwnTimeAndSigtermFirst) {
  ModelTest model(server, kPrefs);
  const auto other = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(testing::SignalProcess(other->process()->pid, SIGSTOP).ok());
  const auto held = LaunchStopped(model);
  ASSERT_TRUE(held->Call(Ask{.what = "hang"}, [](absl::StatusOr<Said>) {}).ok());
  const EndReport report =
      EndProcesses(model.parent(), {.to_goodbye = kShort, .to_sigterm = absl::Seconds(2)});
  ASSERT_EQ(report.forced.size(), 2u) << report.ToString();
  EXPECT_EQ(held->end->exit->ToString(), "killed by SIGTERM");
  EXPECT_EQ(other->end->exit->ToString(), "killed by SIGKILL");
  EXPECT_THAT(model.log(), ToldOnceThatItIsHeld());
}

HOST_TEST(DebuggedTypes, AServiceOfOneIsNotGivenUp) {
  ModelTest model(server, kPrefs);
  int ended = 0;
  ServiceProcess<PlainHost> gpu(
      model.parent(), ProcessType::kGpu,
      [](ParentProcess& parent) { return std::make_unique<PlainHost>(parent, ProcessType::kGpu); },
      {.fallback_program = testing::PlainProgram(),
       .on_change = [&](const ProcessHandle* process, const absl::Status&) {
         if (process == nullptr) ++ended;
       }});
  for (int i = 1; i <= ServiceProcessCore::kMostEnds + 1; ++i) {
    const absl::StatusOr<PlainHost*> host = gpu.Need();
    ASSERT_TRUE(host.ok()) << host.status();
    ASSERT_TRUE((*host)->Call(Ask{.what = "exit", .about = "3"}, [](absl::StatusOr<Said>) {}).ok());
    model.Until([&] { return ended == i; });
  }
  EXPECT_EQ(gpu.ends(), 0);
  ASSERT_TRUE(gpu.Need().ok());
  model.Until([&] { return gpu.process() != nullptr; });
  EXPECT_EQ(gpu.process()->runs_in, RunsIn::kProcess);
}

}  // namespace
}  // namespace forkserver
