// Each call of a launcher's start that fails is one line and 126, and leaves no host behind.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/forkserver/launcher/started_program.h"

namespace forkserver::testing {
namespace {

constexpr char kWithoutCall[] = "tests/forkserver/launcher/without_call";

constexpr int kNoFlag = 0;
constexpr int kAnyCommand = -1;

struct Row {
  const char* name;
  long number;
  int error;
  const char* line;
  int flag = kNoFlag;
  int command = kAnyCommand;
  const char* launcher = kLauncher;
};

constexpr Row kRows[] = {
    {"Socketpair", SYS_socketpair, EMFILE, "launcher: socketpair: EMFILE\n"},
    {"Duplicate", SYS_fcntl, EMFILE, "launcher: fcntl F_DUPFD_CLOEXEC: EMFILE\n", kNoFlag,
     F_DUPFD_CLOEXEC},
    {"SignalMask", SYS_rt_sigprocmask, EPERM, "launcher: sigprocmask: EPERM\n"},
    {"SignalAction", SYS_rt_sigaction, EPERM, "launcher: sigaction: EPERM\n"},
    {"Signalfd", SYS_signalfd4, ENFILE, "launcher: signalfd: ENFILE\n"},
    {"Clone3", SYS_clone3, EAGAIN, "launcher: clone3: EAGAIN\n"},
    {"Go", SYS_sendto, ENOBUFS, "launcher: send to the host: ENOBUFS\n"},
    {"Waitid", SYS_waitid, EINVAL, "launcher: waitid of the host: EINVAL\n"},
    {"Limit", SYS_prlimit64, EPERM, "tested_launcher: prlimit of the host: EPERM\n", kNoFlag,
     kAnyCommand, kTestedLauncher},
    {"Priority", SYS_setpriority, EACCES, "tested_launcher: setpriority of the host: EACCES\n",
     kNoFlag, kAnyCommand, kTestedLauncher},
    // In the child.
    {"DeathSignal", SYS_prctl, EPERM, "launcher: prctl PR_SET_PDEATHSIG in the host: EPERM\n", 1},
    {"KeptSocket", SYS_fcntl, EPERM, "launcher: fcntl F_SETFD in the host: EPERM\n", kNoFlag,
     F_SETFD},
    {"HostsSignalMask", SYS_rt_sigprocmask, EPERM, "launcher: sigprocmask in the host: EPERM\n",
     SIG_SETMASK},
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class FailedCallOfALauncher : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(, FailedCallOfALauncher, ::testing::ValuesIn(kRows),
                         [](const ::testing::TestParamInfo<Row>& row) { return row.param.name; });

StartedProgramOptions Without(const Row& row, std::vector<std::string> command) {
  std::vector<std::string> argv = {kWithoutCall, std::to_string(row.number),
                                   std::to_string(row.flag), std::to_string(row.command),
                                   std::to_string(row.error)};
  argv.insert(argv.end(), command.begin(), command.end());
  return {.argv = std::move(argv)};
}

TEST_P(FailedCallOfALauncher, IsOneLineAnd126AndNoHost) {
  const bool is_tested = std::string(GetParam().launcher) == kTestedLauncher;
  StartedProgram launcher(Without(
      GetParam(), is_tested ? std::vector<std::string>{GetParam().launcher, "exit", "42"}
                            : std::vector<std::string>{kLauncher, "--", kHost, "exit", "42"}));
  EXPECT_EQ(launcher.ReadErrors(), GetParam().line);
  // Nobody has its stdout open any more.
  EXPECT_EQ(launcher.ReadRest(), "");
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 126");
}

// Without it the launcher guesses whom a signal was meant for (group_witness.h).
TEST(FailedFork, OfTheWitnessLetsTheHostStartAllTheSame) {
  StartedProgram launcher(
      Without({"", SYS_clone, EAGAIN, ""}, {kLauncher, "--", kHost, "exit", "42"}));
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 42");
  EXPECT_EQ(launcher.ReadErrors(), "");
}

}  // namespace
}  // namespace forkserver::testing
