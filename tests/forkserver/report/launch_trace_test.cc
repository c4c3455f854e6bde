// Traces of a host that has a root and templates "page", with a warm-up, and "broken", whose start
// fails.
#include "forkserver/report/launch_trace.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tests/forkserver/report/read_trace.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/temporary_folder.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

std::shared_ptr<LaunchTrace> trace;

LaunchOptions By(LaunchWay way, std::vector<std::string> argv, std::string_view name = "root") {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .way = way,
          .when_template_dies = WhenTemplateDies::kFail,
          .template_name = std::string(name)};
}

// Opened and read by the body.
class Traced {
 public:
  Traced() { EXPECT_TRUE(trace->Open(path_).ok()); }
  // What a host that was killed now would leave.
  Trace SoFar() { return CheckTrace(ReadText(path_)); }
  Trace Whole() {
    EXPECT_TRUE(trace->Close().ok());
    const std::string text = ReadText(path_);
    EXPECT_TRUE(text.ends_with("\n]\n")) << text;
    return CheckTrace(text);
  }

 private:
  const TemporaryFolder folder_;
  const std::string path_ = folder_.path() + "/trace.json";
};

// What its child and the template did lies within it.
void ExpectWithin(const Slice& inner, const Slice& outer) {
  EXPECT_GE(inner.begin + 0.0015, outer.begin) << inner.name;
  EXPECT_LE(inner.end, outer.end + 0.0015) << inner.name;
}

bool IsAsleep(pid_t pid) {
  return absl::StrContains(ReadText("/proc/" + std::to_string(pid) + "/stat"), ") S ");
}

constexpr char kLaunch[] = "launch ipc-unit-test";

HOST_TEST(LaunchTrace, OfAForkShowsHostTemplateAndChildOnOneClock) {
  Traced traced;
  const double before = static_cast<double>(NowNanos()) / 1000;
  absl::StatusOr<LaunchedChild> child = server.Launch(By(LaunchWay::kFork, {"exit", "3"}));
  const double after = static_cast<double>(NowNanos()) / 1000;
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(child->process.Wait().ok());
  const Trace seen = traced.Whole();
  const pid_t pid = child->process.pid();
  EXPECT_EQ(seen.ProcessName(getpid()), "host test");
  EXPECT_EQ(seen.ProcessName(server.root_pid().value()), "template root");
  EXPECT_EQ(seen.ProcessName(pid), "ipc-unit-test");

  const Slice launch = seen.Find(getpid(), kLaunch);
  EXPECT_GE(launch.begin, before);
  EXPECT_LE(launch.end, after);
  EXPECT_EQ(launch.args.at("by"), "fork");
  EXPECT_EQ(launch.args.at("template"), "root");
  EXPECT_EQ(launch.args.at("child"), pid);
  // The phases are all of it, without a gap.
  double end = launch.begin;
  for (const char* name :
       {"to the template", "fork", "start of the child", "Plan", "Ready to the host"}) {
    const Slice phase = seen.Find(getpid(), name);
    ExpectWithin(phase, launch);
    EXPECT_NEAR(phase.begin, end, 0.0015) << name;
    end = phase.end;
  }
  EXPECT_NEAR(end, launch.end, 0.0015);
  ExpectWithin(seen.Find(server.root_pid().value(), "fork ipc-unit-test"), launch);
  ExpectWithin(seen.Find(pid, "start"), launch);
  const Slice plan = seen.Find(pid, "Plan");
  ExpectWithin(plan, launch);
  ExpectWithin(seen.Find(pid, "descriptors"), plan);
  const Slice program = seen.Find(pid, "program");
  EXPECT_NEAR(program.begin, plan.end, 0.0015);
  EXPECT_TRUE(program.has_ended);
  EXPECT_EQ(program.args.at("ended"), "exited with status 3");
}

HOST_TEST(LaunchTrace, OfAPooledLaunchShowsTheBlankThatWaited) {
  Traced traced;
  ASSERT_TRUE(server.Launch(Pooled({"exit", "0"})).ok());
  ASSERT_TRUE(ComesToHold(server, 1));
  // It is one from its fork on, and may not have run yet.
  const pid_t blank_pid = StatusOf(server, "root").idle_blanks.front();
  ASSERT_TRUE(DispatchUntil(server, [&] { return IsAsleep(blank_pid); }));
  absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(child->by, LaunchedBy::kPool);
  const pid_t pid = child->process.pid();
  const Trace seen = traced.Whole();
  const std::vector<Slice> launches = seen.All(getpid(), "launch utility");
  ASSERT_EQ(launches.size(), 2u);
  const Slice& launch = launches.back();
  EXPECT_EQ(launch.args.at("by"), "pool");
  EXPECT_EQ(launch.args.at("child"), pid);
  ExpectWithin(seen.Find(getpid(), "to the blank"), launch);
  ExpectWithin(seen.Find(pid, "Plan"), launch);
  const Slice blank = seen.Find(pid, "blank");
  EXPECT_LT(blank.begin, launch.begin);
  EXPECT_GE(blank.end, launch.begin);
  EXPECT_TRUE(seen.All(pid, "start").empty());
}

