// Hosts with a fork server, and the example's launcher, as a user starts them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/forkserver/launcher/started_program.h"
#include "tests/testing/program.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr char kBrowser[] = "examples/browser_host/browser_host";
constexpr char kBrowserLauncher[] = "examples/browser_host/browser_launcher";

std::string Pages() {
  return std::filesystem::canonical("examples/browser_host/pages/field-guide/index.html")
      .parent_path();
}

// What it says of pages, and not of processes, whose numbers and times differ.
std::set<std::string> LinesOfPages(const std::string& output) {
  std::set<std::string> lines;
  for (const std::string& line : Lines(output)) {
    if (line.starts_with("https://") || line.starts_with("  title")) lines.insert(line);
  }
  return lines;
}

TEST(RealHosts, AForkServerIsStartedByTheHostAsEver) {
  StartedProgram launcher({.argv = {kLauncher, "--", "examples/embedding/embedding"}});
  EXPECT_EQ(Describe(launcher.Wait()), "exited with 0");
  EXPECT_THAT(launcher.ReadRest(), MatchesRegex("hello from pid [0-9]+: I am ready\n"));
  EXPECT_EQ(launcher.ReadErrors(), "");
}

TEST(RealHosts, BrowserHostPrintsTheSameThroughItsLauncher) {
  const ProgramResult direct = RunProgram(std::vector<std::string>{kBrowser, Pages()});
  const ProgramResult launched = RunProgram(std::vector<std::string>{kBrowserLauncher, Pages()});
  EXPECT_EQ(direct.exit_code, 0) << direct.errors;
  EXPECT_EQ(launched.exit_code, 0) << launched.how << launched.errors;
  EXPECT_GT(LinesOfPages(direct.output).size(), 3u);
  EXPECT_EQ(LinesOfPages(launched.output), LinesOfPages(direct.output));
}

TEST(RealHosts, BrowserHostSaysWhatIsWrongWithTheSameExitCode) {
  for (const char* program : {kBrowser, kBrowserLauncher}) {
    const ProgramResult result = RunProgram(std::vector<std::string>{program, "--frobnicate"});
    EXPECT_EQ(result.exit_code, 2) << result.how;
    EXPECT_EQ(Lines(result.errors).size(), 1u) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr("browser_host: "));
  }
}

// A harness that gives up.
TEST(RealHosts, SigkillOfTheLauncherEndsHostTemplatesChildrenAndBlanks) {
  StartedProgram launcher({.argv = {kLauncher, "--", "tests/forkserver/doomed_host"}});
  std::vector<UniqueFd> others;
  for (std::string line; (line = launcher.ReadLine()) != "end";) {
    ASSERT_NE(line, "(nothing)");
    // Alive and unreaped, so this is the process that was meant.
    others.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, atoi(line.c_str()), 0)));
    ASSERT_TRUE(others.back().is_open());
  }
  EXPECT_EQ(others.size(), 13u);
  kill(launcher.pid(), SIGKILL);
  for (const UniqueFd& other : others) EXPECT_TRUE(EndsWithinHalfAMinute(other.get()));
}

TEST(RealHosts, SigtermToTheLauncherEndsTheBrowserInOrder) {
  const TemporaryFolder folder;
  for (int site = 0; site < 1000; ++site) {
    const std::string name = folder.path() + "/" + std::string(50, 's') + std::to_string(site);
    std::filesystem::create_directory(name);
    std::ofstream(name + "/page.html") << "<title>page</title>";
  }
  for (const bool to_group : {false, true}) {
    StartedProgram launcher({.argv = {kBrowserLauncher, folder.path()}});
    // More than the pipe has room for: the browser waits for this reader, who signals first.
    std::string line;
    while (!line.starts_with("opening") && line != "(nothing)") line = launcher.ReadErrorLine();
    kill(to_group ? -launcher.pid() : launcher.pid(), SIGTERM);
    while (!line.starts_with("stopped") && line != "(nothing)") line = launcher.ReadErrorLine();
    EXPECT_THAT(line, MatchesRegex("stopped by SIGTERM, after [0-9]+ of 1000 pages"));
    launcher.ReadRest();
    EXPECT_EQ(Describe(launcher.Wait()), "exited with 143");
  }
}

}  // namespace
}  // namespace forkserver::testing
