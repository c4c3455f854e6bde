// The cgroup that a launcher puts its host into.
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/forkserver/launcher/started_program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::Not;

std::vector<std::string> LinesOf(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// Where cgroups of version 2 are, if they are anywhere.
std::optional<std::string> MountOfVersion2() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, folder, type, rest;
       mounts >> device >> folder >> type && std::getline(mounts, rest);) {
    if (type == "cgroup2") return folder;
  }
  return std::nullopt;
}

// A cgroup of this test's own. It is gone with the test, once nobody is in it.
class CgroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> mount = MountOfVersion2();
    if (!mount) GTEST_SKIP() << "no cgroups of version 2 are mounted";
    path_ = *mount + "/forkserver-test-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) {
      path_.clear();
      GTEST_SKIP() << "no cgroup can be made in " << *mount << ": " << strerrorname_np(errno);
    }
  }
  void TearDown() override {
    if (path_.empty()) return;
    EXPECT_EQ(rmdir(path_.c_str()), 0) << path_ << ": " << strerrorname_np(errno);
  }

  std::string Variable() const { return "TESTED_CGROUP=" + path_; }
  std::string name() const { return path_.substr(path_.rfind('/')); }
  std::vector<std::string> Pids() const { return LinesOf(path_ + "/cgroup.procs"); }

  std::string path_;
};

TEST_F(CgroupTest, HostIsInItAndItsLauncherIsNot) {
  StartedProgram launcher({.argv = {kTestedLauncher, "wait"}, .added_environment = {Variable()}});
  const pid_t host = launcher.AwaitReady();
  EXPECT_THAT(Pids(), ElementsAre(std::to_string(host)));
  EXPECT_NE(host, launcher.pid());
  kill(launcher.pid(), SIGTERM);
  EXPECT_EQ(Describe(launcher.Wait()), "killed by 15");
  EXPECT_THAT(Pids(), ElementsAre());
}

TEST_F(CgroupTest, HostIsInItFromItsBeginByBothWays) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/state";
  for (const bool supervised : {true, false}) {
    std::vector<std::string> argv = {kTestedLauncher};
    if (!supervised) argv.push_back("--no-supervise");
    argv.insert(argv.end(), {"state", file});
    StartedProgram inside({.argv = argv, .added_environment = {Variable()}});
    EXPECT_EQ(Describe(inside.Wait()), "exited with 0") << inside.ReadErrors();
    const auto is_inside = ::testing::AllOf(::testing::StartsWith("cgroup 0::"), EndsWith(name()));
    EXPECT_THAT(LinesOf(file), Contains(is_inside));
    StartedProgram outside({.argv = argv});
    EXPECT_EQ(Describe(outside.Wait()), "exited with 0") << outside.ReadErrors();
    EXPECT_THAT(LinesOf(file), Not(Contains(is_inside)));
  }
}

// The host is not to run outside of it.
TEST_F(CgroupTest, OneThatIsNotThereIsOneLineAnd126) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/state";
  for (const bool supervised : {true, false}) {
    std::vector<std::string> argv = {kTestedLauncher};
    if (!supervised) argv.push_back("--no-supervise");
    argv.insert(argv.end(), {"state", file});
    StartedProgram launcher({.argv = argv, .added_environment = {Variable() + "/none"}});
    EXPECT_EQ(Describe(launcher.Wait()), "exited with 126");
    EXPECT_EQ(launcher.ReadErrors(),
              "tested_launcher: write the host's pid to cgroup.procs: ENOENT\n");
    EXPECT_NE(access(file.c_str(), F_OK), 0);
  }
}

// Nor where only the beginning of its pid was written: here to a file that may have one byte.
TEST(PartOfAPid, IsOneLineAnd126) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/state";
  for (const bool supervised : {true, false}) {
    std::ofstream(folder.path() + "/cgroup.procs").flush();
    std::vector<std::string> argv = {"/usr/bin/prlimit", "--fsize=1:", kTestedLauncher};
    if (!supervised) argv.push_back("--no-supervise");
    argv.insert(argv.end(), {"state", file});
    StartedProgram launcher(
        {.argv = argv, .added_environment = {"TESTED_CGROUP=" + folder.path()}});
    EXPECT_EQ(Describe(launcher.Wait()), "exited with 126");
    EXPECT_EQ(launcher.ReadErrors(),
              "tested_launcher: write the host's pid to cgroup.procs: EIO\n");
    EXPECT_NE(access(file.c_str(), F_OK), 0);
  }
}

}  // namespace
}  // namespace forkserver::testing
