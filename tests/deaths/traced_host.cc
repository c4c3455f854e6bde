// A host whose fork server is destroyed while others trace a template of its, and a child that it
// sees to its end. Prints what was wrong; exits with 0 where nothing was.
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

#include <memory>
#include <string>
#include <utility>

#include "forkserver/host/fork_server.h"
#include "tests/deaths/longest_end.h"
#include "tests/deaths/tracer.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

int failures = 0;

void Expect(bool is_so, const std::string& what) {
  if (is_so) return;
  printf("not so: %s\n", what.c_str());
  ++failures;
}

void Destroy(std::unique_ptr<ForkServer> server) {
  const pid_t page = server->templates()[1].pid.value_or(0);
  auto child = server->Launch({.type = ProcessType::kIpcUnitTest, .argv = {"sleep"}});
  if (!child.ok()) return Expect(false, child.status().ToString());
  const pid_t pid = child->process.pid();
  testing::Tracer of_page(*server, page);
  testing::Tracer of_child(*server, pid);
  int told = 0;
  server->ReapAsync(std::move(child->process),
                    [&told](const absl::StatusOr<ExitStatus>&) { ++told; });
  const int64_t start = NowNanos();
  server.reset();
  const absl::Duration took = absl::Nanoseconds(NowNanos() - start);
  Expect(took < testing::LongestEnd({}), "it took " + absl::FormatDuration(took));
  Expect(told == 1, "the child's callback was called once");
  of_page.LetGo();
  of_child.LetGo();
  for (const pid_t left : {page, pid}) {
    Expect(waitpid(left, nullptr, __WALL) == left, "a process is left to be reaped");
  }
  Expect(waitpid(-1, nullptr, __WALL) == -1 && errno == ECHILD, "no other is left");
}

}  // namespace
}  // namespace forkserver

int main(int argc, char** argv) {
  using forkserver::ForkServer;
  using forkserver::ProcessType;
  using forkserver::testing::TestProgram;
  auto server = ForkServer::Start(
      argc, argv,
      {.programs = {{ProcessType::kIpcUnitTest, forkserver::MakeChildProgram<TestProgram>}},
       .templates = {{.name = "page"}}});
  if (!server.ok() || !(*server)->WaitUntilServing("page").ok()) return 1;
  forkserver::Destroy(*std::move(server));
  return forkserver::failures > 0;
}
