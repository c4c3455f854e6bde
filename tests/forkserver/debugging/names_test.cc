// The names of all processes and threads of a browser-like host are those of docs/debugging.md.
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "child/process_types.h"
#include "forkserver/model/program_thread.h"
#include "forkserver/report/crash_reporter.h"
#include "tests/testing/host_test.h"
#include "tests/testing/temporary_folder.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using Names = std::set<std::string>;

// Of each process that ends; it is kept until the host does.
std::unique_ptr<testing::TemporaryFolder> reports;
std::unique_ptr<CrashReporter> reporter;

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.driving = Driving::kOwnThread;
  setup.options.programs.push_back({ProcessType::kContent, MakeChildProgram<TestProgram>});
  setup.options.programs.push_back({ProcessType::kUtility, MakeChildProgram<TestProgram>});
  setup.options.templates = {{.name = "content",
                              .types = {ProcessType::kContent},
                              .sandbox = {.policy = SandboxPolicyId::kContent},
                              .start = TemplateStart::kAhead,
                              .pool = PoolBounds{.min = 2, .max = 2}},
                             {.name = "utility", .types = {ProcessType::kUtility}}};
  // Made in the host, before Start: it has no thread yet.
  setup.options.flight_recorder.on_end = [](FlightEnd end) {
    if (reporter != nullptr) reporter->on_end()(std::move(end));
  };
  return setup;
}

namespace {

std::string CommOf(const std::string& task) {
  std::string name;
  std::getline(std::ifstream(task + "/comm"), name);
  return name;
}

// Those of the tasks of one process, and of all that come of it.
void Collect(const std::string& process, const std::string& who, Names& names) {
  const std::string folder = process + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(opendir(folder.c_str()), closedir);
  if (tasks == nullptr) return;
  while (const dirent* task = readdir(tasks.get())) {
    if (task->d_name[0] == '.') continue;
    const std::string path = folder + "/" + task->d_name;
    const std::string name = CommOf(path);
    // The kernel's own, which io_uring makes; or it has just ended.
    if (!name.empty() && !absl::StartsWith(name, "iou-")) names.insert(who + name);
    std::ifstream children(path + "/children");
    for (pid_t pid; children >> pid;) {
      Collect("/proc/" + std::to_string(pid), "process ", names);
    }
  }
}

// The first column of the document's table, with the kinds of names written out for this host.
Names NamesOfTheDocument() {
  Names names;
  std::ifstream document("docs/debugging.md");
  for (std::string line; std::getline(document, line);) {
    if (!absl::StartsWith(line, "| process `") && !absl::StartsWith(line, "| thread `")) continue;
    const std::string kind = line.substr(2, line.find('`') - 2);
    const size_t begin = line.find('`') + 1;
    const std::string name = line.substr(begin, line.find('`', begin) - begin);
    if (name == "fs-TEMPLATE") {
      for (const char* const one : {"root", "content", "utility"}) names.insert(kind + "fs-" + one);
    } else if (name == "TYPE" && kind == "thread ") {
      names.insert("thread gpu");
    } else if (name == "TYPE") {
      for (const char* const one : {"content", "utility"}) names.insert(kind + one);
    } else {
      names.insert(kind + name);
    }
  }
  return names;
}

HOST_TEST(Names, AreThoseOfTheDocument) {
  // What the table has besides: threads of microseconds, and a process of the launcher's.
  const Names elsewhere = {"thread close-strangers", "process signal-witness"};
  reports = std::make_unique<testing::TemporaryFolder>();
  reporter =
      std::make_unique<CrashReporter>(CrashReporterOptions{.folder = {.path = reports->path()}});
  Names expected = NamesOfTheDocument();
  for (const std::string& name : elsewhere) EXPECT_EQ(expected.erase(name), 1u) << name;
  expected.insert("thread " + CommOf("/proc/self"));

  // Of each way, and one that gives the reporter something to do.
  const auto content = server.Launch({.type = ProcessType::kContent, .argv = {"wait"}});
  const auto utility = server.Launch({.type = ProcessType::kUtility, .argv = {"wait"}});
  const auto execed =
      server.Launch({.type = ProcessType::kContent, .argv = {"wait"}, .way = LaunchWay::kExec});
  auto crashing =
      server.Launch({.type = ProcessType::kUtility, .argv = {"raise", std::to_string(SIGSEGV)}});
  ASSERT_TRUE(content.ok() && utility.ok() && execed.ok() && crashing.ok());
  EXPECT_TRUE(crashing->process.Wait().ok());
  auto gpu = ProgramThread::Start({.type = ProcessType::kGpu,
                                   .program = MakeChildProgram<testing::TestProgram>,
                                   .argv = {"wait"}});
  ASSERT_TRUE(gpu.ok()) << gpu.status();

  Names names;
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  do {
    sched_yield();
    names.clear();
    Collect("/proc/self", "thread ", names);
  } while (names != expected && NowNanos() < deadline);
  EXPECT_EQ(absl::StrJoin(names, "\n"), absl::StrJoin(expected, "\n"));
  (*gpu)->HangUp();
  (*gpu)->Join();
  gpu->reset();
  reporter.reset();
  reports.reset();
}

}  // namespace
}  // namespace forkserver
