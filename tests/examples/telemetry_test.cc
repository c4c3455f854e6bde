// What the browser host writes of its processes: counts (docs/telemetry.md), crash reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/examples/run_browser_host.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

TEST_F(BrowserHost, TelemetryHasThePagesThatWereReadAndThoseThatCouldNotBe) {
  Write("sites/a/one.html", "<title>one</title>some words");
  Write("sites/a/two.html", "<title>two</title>");
  Write("sites/b/three.html", std::string("\0\0", 2));
  const std::string path = folder_ / "telemetry.json";
  const ProgramResult result = Run({"--telemetry", path, (folder_ / "sites").string()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(Lines(result.errors), Contains("wrote " + path));
  const json all = ReadJson(path);
  EXPECT_EQ(all.at("metrics").at("pages_read").at("total"), 3);
  EXPECT_EQ(all.at("metrics").at("page_failed").at("total"), 0);
  EXPECT_EQ(all.at("launches").at("content").at("begun"), 2);
  EXPECT_EQ(all.at("launches").at("content").at("failed"), 0);
  EXPECT_EQ(all.at("processes").at("content").at("ended"), 2);
  EXPECT_EQ(all.at("processes").at("content").at("living"), 0);
}

// Also of processes that are not forked.
TEST_F(BrowserHost, TelemetrySaysWhyPagesFailedAndWhatTheSandboxRefused) {
  const std::string path = folder_ / "telemetry.json";
  const ProgramResult result = Run({"--by-name", "--telemetry", path, Pages()});
  EXPECT_EQ(result.exit_code, 1);
  const json all = ReadJson(path);
  const int failed = all.at("metrics").at("page_failed").at("total");
  EXPECT_GT(failed, 0);
  EXPECT_EQ(all.at("events").size(), static_cast<size_t>(failed));
  // Cut to what an event has room for.
  EXPECT_THAT(all.at("events").at(0).at("text").get<std::string>(),
              ::testing::StartsWith("in its process: open /"));
  EXPECT_GE(all.at("sandbox_violations").at("content").at("refused"), failed);
}

TEST_F(BrowserHost, TelemetryThatCannotBeWrittenIsOneLine) {
  for (const auto& [path, why] : std::map<std::string, std::string>{
           {"/no/such/telemetry.json", "open /no/such/telemetry.json: ENOENT"},
           {"/tmp", "open /tmp: EISDIR"},
           {"/dev/full", "write /dev/full: ENOSPC"}}) {
    const ProgramResult result = Run({"--telemetry", path, Pages()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, AllOf(HasSubstr("browser_host: telemetry: " + why + "\n"),
                                     Not(HasSubstr("wrote "))));
  }
  const ProgramResult empty = Run({"--telemetry="});
  EXPECT_EQ(empty.exit_code, 2);
  EXPECT_EQ(empty.errors, "browser_host: --telemetry: the name of a file is empty\n");
}

TEST_F(BrowserHost, FolderThatCannotHaveCrashReportsIsOneLineAndNothingIsLaunched) {
  const ProgramResult result = Run({"--crash-reports", "/proc/reports", Pages()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "browser_host: crash reports: mkdir /proc/reports: ENOENT\n");
  EXPECT_EQ(result.output, "");
}

}  // namespace
}  // namespace forkserver::testing
