// What an observer is told, by a host that has a root and a template "page" with a pool.
#include "forkserver/host/launch_observer.h"

#include <errno.h>
#include <signal.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "child/process_types.h"
#include "forkserver/host/launch_failure.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

// One line for each call. Ends may be told beside the rest.
class Notebook : public LaunchObserver {
 public:
  void OnLaunchBegun(const LaunchBegun& launch) override {
    EXPECT_LE(launch.requested_at, NowNanos());
    last_begun_ = launch.id;
    Write("begun");
  }
  void OnLaunchReady(const LaunchReady& launch) override {
    EXPECT_EQ(launch.id, last_begun_);
    EXPECT_TRUE(launch.type == ProcessType::kIpcUnitTest || launch.type == ProcessType::kUtility);
    EXPECT_GT(launch.times.ready_received_at, launch.times.requested_at);
    last_pid = launch.pid;
    last_template_pid = launch.origin.template_pid;
    Write("ready by " + Origin(launch.origin));
  }
  void OnLaunchFailed(const LaunchFailed& launch) override {
    EXPECT_EQ(launch.id, last_begun_);
    EXPECT_GE(launch.failed_at, launch.requested_at);
    const std::optional<LaunchFailure> failure = GetLaunchFailure(launch.why);
    Write(absl::StrFormat(
        "failed by %s: %s, %s", Origin(launch.origin),
        failure ? absl::StrFormat("%s %d", LaunchStepName(failure->step), failure->error)
                : std::string(absl::StatusCodeToString(launch.why.code())),
        launch.pid ? "reaped" : "no child"));
    EXPECT_EQ(launch.pid.has_value(), launch.status.has_value());
  }
  void OnProcessEnded(const ProcessEnded& process) override {
    EXPECT_LE(process.seen_at, NowNanos());
    if (process.type == ProcessType::kForkServer) {
      EXPECT_EQ(process.launch_id, 0u);
      return Write(
          absl::StrFormat("end of %s: %s", process.template_name, process.status.ToString()));
    }
    EXPECT_EQ(process.launch_id, last_begun_);
    EXPECT_EQ(process.pid, last_pid);
    Write("end: " + process.status.ToString());
  }
  void OnTemplateEvent(const TemplateEvent& event) override {
    static constexpr const char* kKinds[] = {"starting", "serving", "died",
                                             "given up", "evicted", "ending"};
    EXPECT_EQ(event.hello != nullptr, event.kind == TemplateEvent::Kind::kServing);
    EXPECT_EQ(event.why.ok(), event.kind != TemplateEvent::Kind::kDied);
    if (event.hello != nullptr) {
      EXPECT_TRUE(event.pid.has_value());
      EXPECT_LE(event.hello->serving_at, event.at);
    }
    Write(absl::StrFormat("%s %s (start %d)", event.name, kKinds[static_cast<int>(event.kind)],
                          event.starts));
  }

  // What has been written since the last time.
  std::vector<std::string> Read() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(lines_, {});
  }
  bool Has(const std::string& line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const std::string& one : lines_) {
      if (one == line) return true;
    }
    return false;
  }

  pid_t last_pid = 0;
  std::optional<pid_t> last_template_pid;

 private:
  static std::string Origin(const LaunchOrigin& origin) {
    if (!origin.by) return "nobody";
    if (*origin.by == LaunchedBy::kExec) return "exec" + std::string(origin.template_name);
    return absl::StrFormat("%s of %s", *origin.by == LaunchedBy::kPool ? "pool" : "fork",
                           origin.template_name);
  }
  void Write(std::string line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back(std::move(line));
  }

  uint64_t last_begun_ = 0;
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

std::shared_ptr<Notebook> notebook;

LaunchOptions From(std::string_view name, std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .way = LaunchWay::kFork,
          .when_template_dies = WhenTemplateDies::kFail,
          .template_name = std::string(name)};
}

using Lines = std::vector<std::string>;

