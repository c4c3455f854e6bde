// The smallest program with a fork server; the README shows it.
#include <cstdio>
#include <iostream>

#include "child/child_program.h"
#include "forkserver/host/fork_server.h"

using namespace forkserver;

struct Greeter : ChildProgram {
  int Run(ChildContext& context) override {
    std::printf("hello from pid %d: %s\n", context.ready.pid, context.argv[1]);
    if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return 0;
    return std::cerr << "embedding: write to stdout failed\n", 1;
  }
};

int main(int argc, char** argv) {
  auto server = ForkServer::Start(argc, argv,
                                  {.programs = {{ProcessType::kDummy, MakeChildProgram<Greeter>}}});
  if (!server.ok()) return std::cerr << server.status() << "\n", 1;
  auto child = (*server)->Launch({.type = ProcessType::kDummy, .argv = {"greeter", "I am ready"}});
  if (!child.ok()) return std::cerr << child.status() << "\n", 1;
  return child->process.Wait()->code;
}
