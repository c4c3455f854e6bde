// The worked example of a process type, run as a user runs it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

using testing::ProgramResult;
using testing::RunProgram;

constexpr char kProgram[] = "examples/dummy_process/dummy_process";
constexpr char kOutput[] =
    "the parent asked, and was told: Have you tried turning it off and on again?\n"
    "dummy 1 exited with status 0\n"
    "content 2 (webIsolated=https://caller.test) asked, and was told: "
    "Have you tried turning it off and on again?\n"
    "dummy 3 exited with status 0\n"
    "content 2 (webIsolated=https://caller.test) exited with status 0\n";

TEST(DummyProcess, BothCallersAreAssistedAndEveryProcessEndsCleanly) {
  const ProgramResult result = RunProgram(std::vector<std::string>{kProgram});
  EXPECT_EQ(result.exit_code, 0) << result.how;
  EXPECT_EQ(result.output, kOutput);
  EXPECT_EQ(result.errors, "");
}

TEST(DummyProcess, OutputThatCannotBeWrittenIsAnError) {
  const ProgramResult result = RunProgram(
      std::vector<std::string>{"/bin/sh", "-c", std::string("exec ") + kProgram + " >/dev/full"});
  EXPECT_EQ(result.exit_code, 1) << result.how;
  EXPECT_EQ(result.errors, "dummy_process: write to stdout failed\n");
}

TEST(DummyProcess, TakesNoArguments) {
  const ProgramResult result = RunProgram(std::vector<std::string>{kProgram, "--help"});
  EXPECT_EQ(result.exit_code, 1) << result.how;
  EXPECT_EQ(result.output, "");
  EXPECT_EQ(result.errors, "dummy_process: usage: dummy_process\n");
}

// The template gets the layers that there are, and the child finds itself in its policy.
TEST(DummyProcess, WorksWhereNoProcessMayHaveAUserNamespace) {
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c",
      std::string("echo 0 >/proc/sys/user/max_user_namespaces && exec ") + kProgram});
  EXPECT_EQ(result.exit_code, 0) << result.how << result.errors;
  EXPECT_EQ(result.output, kOutput);
}

}  // namespace
}  // namespace forkserver
