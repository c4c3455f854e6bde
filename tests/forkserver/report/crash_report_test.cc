// What is reported of a process that dies: of each way to crash, from each sandbox, in each phase.
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "forkserver/report/crash_reporter.h"
#include "tests/forkserver/report/crash_program.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::HostSetup;
using ::testing::Not;
using Json = nlohmann::json;

// Of this host: made before Start, and there to its end. The reporter makes the folder, in no
// process that comes of the host.
struct Reports {
  Reports() = default;
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;
  ~Reports() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  const std::string folder = absl::StrCat(std::filesystem::temp_directory_path().string(),
                                          "/forkserver-reports-", getpid());
  std::mutex mutex;
  std::vector<std::string> paths;
  CrashReporter reporter{
      {.folder = {.path = folder},
       .on_report = [this](const CrashReport&, const absl::StatusOr<std::string>& path) {
         const std::lock_guard<std::mutex> lock(mutex);
         paths.push_back(path.ok() ? *path : std::string(path.status().message()));
       }}};

  static Reports& Get() {
    static Reports reports;
    return reports;
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
  setup.options.flight_recorder = {.on_end = Reports::Get().reporter.on_end(),
                                   .memory_every = absl::Milliseconds(10)};
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
    EXPECT_TRUE(report.contains("crash")) << report.dump(2);
    if (!report.contains("crash")) continue;
    EXPECT_EQ(report["crash"]["signal"], one.signal);
    EXPECT_THAT(Functions(report), Contains(one.function));
  }
}

HOST_TEST(CrashReport, OfABrokenStackPointerHasTheSignalAndOneFrame) {
  EXPECT_EQ(EndOf(server, CrashBy("twice", "plain")).ToString(), "killed by SIGSEGV");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(Functions(report).at(0), "CrashTwice");
  EXPECT_EQ(report["crash"]["recorded"], "whole");
}

HOST_TEST(CrashReport, HasWhatAFailedCheckOrAnExceptionSaid) {
  const std::pair<const char*, const char*> kReasons[] = {
      {"exception", "uncaught exception St13runtime_error: seven is not eight"},
      {"check", "Assertion `zero == 8' failed."},
      {"reason", "index 7 of 3"}};
  for (const auto& [way, reason] : kReasons) {
    Reports::Get().paths.clear();
    EndOf(server, CrashBy(way, "plain"));
    EXPECT_THAT(Reports::Get().OnlyJson()["reason"].get<std::string>(), HasSubstr(reason));
  }
}

HOST_TEST(CrashReport, ComesOutOfTheStrictestSandbox) {
  for (const char* way : {"segv", "null", "overflow", "ill"}) {
    SCOPED_TRACE(way);
    Reports::Get().paths.clear();
    EXPECT_EQ(EndOf(server, CrashBy(way, "computing")).kind, ExitStatus::Kind::kKilled);
    const Json report = Reports::Get().OnlyJson();
    EXPECT_EQ(report["kind"], "crash");
    EXPECT_THAT(Functions(report), Contains(HasSubstr("CrashBy")));
  }
}

// Which lets it send itself no signal, so that abort(3) ends by an instruction that is not allowed.
HOST_TEST(CrashReport, OfAnAbortInTheStrictestSandboxNamesAbortAndItsReason) {
  EndOf(server, CrashBy("reason", "computing"));
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["reason"], "index 7 of 3");
  EXPECT_THAT(Functions(report), Contains("abort"));
  EXPECT_THAT(Functions(report), Contains("CrashByReason"));
}

HOST_TEST(CrashReport, OfASandboxedChildSaysWhatWasRefusedToItJustBefore) {
  EndOf(server, CrashBy("refused", "content"));
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["kind"], "crash");
  ASSERT_EQ(report["sandbox_refusals"].size(), 1u) << report.dump(2);
  EXPECT_THAT(report["sandbox_refusals"][0]["call"].get<std::string>(), HasSubstr("/etc/passwd"));
  EXPECT_LT(report["sandbox_refusals"][0]["seconds_before"], 1);
}

