// What children have written to of their template's memory has the name that it had before the
// freeze.
#include "forkserver/report/dirtied_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "forkserver/report/process_json.h"
#include "forkserver/report/process_report.h"
#include "forkserver/report/template_memory.h"
#include "preload/freeze/frozen_memory.h"
#include "tests/forkserver/report/dirtying_program.h"
#include "tests/testing/host_test.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<DirtyingProgram>}};
  setup.options.warm_ups = {{"memory", WarmUpMemory}};
  setup.options.templates = {
      {.name = "nested", .pool = kNoPool},
      {.name = "sandboxed", .sandbox = {.policy = SandboxPolicyId::kUtility}, .pool = kNoPool}};
  if (test.find("ExecedRoot") != test.npos) setup.options.layouts = 2;
  if (test.find("NotFrozen") != test.npos) setup.options.freeze = FreezeMethod::kOff;
  return setup;
}

namespace {

using ::testing::HasSubstr;
using testing::LaunchAndWait;

constexpr uint64_t kPage = 4096;

DirtiedMemory Measure(pid_t of, const std::vector<pid_t>& children) {
  DirtiedMemory memory = MeasureDirtiedMemory(of, children);
  EXPECT_THAT(memory.missing, ::testing::IsEmpty());
  EXPECT_EQ(memory.children, children.size());
  return memory;
}

// Of all sections of a library together, where `section` is empty.
DirtiedRegion Find(const DirtiedMemory& memory, std::string_view of, std::string_view section) {
  for (const DirtiedRegion& one : memory.regions) {
    if (absl::StrContains(one.of, {of.data(), of.size()}) && one.section == section) return one;
  }
  return {};
}

uint64_t Pages(const DirtiedMemory& memory, std::string_view of, std::string_view section) {
  return Find(memory, of, section).dirtied_bytes / kPage;
}

// What a child that does `what` has more than an idle one, in pages.
struct More {
  uint64_t heap;
  uint64_t library;
  uint64_t unnamed;
};

More MoreThanIdle(ForkServer& server, pid_t of, std::string_view template_name,
                  std::vector<std::string> what) {
  const auto launch = [&](std::vector<std::string> argv) {
    return LaunchAndWait(server, std::move(argv), LaunchWay::kFork, template_name);
  };
  const auto idle = launch({"idle"});
  const auto busy = launch(std::move(what));
  EXPECT_TRUE(idle.ok() && busy.ok()) << idle.status() << busy.status();
  if (!idle.ok() || !busy.ok()) return {};
  const DirtiedMemory before = Measure(of, {idle->process.pid()});
  const DirtiedMemory after = Measure(of, {busy->process.pid()});
  const auto unnamed = [](const DirtiedMemory& memory) {
    uint64_t pages = 0;
    for (const DirtiedRegion& one : memory.regions) {
      if (one.of.empty()) pages += one.dirtied_bytes / kPage;
    }
    return pages;
  };
  return {.heap = Pages(after, "[heap]", "") - Pages(before, "[heap]", ""),
          .library =
              Pages(after, "dirtied_library", ".data") - Pages(before, "dirtied_library", ".data"),
          .unnamed = unnamed(after) - unnamed(before)};
}

HOST_TEST(DirtiedMemory, PagesOfTheHeapAreTheHeaps) {
  const More more = MoreThanIdle(server, *server.root_pid(), "root", {"heap", "40"});
  EXPECT_GE(more.heap, 39);
  EXPECT_LE(more.heap, 42);
  EXPECT_EQ(more.library, 0);
  EXPECT_LE(more.unnamed, 1);
}

HOST_TEST(DirtiedMemory, PagesOfALibraryAreItsDatas) {
  const More more = MoreThanIdle(server, *server.root_pid(), "root", {"library", "25"});
  EXPECT_GE(more.library, 24);
  EXPECT_LE(more.library, 26);
  EXPECT_LE(more.heap, 1);
  EXPECT_LE(more.unnamed, 1);
}

HOST_TEST(DirtiedMemory, MemoryOfTheChildsOwnIsNotTheTemplates) {
  const More more = MoreThanIdle(server, *server.root_pid(), "root", {"fresh", "500"});
  EXPECT_LE(more.heap + more.library + more.unnamed, 2);
}

// The names survive a second freeze, and a sandbox.
HOST_TEST(DirtiedMemory, NestedAndSandboxedTemplatesHaveTheNamesToo) {
  for (const std::string_view name : {"nested", "sandboxed"}) {
    ASSERT_TRUE(server.WaitUntilServing(name).ok());
    const pid_t of = *testing::StatusOf(server, name).pid;
    EXPECT_EQ(MoreThanIdle(server, of, name, {"library", "25"}).library, 25) << name;
    const More more = MoreThanIdle(server, of, name, {"heap", "40"});
    EXPECT_GE(more.heap, 39) << name;
    EXPECT_LE(more.heap, 42) << name;
  }
}

// Its addresses are none that the host has.
HOST_TEST(DirtiedMemory, ExecedRootHasTheNamesToo) {
  ASSERT_TRUE(testing::DispatchUntil(server, [&] {
    for (const TemplateStatus& one : server.templates()) {
      if (one.name == kRootTemplate && one.state != TemplateStatus::State::kServing) return false;
    }
    return true;
  }));
  std::vector<pid_t> roots;
  for (const TemplateStatus& one : server.templates()) {
    if (one.name == kRootTemplate) roots.push_back(*one.pid);
  }
  ASSERT_EQ(roots.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    const auto child = LaunchAndWait(server, {"library", "25"});
    ASSERT_TRUE(child.ok()) << child.status();
    const size_t layout = static_cast<size_t>(child->layout);
    const std::vector<pid_t> pids = {child->process.pid()};
    EXPECT_EQ(Pages(Measure(roots[layout], pids), "dirtied_library", ".data"), 25) << layout;
    // And the other root says that it is none of its children.
    const DirtiedMemory other = MeasureDirtiedMemory(roots[1 - layout], pids);
    EXPECT_EQ(other.children, 0u);
    EXPECT_THAT(other.missing, ::testing::ElementsAre(HasSubstr("is no child of this process")));
  }
}

HOST_TEST(DirtiedMemory, NotFrozenTemplateHasTheNamesToo) {
  const More more = MoreThanIdle(server, *server.root_pid(), "root", {"library", "25"});
  EXPECT_EQ(more.library, 25);
  EXPECT_LE(more.heap, 2);
}

HOST_TEST(DirtiedMemory, SaysWhichVariableHasChangedByHowMuch) {
  const auto child = LaunchAndWait(server, {"library", "25"});
  ASSERT_TRUE(child.ok()) << child.status();
  const DirtiedMemory memory = Measure(*server.root_pid(), {child->process.pid()});
  const DirtiedRegion region = Find(memory, "dirtied_library", ".data");
  EXPECT_EQ(region.compared_bytes, 25 * kPage);
  // One byte of each page.
  EXPECT_EQ(region.changed_bytes, 25u);
  ASSERT_EQ(region.variables.size(), 1u);
  EXPECT_EQ(region.variables[0].name, "dirtied_library_pages");
  EXPECT_EQ(region.variables[0].changed_bytes, 25u);
  EXPECT_THAT(ToText(memory, "Template root"),
              HasSubstr(absl::StrFormat("100K in 1   %s", region.Name())));
}

HOST_TEST(DirtiedMemory, PageThatWasWrittenWithWhatWasThereHasNoChange) {
  const auto idle = LaunchAndWait(server, {"idle"});
  const auto same = LaunchAndWait(server, {"same"});
  ASSERT_TRUE(idle.ok() && same.ok());
  const DirtiedRegion before =
      Find(Measure(*server.root_pid(), {idle->process.pid()}), "[heap]", "");
  const DirtiedRegion after =
      Find(Measure(*server.root_pid(), {same->process.pid()}), "[heap]", "");
  EXPECT_EQ(after.dirtied_bytes, before.dirtied_bytes + kPage);
  EXPECT_NEAR(static_cast<double>(after.changed_bytes), static_cast<double>(before.changed_bytes),
              200);
}

HOST_TEST(DirtiedMemory, AllChildrenAreAddedUp) {
  const auto one = LaunchAndWait(server, {"library", "25"});
  const auto other = LaunchAndWait(server, {"library", "10"});
  const auto idle = LaunchAndWait(server, {"idle"});
  ASSERT_TRUE(one.ok() && other.ok() && idle.ok());
  const DirtiedMemory memory =
      Measure(*server.root_pid(), {one->process.pid(), other->process.pid(), idle->process.pid()});
  const DirtiedRegion region = Find(memory, "dirtied_library", ".data");
  EXPECT_EQ(region.dirtied_bytes, 35 * kPage);
  EXPECT_EQ(region.children, 2u);
  uint64_t sum = 0;
  for (const DirtiedRegion& region : memory.regions) sum += region.dirtied_bytes;
  EXPECT_EQ(sum, memory.dirtied_bytes);
  EXPECT_TRUE(std::is_sorted(memory.regions.begin(), memory.regions.end(),
                             [](const DirtiedRegion& a, const DirtiedRegion& b) {
                               return a.dirtied_bytes > b.dirtied_bytes;
                             }));
}

HOST_TEST(DirtiedMemory, MemoryThatWasReplacedIsNotTheTemplates) {
  const auto child = LaunchAndWait(server, {"unmap"});
  ASSERT_TRUE(child.ok()) << child.status();
  const DirtiedMemory memory = Measure(*server.root_pid(), {child->process.pid()});
  EXPECT_EQ(memory.replaced_bytes, testing::kWarmPages * kPage);
  const More more = MoreThanIdle(server, *server.root_pid(), "root", {"unmap"});
  EXPECT_LE(more.unnamed, 1);
}

HOST_TEST(DirtiedMemory, ChildThatHasEndedIsLeftOutWithAWord) {
  auto child = LaunchAndWait(server, {"idle"});
  const auto other = LaunchAndWait(server, {"library", "10"});
  ASSERT_TRUE(child.ok() && other.ok());
  const pid_t pid = child->process.pid();
  ASSERT_TRUE(child->process.Signal(SIGKILL).ok());
  ASSERT_TRUE(child->process.Wait().ok());
  const std::vector<pid_t> both = {pid, other->process.pid()};
  const DirtiedMemory memory = MeasureDirtiedMemory(*server.root_pid(), both);
  EXPECT_EQ(memory.children, 1u);
  EXPECT_THAT(memory.missing,
              ::testing::ElementsAre(absl::StrFormat("pid %d: open /proc/%d: ENOENT", pid, pid)));
  EXPECT_EQ(Pages(memory, "dirtied_library", ".data"), 10);
  // And a template that is none.
  EXPECT_THAT(MeasureDirtiedMemory(pid, both).missing,
              ::testing::ElementsAre(absl::StrFormat("template: open /proc/%d: ENOENT", pid)));
}

// Whoever looks at a template does not make its forks dearer.
HOST_TEST(DirtiedMemory, MeasuringWritesNothingInTheTemplate) {
  const auto child = LaunchAndWait(server, {"heap", "40"});
  ASSERT_TRUE(child.ok()) << child.status();
  const auto before = MeasureFrozenMemory(*server.root_pid());
  Measure(*server.root_pid(), {child->process.pid()});
  const auto after = MeasureFrozenMemory(*server.root_pid());
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_GT(after->mappings, 0u);
  EXPECT_EQ(after->anonymous_bytes, before->anonymous_bytes) << after->written;
}

// Of the templates in a report, each with its own children.
HOST_TEST(DirtiedMemory, TemplatesOfAReportAreMeasuredWithTheirChildren) {
  const auto of_root = LaunchAndWait(server, {"library", "25"});
  const auto of_nested = LaunchAndWait(server, {"heap", "40"}, LaunchWay::kFork, "nested");
  const auto exec = LaunchAndWait(server, {"library", "25"}, LaunchWay::kExec);
  ASSERT_TRUE(of_root.ok() && of_nested.ok() && exec.ok());
  const std::vector<ReportedChild> children = {Describe(*of_root, ProcessType::kIpcUnitTest),
                                               Describe(*of_nested, ProcessType::kIpcUnitTest),
                                               Describe(*exec, ProcessType::kIpcUnitTest)};
  const ProcessReport report = TakeProcessReport(server, children);
  const std::vector<TemplateMemory> templates = MeasureTemplates(report);
  ASSERT_EQ(templates.size(), 2u);  // nobody was launched from the third
  EXPECT_THAT(templates[0].name, HasSubstr("root"));
  EXPECT_EQ(templates[0].memory.children, 1u);
  EXPECT_EQ(Pages(templates[0].memory, "dirtied_library", ".data"), 25);
  EXPECT_THAT(templates[1].name, HasSubstr("nested"));
  EXPECT_EQ(templates[1].memory.children, 1u);
  EXPECT_EQ(Pages(templates[1].memory, "dirtied_library", ".data"), 0);

  const nlohmann::json document = nlohmann::json::parse(ToJson(report, templates), nullptr, false);
  ASSERT_FALSE(document.is_discarded());
  const nlohmann::json& one = document["templates"][0];
  EXPECT_EQ(one["pid"], *server.root_pid());
  EXPECT_EQ(one["dirtied_bytes"], templates[0].memory.dirtied_bytes);
  bool is_there = false;
  for (const nlohmann::json& region : one["regions"]) {
    if (region["section"] != ".data" || region["dirtied_bytes"] != 25 * kPage) continue;
    is_there = true;
    EXPECT_EQ(region["variables"]["dirtied_library_pages"], 25);
  }
  EXPECT_TRUE(is_there) << one;
}

}  // namespace
}  // namespace forkserver
