// A host that was forked and not resumed has not run, and goes with its launcher.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "tests/forkserver/launcher/started_program.h"
#include "tests/testing/temporary_folder.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

constexpr char kSuspending[] = "tests/forkserver/launcher/suspending_launcher";

TEST(SuspendedHost, DiesWithItsLauncherAndHasDoneNothing) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/made";
  StartedProgram launcher({.argv = {kSuspending, "wait", file}});
  const UniqueFd host(static_cast<int>(syscall(SYS_pidfd_open, launcher.AwaitReady(), 0)));
  ASSERT_TRUE(host.is_open());
  kill(launcher.pid(), SIGKILL);
  EXPECT_TRUE(EndsWithinHalfAMinute(host.get()));
  // Nobody has its stdout open any more, so all of it has ended.
  EXPECT_EQ(launcher.ReadRest(), "");
  EXPECT_NE(access(file.c_str(), F_OK), 0);
}

TEST(SuspendedHost, IsEndedAndReapedWhereItIsGivenUp) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/made";
  StartedProgram launcher({.argv = {kSuspending, "give-up", file}});
  launcher.AwaitReady();
  EXPECT_EQ(launcher.ReadLine(), "no child");
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 0");
  EXPECT_NE(access(file.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace forkserver::testing
