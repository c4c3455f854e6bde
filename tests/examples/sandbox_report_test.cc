// `tools/run --sandbox-report`, run as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::Lines;
using ::testing::Not;
using testing::ProgramResult;
using testing::RunProgram;

constexpr char kProgram[] = "examples/browser_host/browser_host";
constexpr size_t kLayers = 18;

ProgramResult Report(const std::string& option) {
  return RunProgram(std::vector<std::string>{kProgram, "--default-pages", "/none", option});
}

// Where no process may have a user namespace of its own any more.
ProgramResult RunWithoutUserNamespaces(const std::string& option) {
  return RunProgram(
      std::vector<std::string>{"/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c",
                               std::string("echo 0 >/proc/sys/user/max_user_namespaces && exec ") +
                                   kProgram + " " + option});
}

// The rows between the heading and the empty line.
size_t CountRows(const std::string& output) {
  const std::vector<std::string> lines = Lines(output);
  return static_cast<size_t>(std::find(lines.begin(), lines.end(), "") - lines.begin()) - 1;
}

TEST(SandboxReport, IsOfContentWhereNoPolicyIsNamed) {
  const ProgramResult result = Report("--sandbox-report");
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(CountRows(result.output), kLayers);
  EXPECT_THAT(result.output, AllOf(ContainsRegex("^LAYER +STATE +REASON\n"),
                                   ContainsRegex("\nsystem calls +engaged\n"),
                                   ContainsRegex("\nnetwork namespace +engaged\n"),
                                   HasSubstr("\ncontent: 17 of 17 layers hold; ")));
}

TEST(SandboxReport, OfAnotherPolicyHasItsLayers) {
  const ProgramResult result = Report("--sandbox-report=socket");
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, AllOf(ContainsRegex("\nnetwork namespace +not wanted\n"),
                                   HasSubstr("\nsocket: 15 of 15 layers hold; ")));
}

TEST(SandboxReport, OfAllHasAColumnForEach) {
  const ProgramResult result = Report("--sandbox-report=all");
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_EQ(CountRows(result.output), kLayers);
  EXPECT_THAT(result.output, AllOf(ContainsRegex("^LAYER +content +file-content +extension"),
                                   ContainsRegex("\nnot dumpable +not wanted .* engaged\n"),
                                   HasSubstr("\nsocket: 15 of 15 layers hold; "),
                                   HasSubstr("\ncompute-only: 18 of 18 layers hold; ")));
}

TEST(SandboxReport, OfALayerThatIsNotRequiredSaysWhyItIsMissingAndIsASuccess) {
  const ProgramResult result = RunWithoutUserNamespaces("--sandbox-report");
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output,
              AllOf(ContainsRegex("\nuser namespace +refused +unshare CLONE_NEWUSER: ENOSPC; "
                                  "user.max_user_namespaces is 0\n"),
                    HasSubstr("\ncontent: 16 of 17 layers hold; all that it requires do\n")));
}

// As in a container that was given no capability.
TEST(SandboxReport, OfRootWithoutCapabilitiesHasAllLayersButTheUserNamespacesMap) {
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", kProgram, "--sandbox-report"});
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output,
              AllOf(ContainsRegex("\nuser namespace +refused +write /proc/self/uid_map: EPERM; "
                                  "since Linux 5.12 it takes CAP_SETFCAP to map uid 0, "),
                    ContainsRegex("\nempty root +engaged\n"), Not(HasSubstr("not root")),
                    HasSubstr("\ncontent: 16 of 17 layers hold; all that it requires do\n")));
}

TEST(SandboxReport, OfALayerThatIsRequiredIsAFailure) {
  for (const char* option : {"--sandbox-report=compute-only", "--sandbox-report=all"}) {
    SCOPED_TRACE(option);
    const ProgramResult result = RunWithoutUserNamespaces(option);
    EXPECT_EQ(result.exit_code, 1) << result.output << result.errors;
    EXPECT_THAT(result.output,
                AllOf(ContainsRegex("\nuser namespace .*REFUSED"),
                      HasSubstr("\ncompute-only: 17 of 18 layers hold; no launch without 'user "
                                "namespace'\n")));
  }
}

TEST(SandboxReport, IsOfTheLevelThatThePrefsGive) {
  const testing::TemporaryFolder folder;
  const std::string prefs = folder.path() + "/prefs.js";
  std::ofstream(prefs) << "pref('security.sandbox.content.level', 1);\n"
                          "pref('security.sandbox.socket.level', 0);\n";
  const ProgramResult result =
      RunProgram(std::vector<std::string>{kProgram, "--prefs", prefs, "--sandbox-report"});
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, AllOf(ContainsRegex("\npid namespace +not wanted\n"),
                                   ContainsRegex("\nsystem calls +engaged\n"),
                                   HasSubstr("\ncontent, level 1: 10 of 10 layers hold; ")));
  const ProgramResult off =
      RunProgram(std::vector<std::string>{kProgram, "--prefs", prefs, "--sandbox-report=socket"});
  EXPECT_EQ(off.exit_code, 0) << off.output << off.errors;
  EXPECT_THAT(off.output, AllOf(ContainsRegex("\nsystem calls +not wanted\n"),
                                HasSubstr("\nsocket, level 0: no sandbox\n")));
}

TEST(SandboxReport, WithoutASandboxSaysSo) {
  const ProgramResult result =
      RunProgram(std::vector<std::string>{kProgram, "--no-sandbox", "--sandbox-report"});
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, HasSubstr("\ncontent, level 0: no sandbox\n"));
}

TEST(SandboxReport, WithOptionsThatSayNothingBesideItIsRefused) {
  for (const char* option :
       {"--print-prefs", "--by-name", "--private", "--container=1", "--pictures=p", "--gallery=g",
        "--trace=t", "--telemetry=t", "--crash-reports=c"}) {
    SCOPED_TRACE(option);
    const ProgramResult result =
        RunProgram(std::vector<std::string>{kProgram, option, "--sandbox-report"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(result.errors,
                HasSubstr("--container, --pictures, --gallery, --trace, --telemetry and "
                          "--crash-reports say nothing beside --sandbox-report"));
  }
}

TEST(SandboxReport, OfNoPolicyNamesThoseThatThereAre) {
  for (const char* option : {"--sandbox-report=", "--sandbox-report=none", "--sandbox-report=x"}) {
    SCOPED_TRACE(option);
    const ProgramResult result = Report(option);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(Lines(result.errors).size(), 1u);
    EXPECT_THAT(result.errors, AllOf(HasSubstr("no policy '"), HasSubstr("content, file-content"),
                                     HasSubstr("compute-only and all"), Not(HasSubstr("none,"))));
  }
}

TEST(SandboxReport, ThatCannotBeWrittenIsAFailure) {
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/bin/sh", "-c", std::string("exec ") + kProgram + " --sandbox-report >/dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("write to stdout: ENOSPC"));
}

}  // namespace
}  // namespace forkserver
