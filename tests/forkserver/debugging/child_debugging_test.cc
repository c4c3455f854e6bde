// What becomes of launches whose type a debugger is wanted for, and of others beside them.
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::StatusOf;

constexpr int kLongPause = 3000;  // seconds, more than any test has

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions(), .body_starts_broker = true};
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  setup.options.programs.push_back({ProcessType::kUtility, MakeChildProgram<TestProgram>});
  setup.options.templates = {
      {.name = "page",
       .types = {ProcessType::kUtility},
       .start = TemplateStart::kAhead,
       .pool = PoolBounds{.min = 2, .max = 3}},
      {.name = "boxed", .sandbox = {.policy = SandboxPolicyId::kUtility}},
      {.name = "blind", .sandbox = {.policy = SandboxPolicyId::kComputeOnly}},
  };
  if (is("AmongOthers")) {
    setup.options.templates[0] = {.name = "page",
                                  .types = {ProcessType::kUtility, ProcessType::kIpcUnitTest},
                                  .start = TemplateStart::kAhead};
  }
  std::string pause = "1:ipc-unit-test";
  if (is("Tracer")) pause = absl::StrFormat("%d:ipc-unit-test", kLongPause);
  if (is("OtherTypes")) pause = absl::StrFormat("%d:gpu", kLongPause);
  if (is("NoPool")) pause = "0:utility";
  if (is("AllTypes")) {
    pause = "0";
    setup.wait_until_serving = false;
  }
  setup.before_start = [pause] { setenv("FORKSERVER_DEBUG_CHILD_PAUSE", pause.c_str(), 1); };
  return setup;
}

namespace {

// A stderr that can be read.
class Stderr {
 public:
  Stderr() : file_(memfd_create("stderr", MFD_CLOEXEC)) {}

  Stdio AsStdio() const { return Stdio::Descriptor(file_.get()); }
  std::string Text() const {
    char text[4096];
    const ssize_t size = pread(file_.get(), text, sizeof(text), 0);
    return std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
  }

 private:
  UniqueFd file_;
};

LaunchOptions Exit(const Stderr& errors, ProcessType type = ProcessType::kIpcUnitTest) {
  LaunchOptions options = {.type = type, .argv = {"exit", "7"}};
  options.stdio[STDERR_FILENO] = errors.AsStdio();
  return options;
}

std::string LineOf(const LaunchedChild& child, int seconds) {
  const pid_t pid = child.process.pid();
  const char* const sysroot = child.sandbox != nullptr ? "-iex 'set sysroot /' " : "";
  return absl::StrFormat("[ipc-unit-test] pid %d: waiting %d s for a debugger; gdb %s-p %d\n", pid,
                         seconds, sysroot, pid);
}

// Waits for its end: how long after it was Ready.
absl::Duration LivedFor(LaunchedChild& child) {
  const absl::StatusOr<ExitStatus> status = child.process.Wait();
  EXPECT_TRUE(status.ok() && status->code == 7) << status.status();
  const int64_t ready_at = child.times.child.done_at[static_cast<size_t>(LaunchStep::kReady)];
  return absl::Nanoseconds(NowNanos() - ready_at);
}

HOST_TEST(ChildDebugging, AChildSaysWhereItIsAndWaitsBeforeItsProgram) {
  const Stderr errors;
  auto child = server.Launch(Exit(errors));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_GE(LivedFor(*child), absl::Seconds(1));
  EXPECT_EQ(errors.Text(), LineOf(*child, 1));
}

HOST_TEST(ChildDebugging, ASandboxedOneToo) {
  for (const char* const name : {"boxed", "blind"}) {
    const Stderr errors;
    LaunchOptions options = Exit(errors);
    options.template_name = name;
    auto child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_NE(child->sandbox, nullptr) << name;
    EXPECT_GE(LivedFor(*child), absl::Seconds(1));
    EXPECT_EQ(errors.Text(), LineOf(*child, 1)) << name;
  }
  EXPECT_TRUE(server.refused_calls().empty());
}

HOST_TEST(ChildDebugging, ATracerEndsTheWait) {
  for (const char* const name : {"root", "boxed", "blind"}) {
    const Stderr errors;
    LaunchOptions options = Exit(errors);
    options.template_name = name;
    auto child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_EQ(ptrace(PTRACE_SEIZE, child->process.pid(), nullptr, nullptr), 0) << name;
    EXPECT_LT(LivedFor(*child), absl::Seconds(kLongPause));
    EXPECT_EQ(errors.Text(), LineOf(*child, kLongPause)) << name;
  }
}

HOST_TEST(ChildDebugging, WhateverItsLaunchWayItIsExeced) {
  for (const LaunchWay way :
       {LaunchWay::kAny, LaunchWay::kTemplate, LaunchWay::kFork, LaunchWay::kExec}) {
    const Stderr errors;
    LaunchOptions options = Exit(errors);
    options.way = way;
    const auto child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->by, LaunchedBy::kExec) << static_cast<int>(way);
  }
}