HOST_TEST(LaunchTrace, OfAnExecHasNoTemplate) {
  Traced traced;
  absl::StatusOr<LaunchedChild> child = server.Launch(By(LaunchWay::kExec, {"exit", "0"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const Trace seen = traced.Whole();
  const Slice launch = seen.Find(getpid(), kLaunch);
  EXPECT_EQ(launch.args.at("by"), "exec");
  EXPECT_FALSE(launch.args.contains("template"));
  ExpectWithin(seen.Find(getpid(), "exec"), launch);
  ExpectWithin(seen.Find(child->process.pid(), "Plan"), launch);
  EXPECT_TRUE(seen.All(server.root_pid().value(), "fork ipc-unit-test").empty());
}

HOST_TEST(LaunchTrace, OfAFailedLaunchSaysTheStepAndItsErrno) {
  Traced traced;
  LaunchOptions options = By(LaunchWay::kFork, {"exit", "0"});
  options.working_directory = "/no/such/folder";
  const absl::Status why = server.Launch(options).status();
  ASSERT_FALSE(why.ok());
  const Trace seen = traced.Whole();
  const Slice launch = seen.Find(getpid(), kLaunch);
  EXPECT_EQ(launch.args.at("failed"), std::string(why.message()));
  EXPECT_EQ(launch.args.at("step"), "working directory");
  EXPECT_EQ(launch.args.at("errno"), ENOENT);
  EXPECT_EQ(launch.args.at("error"), "ENOENT");
  EXPECT_TRUE(launch.args.contains("ended"));
  EXPECT_EQ(seen.Instants(getpid(), "failed").size(), 1u);
}

HOST_TEST(LaunchTrace, OfACancelledLaunchSaysSo) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  Traced traced;
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGSTOP).ok());
  absl::Status status;
  const LaunchId id = server.LaunchAsync(
      By(LaunchWay::kFork, {"exit", "0"}, "page"),
      [&](const absl::StatusOr<LaunchedChild>& child) { status = child.status(); });
  EXPECT_FALSE(traced.SoFar().Find(getpid(), kLaunch).has_ended);
  server.Cancel(id);
  EXPECT_TRUE(DispatchUntil(server, [&] { return !status.ok(); }));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGCONT).ok());
  EXPECT_EQ(traced.Whole().Find(getpid(), kLaunch).args.at("code"), "CANCELLED");
}

HOST_TEST(LaunchTrace, OfLaunchesAtOnceHasARowForEach) {
  Traced traced;
  const std::vector<LaunchOptions> many(8, By(LaunchWay::kExec, {"exit", "0"}));
  for (const auto& child : server.LaunchAll(many)) EXPECT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(server.Launch(many.front()).ok());
  const std::vector<Slice> launches = traced.Whole().All(getpid(), kLaunch);
  ASSERT_EQ(launches.size(), 9u);
  // The last one has the first row again.
  EXPECT_EQ(launches.back().tid, getpid());
}

HOST_TEST(LaunchTrace, OfATemplateShowsItsStartItsDeathAndItsNextStart) {
  Traced traced;
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const pid_t first = StatusOf(server, "page").pid.value();
  ASSERT_TRUE(SignalProcess(first, SIGKILL).ok());
  // Its end is told when it has been reaped.
  EXPECT_TRUE(
      DispatchUntil(server, [&] { return traced.SoFar().Find(first, "serving").has_ended; }));
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const pid_t second = StatusOf(server, "page").pid.value();
  server.End();
  const Trace seen = traced.Whole();
  // Of the root too, which started before there was a file.
  const Slice root = seen.Find(getpid(), "start template root");
  const std::vector<Slice> starts = seen.All(getpid(), "start template page");
  ASSERT_EQ(starts.size(), 2u);
  EXPECT_EQ(starts[0].args.at("template"), first);
  EXPECT_EQ(starts[1].args.at("template"), second);
  EXPECT_EQ(starts[1].args.at("start"), 2);
  EXPECT_LE(root.end, starts[0].begin);
  EXPECT_EQ(seen.ProcessName(first), "template page");
  const Slice start = seen.Find(first, "start");
  ExpectWithin(start, starts[0]);
  const Slice warm_up = seen.Find(first, "fonts");
  ExpectWithin(warm_up, start);
  EXPECT_EQ(warm_up.args.at("failed"), "no fonts");
  const Slice freeze = seen.Find(first, "freeze");
  ExpectWithin(freeze, start);
  EXPECT_GE(freeze.begin + 0.0015, warm_up.end);
  const Slice serving = seen.Find(first, "serving");
  EXPECT_EQ(serving.args.at("ended"), "killed by SIGKILL");
  ASSERT_EQ(seen.Instants(first, "died").size(), 1u);
  EXPECT_EQ(seen.Find(second, "serving").args.at("ended"), "exited with status 0");
  EXPECT_EQ(seen.Instants(second, "asked to end").size(), 1u);
}