HOST_TEST(CrashReport, OfAnExecedChildNamesItsFunctionToo) {
  LaunchOptions options = CrashBy("segv");
  options.way = LaunchWay::kExec;
  EndOf(server, options);
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["launched_by"], "exec");
  EXPECT_EQ(Functions(report).at(0), "CrashBySegv");
}

// The third of /proc/PID/stat, behind a name that has no space: it waits for something.
bool Sleeps(pid_t pid) {
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  std::string number, name, state;
  return stat >> number >> name >> state && state == "S";
}

// One that waits for its Plan.
pid_t WaitForABlank(ForkServer& server) {
  EXPECT_EQ(server.SetPool("plain", {.min = 1, .max = 1}), absl::OkStatus());
  std::vector<pid_t> blanks;
  EXPECT_TRUE(testing::DispatchUntil(server, [&] {
    blanks = testing::StatusOf(server, "plain").idle_blanks;
    return !blanks.empty() && Sleeps(blanks[0]);
  }));
  return blanks.empty() ? 0 : blanks[0];
}

HOST_TEST(CrashReport, OfAChildThatIsNotReadySaysWhereItsLaunchWas) {
  const pid_t blank = WaitForABlank(server);
  ASSERT_EQ(testing::SignalProcess(blank, SIGSEGV), absl::OkStatus());
  ASSERT_TRUE(testing::DispatchUntil(server, [&] {
    return server.in_flight() == 0 && Reports::Get().reporter.counts().written > 0;
  }));
  const Json report = Reports::Get().OnlyJson();
  ASSERT_EQ(report["kind"], "crash") << report.dump(2);
  EXPECT_EQ(report["pid"], blank);
  EXPECT_EQ(report["role"], "blank of template 'plain'");
  EXPECT_FALSE(report["was_ready"]);
  EXPECT_EQ(report["crash"]["code_name"], "SI_USER");
  EXPECT_THAT(Functions(report), Contains("RunChild"));
}

HOST_TEST(CrashReport, OfATemplateAndOfTheSeedNamesThem) {
  const struct {
    const char* role;
    std::optional<pid_t> pid;
  } kServers[] = {{"root template", server.root_pid()}, {"seed", server.seed_pid()}};
  for (const auto& one : kServers) {
    SCOPED_TRACE(one.role);
    Reports::Get().paths.clear();
    ASSERT_EQ(testing::SignalProcess(one.pid, SIGABRT), absl::OkStatus());
    ASSERT_TRUE(testing::DispatchUntil(server, [&] {
      const std::lock_guard<std::mutex> lock(Reports::Get().mutex);
      return !Reports::Get().paths.empty();
    }));
    const Json report = Reports::Get().OnlyJson();
    EXPECT_EQ(report["role"], one.role);
    EXPECT_EQ(report["type"], "forkserver");
    EXPECT_EQ(report["crash"]["signal"], "SIGABRT");
    EXPECT_THAT(Functions(report), Contains("FreezeAndServe"));
  }
}

HOST_TEST(CrashReport, OfAnAbortWithAllSignalsBlockedIsWholeAndOfSigabrt) {
  EXPECT_EQ(EndOf(server, CrashBy("blocked abort", "plain")).ToString(), "killed by SIGABRT");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["crash"]["recorded"], "whole");
  EXPECT_THAT(Functions(report), Contains("CrashByAbort"));
}

HOST_TEST(CrashReport, OfAProgramWhoseOwnHandlerCallsTheOneBeforeIsWhole) {
  EXPECT_EQ(EndOf(server, CrashBy("chained", "plain")).ToString(), "killed by SIGSEGV");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["crash"]["recorded"], "whole");
  EXPECT_EQ(Functions(report).at(0), "CrashBySegv");
}

