// The report of a host with templates, pools and children: who is there, and below whom.
#include "forkserver/report/process_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/report/process_table.h"
#include "tests/forkserver/report/dirtying_program.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<DirtyingProgram>}};
  setup.options.warm_ups = {{"memory", WarmUpMemory}};
  setup.options.templates = {{.name = "middle", .pool = kNoPool},
                             {.name = "leaf",
                              .parent = "middle",
                              .sandbox = {.policy = SandboxPolicyId::kUtility},
                              .pool = PoolBounds{.min = 0, .max = 2}},
                             {.name = "unused", .parent = "middle"}};
  if (test.find("Layout") != test.npos) setup.options.layouts = 2;
  return setup;
}

namespace {

using ::testing::HasSubstr;
using testing::LaunchAndWait;

// Name and depth of each, with N for its pid.
std::vector<std::string> Tree(const ProcessReport& report) {
  std::vector<std::string> tree;
  for (const ReportedProcess& process : report.processes) {
    std::string line = std::string(process.depth, '>') + process.name;
    const std::string pid = absl::StrFormat("(%d", process.pid);
    if (const size_t at = line.find(pid); at != line.npos) line.replace(at, pid.size(), "(N");
    tree.push_back(line);
  }
  return tree;
}

absl::StatusOr<LaunchedChild> LaunchFrom(ForkServer& server, std::string_view name) {
  return server.Launch({.type = ProcessType::kIpcUnitTest,
                        .argv = {"idle"},
                        .way = name.empty() ? LaunchWay::kExec : LaunchWay::kFork,
                        .template_name = std::string(name)});
}

HOST_TEST(ProcessReport, HasEveryProcessBelowTheOneThatForkedIt) {
  const auto of_root = LaunchFrom(server, "root");
  const auto of_leaf = LaunchFrom(server, "leaf");
  const auto exec = LaunchFrom(server, "");
  ASSERT_TRUE(of_root.ok() && of_leaf.ok() && exec.ok()) << of_leaf.status() << exec.status();
  EXPECT_EQ(of_leaf->template_name, "leaf");
  EXPECT_EQ(exec->template_name, "");
  ASSERT_TRUE(server.SetPool("leaf", {.min = 1, .max = 2}).ok());
  ASSERT_TRUE(testing::DispatchUntil(
      server, [&] { return testing::StatusOf(server, "leaf").idle_blanks.size() == 1; }));
  const std::vector<ReportedChild> children = {
      Describe(*exec, ProcessType::kIpcUnitTest), Describe(*of_leaf, ProcessType::kIpcUnitTest),
      Describe(*of_root, ProcessType::kIpcUnitTest, "mine\x1b[2J")};
  const ProcessReport report = TakeProcessReport(server, children);
  EXPECT_THAT(
      Tree(report),
      ::testing::ElementsAre("Host (N)", ">Seed (N)", ">>Template root (N)", ">>>mine\\x1b[2J",
                             ">>>Template middle (N)", ">>>>Template leaf (N)",
                             ">>>>>Init of leaf (N)", ">>>>>Preallocated (N)",
                             ">>>>>IPC Unit Test (N)", ">>>>Template unused", ">IPC Unit Test (N)"))
      << ToTable(report);
  std::map<pid_t, int> seen;
  for (const ReportedProcess& process : report.processes) {
    if (process.pid <= 0) {
      EXPECT_FALSE(process.sample.stat.ok());
      continue;
    }
    EXPECT_EQ(++seen[process.pid], 1) << process.name;
    EXPECT_TRUE(process.sample.stat.ok()) << process.name << process.sample.stat.status();
    EXPECT_TRUE(process.sample.memory.ok()) << process.name << process.sample.memory.status();
  }
  EXPECT_THAT(report.processes[2].state, HasSubstr("serving"));
  EXPECT_THAT(report.processes[5].state, HasSubstr("1 blank of 1-2"));
  EXPECT_EQ(report.processes[9].state, "not started");
  EXPECT_EQ(report.processes[10].state, "by exec");
  EXPECT_GT(report.took_nanos, 0);
}

HOST_TEST(ProcessReport, LayoutsAreTreesOfTheirOwn) {
  // Launches go to those that serve in turn.
  std::vector<LaunchedChild> children;
  std::vector<ReportedChild> reported;
  ASSERT_TRUE(testing::DispatchUntil(server, [&] {
    for (const TemplateStatus& one : server.templates()) {
      if (one.name == kRootTemplate && one.state != TemplateStatus::State::kServing) return false;
    }
    return true;
  }));
  for (int i = 0; i < 2; ++i) {
    auto child = LaunchFrom(server, "root");
    ASSERT_TRUE(child.ok()) << child.status();
    reported.push_back(Describe(*child, ProcessType::kIpcUnitTest));
    children.push_back(*std::move(child));
  }
  const ProcessReport report = TakeProcessReport(server, reported);
  EXPECT_THAT(Tree(report), ::testing::ElementsAre(
                                "Host (N)", ">Seed (N)", ">>Template root (N)",
                                ">>>IPC Unit Test (N)", ">>>Template middle", ">>>>Template leaf",
                                ">>>>Template unused", ">Template root, layout 1 (N)",
                                ">>IPC Unit Test (N)", ">>Template middle, layout 1",
                                ">>>Template leaf, layout 1", ">>>Template unused, layout 1"));
}

HOST_TEST(ProcessReport, SecondOneHasProcessorShares) {
  const auto idle = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(idle.ok()) << idle.status();
  const std::vector<ReportedChild> one = {Describe(*idle, ProcessType::kIpcUnitTest)};
  const ProcessReport before = TakeProcessReport(server, one);
  for (const ReportedProcess& process : before.processes) EXPECT_FALSE(process.cpu_share);
  const auto spun = LaunchAndWait(server, {"spin"});
  ASSERT_TRUE(spun.ok()) << spun.status();
  const std::vector<ReportedChild> both = {one[0], Describe(*spun, ProcessType::kIpcUnitTest)};
  const ProcessReport after = TakeProcessReport(server, both, &before);
  for (const ReportedProcess& process : after.processes) {
    // A new one has none yet.
    EXPECT_EQ(process.cpu_share.has_value(), process.pid > 0 && process.pid != spun->process.pid())
        << process.name;
  }
}

// Its pid may be anybody's by then.
HOST_TEST(ProcessReport, ProcessThatIsNotOursAnyMoreHasNoFigures) {
  const std::vector<ReportedChild> children = {{.pid = 1, .type = ProcessType::kIpcUnitTest}};
  const ProcessReport report = TakeProcessReport(server, children);
  const ReportedProcess& last = report.processes.back();
  EXPECT_EQ(last.pid, 1);
  EXPECT_EQ(last.sample.stat.status().message(), "pid 1: has ended, and is another process's now");
  EXPECT_FALSE(last.sample.memory.ok());
}

HOST_TEST(ProcessReport, ChildThatEndsBetweenTwoIsSaidToHave) {
  auto child = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(child.ok()) << child.status();
  const std::vector<ReportedChild> children = {Describe(*child, ProcessType::kIpcUnitTest)};
  const ProcessReport before = TakeProcessReport(server, children);
  const auto find = [&](const ProcessReport& report) -> const ReportedProcess& {
    for (const ReportedProcess& one : report.processes) {
      if (one.pid == child->process.pid()) return one;
    }
    return report.processes.front();
  };
  EXPECT_TRUE(find(before).sample.memory.ok());
  ASSERT_TRUE(child->process.Signal(SIGKILL).ok());
  ASSERT_TRUE(child->process.Wait().ok());
  const ProcessReport after = TakeProcessReport(server, children, &before);
  EXPECT_FALSE(find(after).sample.stat.ok());
  EXPECT_FALSE(find(after).cpu_share.has_value());
  EXPECT_THAT(ToTable(after),
              HasSubstr(absl::StrFormat("- open /proc/%d: ENOENT", child->process.pid())));
}

}  // namespace
}  // namespace forkserver
