// `launcher --help`: its own, and no program's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/program.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::RunProgram;

constexpr char kProgram[] = "forkserver/launcher/launcher";

TEST(LauncherHelp, IsPrintedAndNoError) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{kProgram, "--help"}, {kProgram, "--no-supervise", "--help"}}) {
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.how;
    EXPECT_THAT(result.output, HasSubstr("usage: launcher [--no-supervise] -- PROGRAM"));
    EXPECT_THAT(result.output, HasSubstr("PATH is not searched"));
    EXPECT_EQ(result.errors, "");
  }
}

TEST(LauncherHelp, BehindTheDashesIsTheProgramsOwn) {
  const ProgramResult result =
      RunProgram(std::vector<std::string>{kProgram, "--", "/bin/echo", "hello"});
  EXPECT_EQ(result.output, "hello\n");
  const ProgramResult help =
      RunProgram(std::vector<std::string>{kProgram, "--", "/usr/bin/printf", "%s", "--help"});
  EXPECT_EQ(help.exit_code, 0) << help.errors;
  EXPECT_EQ(help.output, "--help");
}

TEST(LauncherHelp, ThatCannotBeWrittenIsAnError) {
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/bin/sh", "-c", std::string("exec ") + kProgram + " --help >/dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "launcher: write to stdout failed\n");
}

// What the help says of it.
TEST(LauncherHelp, ProgramWithoutASlashIsNotLookedForInPath) {
  const ProgramResult result = RunProgram(std::vector<std::string>{kProgram, "--", "sh"});
  EXPECT_EQ(result.exit_code, 127);
  EXPECT_THAT(result.errors, HasSubstr("forkserver/launcher/sh: ENOENT"));
}

}  // namespace
}  // namespace forkserver
