// What the tests of pools share: a host whose children of type utility may be blanks of a pool,
// and a view on the blanks that wait.
#ifndef TESTS_TESTING_POOL_HOST_H_
#define TESTS_TESTING_POOL_HOST_H_

#include <stddef.h>
#include <sys/types.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"

namespace forkserver::testing {

// utility has a pool, by its row, and ipc-unit-test has none.
inline HostSetup PoolHost() {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs.push_back({ProcessType::kUtility, MakeChildProgram<TestProgram>});
  return setup;
}

inline LaunchOptions Pooled(std::vector<std::string> argv) {
  return {.type = ProcessType::kUtility, .argv = std::move(argv)};
}

inline size_t IdleBlanks(const ForkServer& server, std::string_view name = kRootTemplate) {
  return StatusOf(server, name).idle_blanks.size();
}

inline bool ComesToHold(ForkServer& server, size_t blanks, std::string_view name = kRootTemplate) {
  return DispatchUntil(server, [&] { return IdleBlanks(server, name) == blanks; });
}

// So many arrivals at once that a pool is to be at its maximum for the next three seconds, however
// slow the machine is meanwhile. None costs a process: each ends in the host, for a descriptor that
// is not open.
inline void ArriveInABurst(ForkServer& server, LaunchOptions options) {
  options.Map(9999, 5);
  for (int i = 0; i < 500; ++i) EXPECT_FALSE(server.Launch(options).ok());
}

// Children of the host that are no template. Where the test holds no child of its own, these are
// the blanks.
inline std::vector<pid_t> BlankPids(const ForkServer& server) {
  std::set<pid_t> templates;
  if (server.seed_pid()) templates.insert(*server.seed_pid());
  for (const TemplateStatus& one : server.templates()) {
    if (one.pid) templates.insert(*one.pid);
  }
  std::vector<pid_t> blanks = ChildrenOfThisProcess();
  std::erase_if(blanks, [&](pid_t pid) { return templates.count(pid) > 0; });
  return blanks;
}

}  // namespace forkserver::testing

#endif  // TESTS_TESTING_POOL_HOST_H_
