// Tests whose body is the main program of a host.
//
//     HOST_TEST(Launch, GivesBackAProcessAndASocket) {
//       auto child = server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "3"}});
//       ASSERT_TRUE(child.ok()) << child.status();
//       EXPECT_EQ(child->process.Wait()->code, 3);
//     }
//
// The test runner itself is never forked. For each such test it spawns its own program again, as a
// victim: a process whose first statement is ForkServer::Start and which then runs this one body
// with all of GoogleTest's assertions. Before and after the body the open descriptors and the
// children of the victim are counted, less those that belong to templates and blanks, which come
// and go; one more of either fails the test.
//
// A test binary links //tests/testing:host_test, which has its main, and defines SetUpHost.
#ifndef TESTS_TESTING_HOST_TEST_H_
#define TESTS_TESTING_HOST_TEST_H_

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "forkserver/host/fork_server.h"

namespace forkserver::testing {

struct HostSetup {
  // The pressure is the machine's and not the test's: pools are kept under it.
  StartOptions options = {.under_memory_pressure = UnderPressure::kKeepPools};
  // Runs in the host before Start: what a careless program did first.
  std::function<void()> before_start = {};
  // Whether the body wants a root that serves.
  bool wait_until_serving = true;
  // Whether launches that the body leaves behind are waited for before the server is destroyed.
  bool drain_after_body = true;
  // Whether the broker comes to be by the body's exec of a sandboxed child, and by no template.
  bool body_starts_broker = false;
};

// Defined by each test binary. `test` is "Suite.Name"; called in the victim and in the processes
// that its fork server exec's.
HostSetup SetUpHost(const std::string& test);

// Programs of type ipc-unit-test that run test_program.h; pools are kept here too.
StartOptions TestOptions();

// Entries of /proc/self/fd, and children of this process, zombies included.
size_t CountOpenDescriptors();
size_t CountChildren();

std::vector<pid_t> ChildrenOfThisProcess();

// Of a child of this process, unreaped.
UniqueFd OpenPidfd(pid_t pid);
// Until it has ended, at most ten seconds; it stays unreaped.
bool WaitForEnd(const UniqueFd& pidfd);

// Signals one process, by a pidfd: never by a number that might mean everybody.
absl::Status SignalProcess(std::optional<pid_t> pid, int signal);
inline absl::Status SignalRoot(const ForkServer& server, int signal) {
  return SignalProcess(server.root_pid(), signal);
}

// Of one template; a test that names one that is none ends here.
TemplateStatus StatusOf(const ForkServer& server, std::string_view template_name);

// Drives the server until `done` says so. False: it did not within ten seconds.
bool DispatchUntil(ForkServer& server, const std::function<bool()>& done);

void RunInHost(const std::string& test, void (*body)(ForkServer& server));

}  // namespace forkserver::testing

#define HOST_TEST(suite, name)                                                                     \
  static void suite##_##name##_Body(::forkserver::ForkServer& server);                             \
  TEST(suite, name) { ::forkserver::testing::RunInHost(#suite "." #name, suite##_##name##_Body); } \
  static void suite##_##name##_Body([[maybe_unused]] ::forkserver::ForkServer& server)

#endif  // TESTS_TESTING_HOST_TEST_H_
