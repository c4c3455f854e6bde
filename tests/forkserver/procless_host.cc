// A host without /proc, to be run by no_proc_test.cc: takes it from itself, launches in each way,
// and prints a line of what came of each. "thread" as its argument: with a thread beside main's.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "forkserver/host/fork_server.h"
#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/test_program.h"

namespace {

using forkserver::ExitStatus;
using forkserver::ForkServer;
using forkserver::LaunchedChild;
using forkserver::LaunchOptions;
using forkserver::LaunchWay;
using forkserver::ProcessType;

void Print(const char* what, const std::string& outcome) {
  printf("%s: %s\n", what, outcome.c_str());
  fflush(stdout);
}

void PrintLaunch(ForkServer& server, const char* what, LaunchOptions options) {
  options.argv = {"exit", "5"};
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return Print(what, std::string(child.status().message()));
  const absl::StatusOr<ExitStatus> status = child->process.Wait(absl::Seconds(20));
  Print(what, status.ok() ? status->ToString() : std::string(status.status().message()));
}

}  // namespace

int main(int argc, char** argv) {
  forkserver::testing::CoverWithNothing("/proc");
  if (argc > 1 && strcmp(argv[1], "thread") == 0) {
    std::thread([] {
      for (;;) pause();
    }).detach();
  }
  const auto program = forkserver::MakeChildProgram<forkserver::testing::TestProgram>;
  const auto started = ForkServer::Start(
      argc, argv,
      {.programs = {{ProcessType::kIpcUnitTest, program}, {ProcessType::kContent, program}},
       .templates = {{.name = "sandboxed",
                      .types = {ProcessType::kContent},
                      .sandbox = {.policy = forkserver::SandboxPolicyId::kContent}}}});
  if (!started.ok()) {
    Print("start", std::string(started.status().message()));
    return 1;
  }
  ForkServer& server = **started;
  Print("machine", server.start_report().machine.why_no_proc);
  const auto hello = server.WaitUntilServing();
  Print("freeze", hello.ok() ? hello->freeze.WhyNot() : std::string(hello.status().message()));
  PrintLaunch(server, "fork", {.type = ProcessType::kIpcUnitTest, .way = LaunchWay::kFork});
  PrintLaunch(server, "exec", {.type = ProcessType::kIpcUnitTest, .way = LaunchWay::kExec});
  PrintLaunch(server, "sandboxed", {.type = ProcessType::kContent});
  for (const auto& one : server.templates()) {
    if (one.name != "sandboxed") continue;
    Print("user namespace",
          LayerStateText(one.hello.sandbox[forkserver::SandboxLayer::kUserNamespace]));
  }
  kill(*server.root_pid(), SIGKILL);
  Print("root again", server.WaitUntilServing().ok() ? "serves" : "does not");
  PrintLaunch(server, "fork again", {.type = ProcessType::kIpcUnitTest, .way = LaunchWay::kFork});
  kill(*server.seed_pid(), SIGKILL);
  kill(*server.root_pid(), SIGKILL);
  while (server.templates().front().state != forkserver::TemplateStatus::State::kDead) {
    server.Dispatch(absl::Milliseconds(10));
  }
  PrintLaunch(server, "without a seed", {.type = ProcessType::kIpcUnitTest});
  return 0;
}
