// The launcher's fork of the host where clone3 is refused. That the filter is there calls_test
// shows.
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/forkserver/launcher/started_program.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

std::vector<std::string> WithoutClone3(int error) {
  return {"tests/forkserver/launcher/without_call", std::to_string(SYS_clone3), "0", "-1",
          std::to_string(error)};
}

std::vector<std::string> LaunchedWithoutClone3(int error, std::vector<std::string> arguments) {
  std::vector<std::string> argv = WithoutClone3(error);
  argv.insert(argv.end(), {kLauncher, "--", kHost});
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

// What a filter answers that knows no clone3, or does not want it.
class RefusedClone3 : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(, RefusedClone3, ::testing::Values(ENOSYS, EPERM),
                         [](const ::testing::TestParamInfo<int>& error) {
                           return std::string(error.param == ENOSYS ? "ENOSYS" : "EPERM");
                         });

TEST_P(RefusedClone3, HostIsForkedByCloneAndEndsAsItDoes) {
  StartedProgram launcher({.argv = LaunchedWithoutClone3(GetParam(), {"exit", "42"})});
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 42");
  EXPECT_EQ(launcher.ReadErrors(), "");
}

TEST_P(RefusedClone3, HostIsTheLaunchersChildAndHearsItsSignals) {
  StartedProgram launcher({.argv = LaunchedWithoutClone3(GetParam(), {"signals"})});
  const pid_t host = launcher.AwaitReady();
  EXPECT_NE(host, launcher.pid());
  kill(launcher.pid(), SIGUSR1);
  EXPECT_EQ(launcher.ReadLine(), "signal 10 value 0");
  kill(launcher.pid(), SIGQUIT);
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 7");
}

// Nothing but an exec would make of it a child that can be waited for as any other.
TEST_P(RefusedClone3, HostThatIsNotThereIsOneLineAnd127) {
  std::vector<std::string> argv = WithoutClone3(GetParam());
  argv.insert(argv.end(), {kLauncher, "--", "/nowhere/host"});
  StartedProgram launcher({.argv = std::move(argv)});
  EXPECT_EQ(launcher.ReadErrors(), "launcher: execve /nowhere/host: ENOENT\n");
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 127");
}

TEST_P(RefusedClone3, HostDiesWithItsLauncher) {
  StartedProgram launcher({.argv = LaunchedWithoutClone3(GetParam(), {"wait"})});
  const UniqueFd host(static_cast<int>(syscall(SYS_pidfd_open, launcher.AwaitReady(), 0)));
  ASSERT_TRUE(host.is_open());
  kill(launcher.pid(), SIGKILL);
  EXPECT_TRUE(EndsWithinHalfAMinute(host.get()));
}

}  // namespace
}  // namespace forkserver::testing
