// The trace that the browser host writes of its launches (docs/traces.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <set>
#include <string>

#include "tests/examples/run_browser_host.h"
#include "tests/forkserver/report/read_trace.h"
#include "tests/testing/program.h"

namespace forkserver::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(BrowserHost, TraceHasEachContentProcessWithItsLaunchAndItsEnd) {
  const std::string path = folder_ / "trace.json";
  const ProgramResult result = Run({"--trace", path, Pages()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(Lines(result.errors), Contains("wrote " + path));
  const std::string text = ReadText(path);
  EXPECT_TRUE(text.ends_with("\n]\n"));
  const Trace trace = CheckTrace(text);
  std::multiset<std::string> processes;
  for (const TraceEvent& event : trace.events) {
    if (event.value("name", "") == "process_name") processes.insert(event.at("args").at("name"));
  }
  EXPECT_EQ(processes.count("host browser_host"), 1u);
  EXPECT_EQ(processes.count("template root"), 1u);
  EXPECT_EQ(processes.count("template content"), 1u);
  EXPECT_EQ(processes.count("content"), 6u);
  size_t launches = 0;
  for (const Slice& slice : trace.slices) {
    EXPECT_TRUE(slice.has_ended) << slice.name << " of " << slice.pid;
    if (slice.name != "launch content") continue;
    ++launches;
    const pid_t child = slice.args.at("child");
    // The table says the same pid and way.
    EXPECT_THAT(result.output, HasSubstr(std::to_string(child) + "  content"));
    const Slice plan = trace.Find(child, "Plan");
    EXPECT_GE(plan.begin, slice.begin);
    EXPECT_LE(plan.end, slice.end);
    EXPECT_EQ(trace.Find(child, "program").args.at("ended"), "exited with status 0");
  }
  EXPECT_EQ(launches, 6u);
}

TEST_F(BrowserHost, TraceOfAHostThatIsKilledCanBeRead) {
  for (int site = 0; site < 1000; ++site) {
    Write("sites/" + std::string(50, 'S') + std::to_string(site) + "/page.html",
          "<title>page</title>");
  }
  // It waits for the reader of its stderr, which is not read to the end.
  const ProgramResult result = RunProgram(std::vector<std::string>{
      "/bin/sh", "-c",
      "mkfifo $1/errors; $0 --trace $1/trace.json $1/sites 2>$1/errors & exec 3<$1/errors; "
      "while read -r line; do case $line in opening*) break;; esac; done <&3; "
      "kill -KILL $!; wait $!",
      kProgram, folder_.string()});
  EXPECT_EQ(result.exit_code, 128 + SIGKILL) << result.how;
  const std::string text = ReadText(folder_ / "trace.json");
  EXPECT_FALSE(text.ends_with("]\n"));
  const Trace trace = CheckTrace(text);
  size_t serving = 0;
  for (const Slice& slice : trace.slices) {
    if (slice.name != "serving") continue;
    ++serving;
    EXPECT_FALSE(slice.has_ended);
  }
  EXPECT_GE(serving, 1u);
}

TEST_F(BrowserHost, TraceThatCannotBeWrittenIsOneLineAndNothingIsLaunched) {
  for (const auto& [path, why] :
       std::map<std::string, std::string>{{"/no/such/trace.json", "ENOENT"}, {"/tmp", "EISDIR"}}) {
    const ProgramResult result = Run({"--trace", path, Pages()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.errors, "browser_host: trace: open " + path + ": " + why + "\n");
    EXPECT_EQ(result.output, "");
  }
  const ProgramResult result = Run({"--trace="});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.errors, "browser_host: --trace: the name of a file is empty\n");
  const ProgramResult swallowed = Run({"--trace", "--crash-reports", "x"});
  EXPECT_EQ(swallowed.exit_code, 2);
  EXPECT_EQ(swallowed.errors,
            "browser_host: --trace: the name of a file is missing: --crash-reports is an option\n");
  const ProgramResult twice = Run({"--trace", "a", "--trace", "b"});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_EQ(twice.errors, "browser_host: --trace: the name of a file is given twice\n");
}

TEST_F(BrowserHost, TraceOnAFullDiskCostsNoPageAndIsOneLine) {
  const ProgramResult whole = Run({Pages()});
  const ProgramResult result = Run({"--trace", "/dev/full", Pages()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(Lines(result.output).size(), Lines(whole.output).size());
  EXPECT_THAT(result.output, HasSubstr("6 of 6 reaped"));
  const std::vector<std::string> errors = Lines(result.errors);
  EXPECT_EQ(errors.size(), Lines(whole.errors).size() + 1) << result.errors;
  EXPECT_THAT(errors, Contains(HasSubstr("browser_host: write /dev/full: ENOSPC: ")));
}

}  // namespace
}  // namespace forkserver::testing
