// A shared library that is updated on disk while its host runs: two builds are never mixed.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::Lines;
using testing::ProgramResult;
using testing::RunProgram;
using ::testing::StartsWith;
using testing::TemporaryFolder;

constexpr char kHost[] = "tests/forkserver/updated_host";
constexpr char kLibrary[] = "libupdated.so";

std::vector<std::string> RunUpdatedHost() {
  const TemporaryFolder folder;
  const std::string installed = folder.path() + "/" + kLibrary;
  const std::string update = folder.path() + "/update.so";
  const std::string builds = "tests/forkserver/";
  std::filesystem::copy_file(builds + "build_one/" + kLibrary, installed);
  std::filesystem::copy_file(builds + "build_two/" + kLibrary, update);
  const ProgramResult result =
      RunProgram({.argv = {kHost, update, installed},
                  .environment = testing::VictimEnvironment({"LD_LIBRARY_PATH=" + folder.path()})});
  EXPECT_EQ(result.exit_code, 0) << result.how << "\n" << result.output << result.errors;
  return Lines(result.output);
}

TEST(Update, ForksAndTheRootThatTheSeedForksAgainAreOfTheHostsBuild) {
  const std::vector<std::string> lines = RunUpdatedHost();
  EXPECT_THAT(lines, Contains("host: build 1"));
  EXPECT_THAT(lines, Contains("fork: build 1"));
  EXPECT_THAT(lines, Contains("exec: build 1"));
  EXPECT_THAT(lines, Contains("fork after the update: build 1"));
  EXPECT_THAT(lines, Contains("fork from the next root: build 1"));
}

// What an exec would bring is the other build: no launch is better than one of that.
TEST(Update, WhatIsExecedIsRefusedAndTheErrorSaysWhatToDo) {
  const std::vector<std::string> lines = RunUpdatedHost();
  for (const char* what : {"exec after the update: ", "root without a seed: ",
                           "launch without a seed: ", "fork without a seed: "}) {
    EXPECT_THAT(lines, Contains(AllOf(StartsWith(what), HasSubstr("its build id is "),
                                      HasSubstr("this host must be started again"))));
  }
}

}  // namespace
}  // namespace forkserver
