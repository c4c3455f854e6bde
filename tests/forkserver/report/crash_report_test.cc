// What is reported of a process that dies: of each way to crash, from each sandbox, in each phase.
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "forkserver/report/crash_reporter.h"
#include "tests/forkserver/report/crash_program.h"
#include "tests/testing/host_test.h"
#include "tests/testing/temporary_folder.h"

namespace forkserver {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::HostSetup;
using ::testing::Not;
using Json = nlohmann::json;

// Of this host: made before Start, and there to its end.
struct Reports {
  testing::TemporaryFolder folder;
  std::mutex mutex;
  std::vector<std::string> paths;
  CrashReporter reporter{
      {.folder = {.path = folder.path() + "/reports"},
       .on_report = [this](const CrashReport&, const absl::StatusOr<std::string>& path) {
         const std::lock_guard<std::mutex> lock(mutex);
         paths.push_back(path.ok() ? *path : std::string(path.status().message()));
       }}};

  static Reports& Get() {
    static Reports* const reports = new Reports;
    return *reports;
  }

  // The only one that there is, once all that has ended is written.
  std::string OnlyText() {
    EXPECT_EQ(reporter.Flush(), absl::OkStatus());
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_EQ(paths.size(), 1u);
    return paths.empty() ? "" : Read(paths[0]);
  }
  Json OnlyJson() {
    EXPECT_EQ(reporter.Flush(), absl::OkStatus());
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_EQ(paths.size(), 1u);
    if (paths.empty()) return Json::object();
    return Json::parse(Read(paths[0].substr(0, paths[0].size() - 4) + ".json"));
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(file.good()) << path;
    return text.str();
  }
};

// The names of its frames, without arguments and namespaces.
std::vector<std::string> Functions(const Json& report) {
  std::vector<std::string> names;
  for (const Json& frame : report["crash"]["frames"]) {
    std::string name =
        absl::StrReplaceAll(frame.value("function", ""), {{"(anonymous namespace)::", ""}});
    name = name.substr(0, name.find('('));
    if (const size_t colons = name.rfind("::"); colons != std::string::npos) {
      name = name.substr(colons + 2);
    }
    names.push_back(name);
  }
  return names;
}

LaunchOptions CrashBy(std::string way, std::string template_name = {}) {
  return {.type = ProcessType::kUtility,
          .argv = {std::move(way)},
          .template_name = std::move(template_name)};
}

ExitStatus EndOf(ForkServer& server, const LaunchOptions& options) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_TRUE(child.ok()) << child.status();
  if (!child.ok()) return {};
  const absl::StatusOr<ExitStatus> status = child->process.Wait(absl::Seconds(20));
  EXPECT_TRUE(status.ok()) << status.status();
  return status.value_or(ExitStatus());
}

}  // namespace

HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup;
  setup.options.programs = {{ProcessType::kUtility, MakeChildProgram<CrashProgram>}};
  setup.options.templates = {
      {.name = "plain"},
      {.name = "computing", .sandbox = {.policy = SandboxPolicyId::kComputeOnly}},
      {.name = "content", .sandbox = {.policy = SandboxPolicyId::kContent}}};
  setup.options.flight_recorder = {.on_end = Reports::Get().reporter.on_end()};
  return setup;
}

namespace {

HOST_TEST(CrashReport, OfAWildWriteNamesSignalAddressFunctionAndWhoItWas) {
  const ExitStatus status = EndOf(server, CrashBy("segv", "plain"));
  EXPECT_EQ(status.ToString(), "killed by SIGSEGV");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["kind"], "crash");
  EXPECT_EQ(report["cause"], "SIGSEGV (SEGV_MAPERR, address not mapped) at 0x10");
  EXPECT_EQ(report["type"], "utility");
  EXPECT_TRUE(report["was_ready"]);
  EXPECT_EQ(Functions(report).at(0), "CrashBySegv");
  EXPECT_THAT(Functions(report), Contains("Run"));
  EXPECT_EQ(report["own_annotations"]["way"], "segv");
  EXPECT_EQ(report["own_annotations"]["url"], "https://a.test/\\x0a2");
  EXPECT_FALSE(report["own_annotations"].contains("gone"));
  EXPECT_GT(report["memory"]["peak_resident_kib"], 100);
}

HOST_TEST(CrashReport, OfEachWayNamesItsFunction) {
  const struct {
    const char* way;
    const char* signal;
    const char* function;
  } kWays[] = {{"segv", "SIGSEGV", "CrashBySegv"},
               {"bus", "SIGBUS", "CrashByBus"},
               {"ill", "SIGILL", "CrashByIll"},
               {"fpe", "SIGFPE", "CrashByFpe"},
               {"abort", "SIGABRT", "CrashByAbort"},
               {"sys", "SIGSYS", "CrashBySys"},
               {"exception", "SIGABRT", "CrashByException"},
               {"check", "SIGABRT", "CrashByCheck"},
               {"reason", "SIGABRT", "CrashByReason"},
               {"overflow", "SIGSEGV", "CrashByOverflow"},
               {"null", "SIGSEGV", "CrashByNull"},
               {"thread", "SIGSEGV", "CrashBySegv"},
               {"stack", "SIGSEGV", "CrashByOverflow"}};
  for (const auto& one : kWays) {
    SCOPED_TRACE(one.way);
    Reports::Get().paths.clear();
    const ExitStatus status = EndOf(server, CrashBy(one.way, "plain"));
    EXPECT_EQ(status.ToString(), std::string("killed by ") + one.signal);
    const Json report = Reports::Get().OnlyJson();
    if (!report.contains("crash")) continue;
    EXPECT_EQ(report["crash"]["signal"], one.signal);
    EXPECT_THAT(Functions(report), Contains(one.function));
  }
}

}  // namespace
}  // namespace forkserver
