// A host whose library is replaced on disk while it runs, to be run by update_test.cc:
//
//     updated_host NEW_LIBRARY LIBRARY
//
// Kills its root, and then the seed too, and prints after each which build of the library a child
// has, or why there is none.
#include <signal.h>
#include <stdio.h>

#include <string>

#include "forkserver/host/fork_server.h"

extern "C" int BuildOfTheLibrary();

namespace {

using namespace forkserver;

struct Child : ChildProgram {
  int Run(ChildContext&) override { return BuildOfTheLibrary(); }
};

void PrintBuild(ForkServer& server, const char* what, LaunchWay way) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"child"}, .way = way});
  if (child.ok()) {
    const absl::StatusOr<ExitStatus> status = child->process.Wait(absl::Seconds(20));
    printf("%s: build %d\n", what, status.ok() ? status->code : -1);
  } else {
    printf("%s: %s\n", what, std::string(child.status().message()).c_str());
  }
  fflush(stdout);
}

void Kill(ForkServer& server, std::optional<pid_t> pid) {
  kill(pid.value(), SIGKILL);
  while (server.root_pid() == pid) server.Dispatch(absl::Milliseconds(10));
}

}  // namespace

int main(int argc, char** argv) {
  auto started = ForkServer::Start(
      argc, argv, {.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<Child>}}});
  if (!started.ok()) {
    fprintf(stderr, "%s\n", std::string(started.status().message()).c_str());
    return 1;
  }
  ForkServer& server = **started;
  if (!server.WaitUntilServing().ok()) return 1;
  printf("host: build %d\n", BuildOfTheLibrary());
  PrintBuild(server, "fork", LaunchWay::kFork);
  PrintBuild(server, "exec", LaunchWay::kExec);
  if (argc != 3 || rename(argv[1], argv[2]) != 0) return 2;
  PrintBuild(server, "fork after the update", LaunchWay::kFork);
  PrintBuild(server, "exec after the update", LaunchWay::kExec);
  Kill(server, server.root_pid());
  if (!server.WaitUntilServing().ok()) return 3;
  PrintBuild(server, "fork from the next root", LaunchWay::kFork);
  kill(server.seed_pid().value(), SIGKILL);
  Kill(server, server.root_pid());
  const auto hello = server.WaitUntilServing();
  printf("root without a seed: %s\n", std::string(hello.status().message()).c_str());
  PrintBuild(server, "launch without a seed", LaunchWay::kAny);
  PrintBuild(server, "fork without a seed", LaunchWay::kFork);
  return 0;
}