HOST_TEST(LaunchTrace, OfATemplateThatDoesNotServeAndIsGivenUpSaysWhy) {
  Traced traced;
  ASSERT_FALSE(server.WaitUntilServing("broken").ok());
  const Trace seen = traced.Whole();
  const Slice start = seen.Find(getpid(), "start template broken");
  EXPECT_TRUE(start.has_ended);
  EXPECT_TRUE(start.args.contains("failed")) << start.args;
  EXPECT_EQ(seen.Instants(getpid(), "safe mode: template broken").size(), 1u);
}

HOST_TEST(LaunchTrace, ThatIsNotOpenedHasNoFileAndNoDescriptor) {
  const size_t before = CountOpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(server.Launch(By(LaunchWay::kFork, {"exit", "0"})).ok());
  }
  EXPECT_EQ(CountOpenDescriptors(), before);
  EXPECT_TRUE(trace->Close().ok());
}

// In numbers that no clock has: what it says took for ever lasts to the end of its start.
TEST(LaunchTrace, OfATemplateThatLiesOfItsTimesIsWithinItsStart) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/trace.json";
  LaunchTrace lied("test");
  ASSERT_TRUE(lied.Open(path).ok());
  LaunchObserver& observer = lied;
  HelloMessage hello;
  hello.started_at = 2 * kNanosPerSecond;
  hello.serving_at = 3 * kNanosPerSecond;
  WarmUpReport& warm_up = hello.warm_ups.emplace_back();
  warm_up.name = "endless";
  warm_up.started_at = 2 * kNanosPerSecond;
  warm_up.nanos = INT64_MAX;
  hello.freeze.started_at = INT64_MAX;
  hello.freeze.nanos = INT64_MAX;
  TemplateEvent event = {.kind = TemplateEvent::Kind::kStarting,
                         .name = "liar",
                         .parent = "",
                         .layout = 0,
                         .starts = 1,
                         .at = kNanosPerSecond,
                         .pid = 4711};
  observer.OnTemplateEvent(event);
  event.kind = TemplateEvent::Kind::kServing;
  event.at = 4 * kNanosPerSecond;
  event.hello = &hello;
  observer.OnTemplateEvent(event);
  ASSERT_TRUE(lied.Close().ok());
  const Trace seen = CheckTrace(ReadText(path));
  const Slice start = seen.Find(4711, "start");
  EXPECT_GT(start.end, start.begin);
  EXPECT_EQ(seen.Find(4711, "endless").begin, start.begin);
  EXPECT_EQ(seen.Find(4711, "endless").end, start.end);
  EXPECT_EQ(seen.Find(4711, "freeze").end, start.end);
}

HOST_TEST(LaunchTrace, OnAFullDiskCostsNoLaunchAndIsToldOnce) {
  ASSERT_TRUE(trace->Open("/dev/full").ok());
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<LaunchedChild> child = server.Launch(By(LaunchWay::kFork, {"exit", "5"}));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->process.Wait()->code, 5);
  }
  const absl::Status told = trace->Close();
  EXPECT_TRUE(absl::StrContains(told.message(), "write /dev/full: ENOSPC: ")) << told;
}

}  // namespace

HostSetup SetUpHost(const std::string& test) {
  trace = std::make_shared<LaunchTrace>("test");
  HostSetup setup = PoolHost();
  setup.options.templates = {
      {.name = "page", .warm_ups = {{"fonts", [] { return absl::NotFoundError("no fonts"); }}}},
      {.name = "broken", .warm_ups = {{"crash", [] {
                                         signal(SIGABRT, SIG_DFL);
                                         abort();
                                         return absl::OkStatus();
                                       }}}}};
  if (test.find("GivenUp") != test.npos) setup.options.restart.most_deaths = 1;
  setup.options.observer = trace;
  return setup;
}

}  // namespace forkserver::testing
