// A host to be killed: starts, launches children in several ways, has a nested template, a
// sandboxed one and a blank, prints the pids of all that it has, one a line, and waits for its end.
#include <stdio.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "forkserver/host/fork_server.h"
#include "tests/testing/test_program.h"

int main(int argc, char** argv) {
  using forkserver::LaunchOptions;
  using forkserver::LaunchWay;
  using forkserver::ProcessType;
  auto server = forkserver::ForkServer::Start(
      argc, argv,
      {.programs = {{ProcessType::kIpcUnitTest,
                     forkserver::MakeChildProgram<forkserver::testing::TestProgram>},
                    {ProcessType::kUtility,
                     forkserver::MakeChildProgram<forkserver::testing::TestProgram>}},
       .templates = {
           {.name = "nested"},
           {.name = "sandboxed", .sandbox = {.policy = forkserver::SandboxPolicyId::kContent}}}});
  if (!server.ok() || !(*server)->WaitUntilServing().ok()) return 1;
  std::vector<forkserver::LaunchedChild> children;
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    // By the signal, also where the child does not look at its channel; and by the hang-up.
    for (const char* what : {"sleep", "wait"}) {
      LaunchOptions options = {.type = ProcessType::kIpcUnitTest, .argv = {what}, .way = way};
      if (options.argv[0] == "wait") options.parent_death_signal = 0;
      auto child = (*server)->Launch(options);
      if (!child.ok()) return 1;
      children.push_back(*std::move(child));
    }
  }
  for (const char* what : {"sleep", "wait"}) {
    LaunchOptions options = {
        .type = ProcessType::kIpcUnitTest, .argv = {what}, .template_name = "sandboxed"};
    if (options.argv[0] == "wait") options.parent_death_signal = 0;
    auto child = (*server)->Launch(options);
    if (!child.ok()) return 1;
    children.push_back(*std::move(child));
  }
  // One of a type with a pool: a blank follows it.
  auto pooled = (*server)->Launch({.type = ProcessType::kUtility, .argv = {"wait"}});
  if (!pooled.ok() || !(*server)->WaitUntilServing("nested").ok()) return 1;
  while ((*server)->templates()[0].idle_blanks.empty()) (*server)->Dispatch(absl::Seconds(1));
  // Seed, root, nested and sandboxed template, its init, the children and the blank.
  std::ifstream all("/proc/thread-self/children");
  for (pid_t pid; all >> pid;) printf("%d\n", pid);
  printf("end\n");
  fflush(stdout);
  for (;;) pause();
}