// Whose parent's record is not theirs: they die as they would without one, and write nowhere.
HOST_TEST(CrashReport, OfAChildsOwnChildrenThereIsNone) {
  for (const char* way : {"fork", "raw fork"}) {
    SCOPED_TRACE(way);
    EXPECT_EQ(EndOf(server, CrashBy(way, "plain")).code, 100 + SIGABRT);
  }
  EXPECT_EQ(EndOf(server, CrashBy("fork over record", "plain")).ToString(), "exited with status 0");
  EXPECT_EQ(Reports::Get().reporter.Flush(), absl::OkStatus());
  EXPECT_EQ(Reports::Get().reporter.counts().written, 0u);
}

HOST_TEST(CrashReport, OfAChildThatBorrowsTheMemoryIsNotItsParents) {
  EndOf(server, CrashBy("vfork", "plain"));
  const Json killed = Reports::Get().OnlyJson();
  EXPECT_EQ(killed["kind"], "killed");
  EXPECT_FALSE(killed.contains("crash"));
  Reports::Get().paths.clear();
  EndOf(server, CrashBy("vfork then fpe", "plain"));
  const Json crashed = Reports::Get().OnlyJson();
  EXPECT_EQ(crashed["crash"]["signal"], "SIGFPE");
  EXPECT_EQ(Functions(crashed).at(0), "CrashByFpe");
}

// The last: abort(3), which may send no signal there, ends by an instruction that is not allowed.
HOST_TEST(CrashReport, WithoutAStackSaysWhyAndIsACrash) {
  const std::pair<const char*, const char*> kWays[] = {
      {"bare stack", "plain"}, {"blocked", "plain"}, {"blocked abort", "computing"}};
  for (const auto& [way, template_name] : kWays) {
    SCOPED_TRACE(way);
    Reports::Get().paths.clear();
    EXPECT_EQ(EndOf(server, CrashBy(way, template_name)).ToString(), "killed by SIGSEGV");
    const Json report = Reports::Get().OnlyJson();
    EXPECT_EQ(report["kind"], "crash");
    EXPECT_EQ(report["cause"], "SIGSEGV");
    EXPECT_FALSE(report.contains("crash"));
    EXPECT_THAT(report.value("why_no_stack", ""), HasSubstr("its handler did not run"));
  }
}

HOST_TEST(CrashReport, WithoutAStackForWantOfMemorySaysWhichCallFailed) {
  EndOf(server, CrashBy("stack without memory", "plain"));
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["kind"], "crash");
  EXPECT_EQ(report.value("why_no_stack", ""), "mmap of the crash handler's stack: ENOMEM");
}

HOST_TEST(CrashReport, OfAThreadsOverflowInASandboxNamesItsFunction) {
  EndOf(server, CrashBy("stack", "content"));
  const Json report = Reports::Get().OnlyJson();
  ASSERT_TRUE(report.contains("crash")) << report.dump(2);
  EXPECT_THAT(Functions(report), Contains("CrashByOverflow"));
  EXPECT_EQ(report["crash"]["thread_name"], "second");
}

HOST_TEST(CrashReport, UnderAFilterThatTrapsTheHandlersCallsIsWhole) {
  EXPECT_EQ(EndOf(server, CrashBy("trapped", "plain")).ToString(), "killed by SIGSEGV");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["cause"], "SIGSEGV (SEGV_MAPERR, address not mapped) at 0x10");
  EXPECT_EQ(report["crash"]["recorded"], "whole");
  EXPECT_EQ(Functions(report).at(0), "CrashBySegv");
}

HOST_TEST(CrashReport, UnderSuchAFilterHasItsReason) {
  EXPECT_EQ(EndOf(server, CrashBy("trapped reason", "plain")).ToString(), "killed by SIGILL");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["crash"]["signal"], "SIGILL");
  EXPECT_EQ(report["reason"], "index 7 of 3");
}

HOST_TEST(CrashReport, OfManyThreadsAtOnceIsOfOneAndWhole) {
  for (int i = 0; i < 20; ++i) {
    Reports::Get().paths.clear();
    EndOf(server, CrashBy("many", "plain"));
    const Json report = Reports::Get().OnlyJson();
    EXPECT_EQ(report["crash"]["recorded"], "whole");
    EXPECT_THAT(Functions(report), Contains(AnyOf("CrashBySegv", "CrashByAbort")));
  }
}