HOST_TEST(LaunchObserver, IsToldOfAForkAndItsEnd) {
  EXPECT_EQ(notebook->Read(), (Lines{"root starting (start 1)", "root serving (start 1)"}));
  absl::StatusOr<LaunchedChild> child = server.Launch(From("root", {"exit", "3"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(notebook->last_pid, child->process.pid());
  EXPECT_EQ(notebook->last_template_pid, server.root_pid());
  EXPECT_EQ(notebook->Read(), (Lines{"begun", "ready by fork of root"}));
  ASSERT_TRUE(child->process.Wait().ok());
  ASSERT_TRUE(child->process.Wait().ok());
  EXPECT_EQ(notebook->Read(), (Lines{"end: exited with status 3"}));
}

HOST_TEST(LaunchObserver, IsToldOfTheEndOfAChildThatIsDestroyedOrReapedByTheLoop) {
  LaunchOptions options = From("root", {"wait"});
  options.way = LaunchWay::kExec;
  ASSERT_TRUE(server.Launch(options).ok());
  notebook->Read();
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(notebook->Read(), (Lines{"begun", "ready by exec"}));
  EXPECT_FALSE(notebook->last_template_pid.has_value());
  { const LaunchedChild destroyed = *std::move(child); }
  EXPECT_EQ(notebook->Read(), (Lines{"end: killed by SIGKILL"}));
  child = server.Launch(From("root", {"exit", "4"}));
  ASSERT_TRUE(child.ok()) << child.status();
  bool is_reaped = false;
  server.ReapAsync(std::move(child->process),
                   [&](absl::StatusOr<ExitStatus>) { is_reaped = true; });
  EXPECT_TRUE(DispatchUntil(server, [&] { return is_reaped; }));
  EXPECT_EQ(notebook->Read(),
            (Lines{"begun", "ready by fork of root", "end: exited with status 4"}));
}

HOST_TEST(LaunchObserver, IsToldOfABlankOfATemplate) {
  ASSERT_TRUE(server.SetPool("page", {.min = 1, .max = 1}).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] { return !StatusOf(server, "page").idle_blanks.empty(); }));
  notebook->Read();
  LaunchOptions options = Pooled({"exit", "0"});
  options.template_name = "page";
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  EXPECT_EQ(notebook->Read(), (Lines{"begun", "ready by pool of page"}));
}

HOST_TEST(LaunchObserver, IsToldWhichStepOfALaunchFailed) {
  notebook->Read();
  LaunchOptions options = From("root", {"exit", "0"});
  options.working_directory = "/no/such/folder";
  ASSERT_FALSE(server.Launch(options).ok());
  EXPECT_EQ(notebook->Read(),
            (Lines{"begun", absl::StrFormat("failed by fork of root: working directory %d, reaped",
                                            ENOENT)}));
  ASSERT_FALSE(server.Launch(From("nobody", {})).ok());
  EXPECT_EQ(notebook->Read(), (Lines{"begun", "failed by nobody: NOT_FOUND, no child"}));
  options = From("root", {"exit", "0"});
  options.timeout = absl::ZeroDuration();
  ASSERT_FALSE(server.Launch(options).ok());
  EXPECT_EQ(notebook->Read(), (Lines{"begun", "failed by nobody: DEADLINE_EXCEEDED, no child"}));
}

HOST_TEST(LaunchObserver, IsToldOnceOfALaunchThatIsCancelled) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  notebook->Read();
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGSTOP).ok());
  absl::Status status;
  const LaunchId id = server.LaunchAsync(
      From("page", {"exit", "0"}),
      [&](const absl::StatusOr<LaunchedChild>& child) { status = child.status(); });
  server.Cancel(id);
  EXPECT_TRUE(DispatchUntil(server, [&] { return !status.ok(); }));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGCONT).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(notebook->Read(), (Lines{"begun", "failed by fork of page: CANCELLED, no child"}));
}

HOST_TEST(LaunchObserver, IsToldOfATemplatesDeathAndNextStart) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  EXPECT_EQ(notebook->Read(), (Lines{"root starting (start 1)", "root serving (start 1)",
                                     "page starting (start 1)", "page serving (start 1)"}));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  EXPECT_TRUE(
      DispatchUntil(server, [] { return notebook->Has("end of page: killed by SIGKILL"); }));
  EXPECT_EQ(notebook->Read(), (Lines{"page died (start 1)", "end of page: killed by SIGKILL"}));
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  EXPECT_EQ(notebook->Read(), (Lines{"page starting (start 2)", "page serving (start 2)"}));
  server.End();
  EXPECT_EQ(notebook->Read(),
            (Lines{"page ending (start 2)", "root ending (start 1)",
                   "end of page: exited with status 0", "end of root: exited with status 0"}));
}

}  // namespace

HostSetup SetUpHost(const std::string&) {
  notebook = std::make_shared<Notebook>();
  HostSetup setup = PoolHost();
  setup.options.templates = {{.name = "page"}};
  setup.options.observer = notebook;
  return setup;
}

}  // namespace forkserver::testing