HOST_TEST(ChildDebugging, ItsLaunchHasNoDeadline) {
  const Stderr errors;
  LaunchOptions options = Exit(errors);
  options.timeout = absl::Nanoseconds(1);
  auto child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_TRUE(server.IsDebugged(ProcessType::kIpcUnitTest));
  EXPECT_FALSE(server.IsDebugged(ProcessType::kUtility));
  options.type = ProcessType::kUtility;
  options.way = LaunchWay::kExec;
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.Launch(options).status()));
}

HOST_TEST(ChildDebugging, OtherTypesAreForkedAndNeitherWaitNorSayAnything) {
  const Stderr errors;
  for (const ProcessType type : {ProcessType::kIpcUnitTest, ProcessType::kUtility}) {
    LaunchOptions options = Exit(errors, type);
    options.way = LaunchWay::kTemplate;
    auto child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_NE(child->by, LaunchedBy::kExec);
    EXPECT_LT(LivedFor(*child), absl::Seconds(kLongPause));
  }
  EXPECT_EQ(errors.Text(), "");
  EXPECT_TRUE(server.safe_mode().ok()) << server.safe_mode();
}

HOST_TEST(ChildDebugging, NoPoolIsKeptForThem) {
  const auto serving = server.WaitUntilServing("page");
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_TRUE(server.SetPool("page", {.min = 3, .max = 3}).ok());
  // One that has to be started first comes to have its blank.
  EXPECT_TRUE(server.SetPool("boxed", {.min = 1, .max = 1}).ok());
  EXPECT_TRUE(
      DispatchUntil(server, [&] { return !StatusOf(server, "boxed").idle_blanks.empty(); }));
  const Stderr errors;
  auto child = server.Launch(Exit(errors, ProcessType::kUtility));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  LivedFor(*child);
  // None is there, and none has been asked for.
  EXPECT_TRUE(StatusOf(server, "page").idle_blanks.empty());
  EXPECT_EQ(server.in_flight(), 0u);
}

HOST_TEST(ChildDebugging, NoPoolIsKeptForOneAmongOthersThatHaveNone) {
  const auto serving = server.WaitUntilServing("page");
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_TRUE(server.SetPool("boxed", {.min = 1, .max = 1}).ok());
  EXPECT_TRUE(
      DispatchUntil(server, [&] { return !StatusOf(server, "boxed").idle_blanks.empty(); }));
  EXPECT_TRUE(StatusOf(server, "page").idle_blanks.empty());
  EXPECT_EQ(server.in_flight(), 0u);
}

HOST_TEST(ChildDebugging, WhereAllTypesAreDebuggedThereIsNoTemplate) {
  EXPECT_EQ(server.safe_mode().message(),
            "safe mode: all its children are debugged, and no template is started");
  EXPECT_EQ(server.seed_pid(), std::nullopt);
  EXPECT_EQ(testing::CountChildren(), 0u);
  const Stderr errors;
  LaunchOptions options = Exit(errors);
  options.way = LaunchWay::kFork;
  auto child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_LT(LivedFor(*child), absl::Seconds(30));
  EXPECT_EQ(errors.Text(), LineOf(*child, 0));
}

}  // namespace
}  // namespace forkserver