HOST_TEST(DeathReport, OfASignalThatCouldNotBeSentIsNotTheHosts) {
  absl::StatusOr<LaunchedChild> child = server.Launch(CrashBy("wait", "plain"));
  ASSERT_TRUE(child.ok()) << child.status();
  for (const int none : {-1, 0, 65, 1 << 20}) child->process.Signal(none).IgnoreError();
  // One that a shift by -1 would take for sent.
  ASSERT_EQ(testing::SignalProcess(child->process.pid(), 63), absl::OkStatus());
  EXPECT_EQ(child->process.Wait()->code, 63);
  EXPECT_EQ(Reports::Get().OnlyJson()["kind"], "killed");
}

HOST_TEST(DeathReport, OfTheLastSignalThatTheHostSentThereIsNone) {
  absl::StatusOr<LaunchedChild> child = server.Launch(CrashBy("wait", "plain"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(child->process.Signal(SIGRTMAX), absl::OkStatus());
  EXPECT_EQ(child->process.Wait()->code, SIGRTMAX);
  EXPECT_EQ(Reports::Get().reporter.Flush(), absl::OkStatus());
  EXPECT_EQ(Reports::Get().reporter.counts().written, 0u);
}

HOST_TEST(DeathReport, OfAKillThatTheHostDidNotSendHasTheLastMemory) {
  absl::StatusOr<LaunchedChild> child = server.Launch(CrashBy("wait", "plain"));
  ASSERT_TRUE(child.ok()) << child.status();
  child->flight->Annotate("remote type", "web");
  // The loop's timer looks at it.
  const int64_t enough = NowNanos() + 100 * kNanosPerMilli;
  ASSERT_TRUE(testing::DispatchUntil(server, [&] { return NowNanos() > enough; }));
  ASSERT_EQ(testing::SignalProcess(child->process.pid(), SIGKILL), absl::OkStatus());
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["kind"], "killed");
  EXPECT_FALSE(report.contains("crash"));
  EXPECT_GT(report["memory"]["resident_kib"], 100);
  EXPECT_EQ(report["annotations"]["remote type"], "web");
  EXPECT_EQ(report["own_annotations"]["way"], "wait");
}

HOST_TEST(DeathReport, OfAKillThatTheHostSentThereIsNone) {
  {
    absl::StatusOr<LaunchedChild> child = server.Launch(CrashBy("wait", "plain"));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_EQ(child->process.Signal(SIGKILL), absl::OkStatus());
    child->process.Wait().IgnoreError();
  }
  {
    // Killed by its Process.
    absl::StatusOr<LaunchedChild> child = server.Launch(CrashBy("wait", "plain"));
    ASSERT_TRUE(child.ok()) << child.status();
  }
  {
    absl::StatusOr<LaunchedChild> child = server.Launch(CrashBy("wait", "plain"));
    ASSERT_TRUE(child.ok()) << child.status();
    child->socket.reset();
    EXPECT_EQ(child->process.Wait()->ToString(), "exited with status 0");
  }
  EXPECT_EQ(Reports::Get().reporter.Flush(), absl::OkStatus());
  EXPECT_EQ(Reports::Get().reporter.counts().written, 0u);
}

HOST_TEST(DeathReport, OfALaunchThatMissedItsDeadlineSaysWhichAndAtWhichStep) {
  const pid_t blank = WaitForABlank(server);
  ASSERT_EQ(testing::SignalProcess(blank, SIGSTOP), absl::OkStatus());
  LaunchOptions options = CrashBy("wait", "plain");
  options.timeout = absl::Milliseconds(100);
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.Launch(options).status()));
  const Json report = Reports::Get().OnlyJson();
  EXPECT_EQ(report["kind"], "missed deadline");
  EXPECT_EQ(report["pid"], blank);
  EXPECT_EQ(report["missed_deadline"], "launch of utility: not Ready after 100ms");
  EXPECT_EQ(report["step"], "none");
  EXPECT_FALSE(report.contains("crash"));
}

}  // namespace
}  // namespace forkserver
