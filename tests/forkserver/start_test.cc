// How a host starts: forked or exec'ed, warmed up or refused, with or without clone3.
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/server/build_id.h"
#include "tests/testing/host_test.h"
#include "tests/testing/lasting_thread.h"
#include "tests/testing/test_program.h"
#include "transceiver/errno_status.h"
#include "transceiver/frame.h"

namespace forkserver {
namespace {

std::vector<char>* warmed = nullptr;

void Forbid(int system_call, uint16_t error) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), system_call, 0);
  if (seccomp_load(filter) != 0) abort();
  seccomp_release(filter);
}

// Of all files the one that is opened in this way: the trigger of memory pressure.
void ForbidPressureFile(uint16_t error) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), SCMP_SYS(openat), 1,
                   SCMP_A2(SCMP_CMP_EQ, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (seccomp_load(filter) != 0) abort();
  seccomp_release(filter);
}

// What an old container engine's filter does.
void ForbidClone3() { Forbid(SCMP_SYS(clone3), ENOSYS); }

testing::HostSetup WithWarmUps(std::vector<WarmUp> warm_ups) {
  testing::HostSetup setup = {.options = testing::TestOptions()};
  setup.options.warm_ups = std::move(warm_ups);
  return setup;
}

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string& test) {
  if (test.find("WarmUps") != test.npos) {
    return WithWarmUps({{"heap of 8 MiB",
                         [] {
                           warmed = new std::vector<char>(8 << 20, 'w');
                           return absl::OkStatus();
                         }},
                        {"one that fails", [] { return absl::NotFoundError("no such font"); }},
                        {"an open file", [] {
                           return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0
                                      ? absl::OkStatus()
                                      : absl::InternalError("open");
                         }}});
  }
  if (test.find("ThreadLeftByAWarmUp") != test.npos) {
    HostSetup setup = WithWarmUps({{"careless", [] {
                                      testing::LeaveAThread("font-scanner");
                                      return absl::OkStatus();
                                    }}});
    setup.wait_until_serving = false;
    return setup;
  }
  if (test.find("CrashInAWarmUp") != test.npos) {
    HostSetup setup = WithWarmUps({{"crash", [] {
                                      raise(SIGSEGV);
                                      return absl::OkStatus();
                                    }}});
    setup.wait_until_serving = false;
    return setup;
  }
  HostSetup setup = {.options = TestOptions()};
  if (test.find("BeforeTheRoot") != test.npos || test.find("SeedKilled") != test.npos) {
    setup.wait_until_serving = false;
  }
  if (test.find("HostWithAThread") != test.npos) {
    setup.before_start = testing::LeaveAThreadInTheHost;
  }
  if (test.find("WithoutClone3") != test.npos) setup.before_start = ForbidClone3;
  if (test.find("RefusesRings") != test.npos) {
    setup.before_start = [] { Forbid(SCMP_SYS(io_uring_setup), EPERM); };
  }
  if (test.find("KnowsNoRings") != test.npos) {
    setup.before_start = [] { Forbid(SCMP_SYS(io_uring_setup), ENOSYS); };
  }
  if (test.find("RefusesToEnterRings") != test.npos) {
    setup.before_start = [] { Forbid(SCMP_SYS(io_uring_enter), EACCES); };
  }
  if (test.find("UnderMemoryPressure") != test.npos) {
    setup.options.under_memory_pressure = UnderPressure::kShrinkPools;
  }
  if (test.find("WithoutPressureFile") != test.npos) {
    setup.before_start = [] { ForbidPressureFile(ENOENT); };
  }
  if (test.find("RefusesExecs") != test.npos) {
    setup.before_start = [] { Forbid(SCMP_SYS(execveat), EACCES); };
  }
  if (test.find("RefusesFchdir") != test.npos) {
    setup.before_start = [] { Forbid(SCMP_SYS(fchdir), EPERM); };
  }
  if (test.find("RefusesMemfds") != test.npos) {
    setup.before_start = [] { Forbid(SCMP_SYS(memfd_create), EPERM); };
  }
  if (test.find("OverEpoll") != test.npos) setup.options.event_loop = EventLoop::Backend::kEpoll;
  return setup;
}

namespace {

using testing::Report;
using testing::ReportOf;

LaunchOptions Options(std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest, .argv = std::move(argv)};
}

HOST_TEST(Start, HelloSaysWhoTheRootIs) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(hello->protocol_version, kProtocolVersion);
  EXPECT_EQ(hello->build_id, ComputeBuildId());
  EXPECT_EQ(hello->pid, server.root_pid().value());
  EXPECT_EQ(hello->capabilities,
            uint32_t{kForksWithClone3 | kKeepsThreadIds | kSilentChildren | kHostsChildren});
  EXPECT_EQ(server.start_report().way, LaunchWay::kTemplate);
}

HOST_TEST(Start, SeedAndRootAreSilentChildrenOfTheHostWithNamesOfTheirOwn) {
  const auto name = [](pid_t pid) {
    std::ifstream file(absl::StrFormat("/proc/%d/comm", pid));
    std::string text;
    std::getline(file, text);
    return text;
  };
  EXPECT_EQ(name(server.seed_pid().value()), "fs-seed");
  EXPECT_EQ(name(server.root_pid().value()), "fs-root");
  EXPECT_EQ(testing::CountChildren(), 2u);
}

HOST_TEST(Start, WarmUpsAreTimedWeighedAndInheritedAndAFailedOneIsNamed) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok());
  ASSERT_EQ(hello->warm_ups.size(), 3u);
  EXPECT_EQ(hello->warm_ups[0].name, "heap of 8 MiB");
  EXPECT_GT(hello->warm_ups[0].nanos, 0);
  int64_t last = hello->started_at;
  for (const WarmUpReport& one : hello->warm_ups) {
    EXPECT_GE(one.started_at, last);
    last = one.started_at + one.nanos;
  }
  EXPECT_GE(hello->freeze.started_at, last);
  EXPECT_LE(hello->freeze.started_at + hello->freeze.nanos, hello->serving_at);
  EXPECT_NEAR(static_cast<double>(hello->warm_ups[0].anonymous_kib), 8192, 1024);
  EXPECT_EQ(hello->warm_ups[0].error, "");
  EXPECT_EQ(hello->warm_ups[1].error, "no such font");
  EXPECT_EQ(hello->warm_ups[2].descriptors, 1);
  EXPECT_EQ(warmed, nullptr);  // in the root, not here
  // What a warm-up left open is not the child's.
  const absl::StatusOr<LaunchedChild> child = server.Launch(Options({"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
}

HOST_TEST(Start, ThreadLeftByAWarmUpIsNamedAndNothingIsForkedFromIt) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_FALSE(hello.ok());
  EXPECT_NE(std::string(hello.status().message()).find("thread 'font-scanner' (tid "),
            std::string::npos)
      << hello.status();
  const std::optional<LaunchFailure> failure = GetLaunchFailure(hello.status());
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->step, LaunchStep::kSingleThread);
  LaunchOptions options = Options({"exit", "2"});
  options.way = LaunchWay::kTemplate;
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_NE(std::string(child.status().message()).find("font-scanner"), std::string::npos)
      << child.status();
  options.way = LaunchWay::kAny;
  absl::StatusOr<LaunchedChild> execed = server.Launch(options);
  ASSERT_TRUE(execed.ok()) << execed.status();
  EXPECT_EQ(execed->by, LaunchedBy::kExec);
  EXPECT_EQ(execed->process.Wait()->code, 2);
}

HOST_TEST(Start, CrashInAWarmUpIsAStatusAndNoHang) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_FALSE(hello.ok());
  EXPECT_NE(std::string(hello.status().message()).find("root template died"), std::string::npos)
      << hello.status();
}

HOST_TEST(Start, HostWithAThreadHasItsRootExecedAndTheReportNamesTheThread) {
  EXPECT_EQ(server.start_report().way, LaunchWay::kExec);
  EXPECT_NE(server.start_report().reason.find("thread 'early-bird' (tid "), std::string::npos)
      << server.start_report().reason;
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(hello->capabilities & kSilentChildren, 0u);
  EXPECT_FALSE(server.seed_pid().has_value());
  const absl::StatusOr<LaunchedChild> child = server.Launch(Options({"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->at("ppid"), std::to_string(getpid()));
  EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
}

// clone(2) in its place: the Hello says so, and the launch is the same.
HOST_TEST(Start, WithoutClone3ChildrenAreForkedByClone) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(hello->capabilities & kForksWithClone3, 0u);
  const absl::StatusOr<LaunchedChild> child = server.Launch(Options({"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->at("ppid"), std::to_string(getpid()));
  EXPECT_EQ(report->at("owner_is_self"), "yes");
  EXPECT_EQ(report->at("pid"), std::to_string(child->process.pid()));
}

HOST_TEST(Start, LaunchesMayBeAskedForBeforeTheRootHasWarmedUp) {
  // The first thing that this body does is a launch.
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "9"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 9);
}

// Before it has forked the root, in the middle of that, or after it: each ends with a root that
// serves and whose pid is known, or with a Status, and then the next use exec's one; not with a
// wait that runs out.
HOST_TEST(Start, SeedKilledAtAnyMomentLeavesARootOrAStatus) {
  const UniqueFd seed(static_cast<int>(syscall(SYS_pidfd_open, server.seed_pid().value(), 0)));
  ASSERT_TRUE(seed.is_open());
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, seed.get(), SIGKILL, nullptr, 0), 0);
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing(absl::Seconds(20));
  EXPECT_FALSE(absl::IsDeadlineExceeded(hello.status())) << hello.status();
  const absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "0"}));
  EXPECT_TRUE(child.ok()) << child.status();
  if (hello.ok()) {
    EXPECT_EQ(server.root_pid(), hello->pid);
  }
}

HOST_TEST(Start, ProgramsOfTheServersOwnTypesAreRefused) {
  char name[] = "program";
  char* argv[] = {name, nullptr};
  const auto refused = ForkServer::Start(
      1, argv, {.programs = {{ProcessType::kForkServer, MakeChildProgram<testing::TestProgram>}}});
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
}

HOST_TEST(Start, LaunchSocketArgumentThatAUserTypedIsRefused) {
  char name[] = "program";
  char argument[] = "--forkserver-launch-socket=0";
  char* argv[] = {name, argument, nullptr};
  const auto refused = ForkServer::Start(2, argv, testing::TestOptions());
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
}

void ExpectEpollBecause(ForkServer& server, std::string_view why) {
  EXPECT_EQ(server.start_report().event_loop, EventLoop::Backend::kEpoll);
  EXPECT_EQ(server.start_report().why_no_io_uring, why);
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "4"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 4);
}

HOST_TEST(Start, HostWhoseFilterRefusesRingsWaitsWithEpollAndSaysWhy) {
  ExpectEpollBecause(server, "io_uring_setup: EPERM");
}

HOST_TEST(Start, HostWhoseKernelKnowsNoRingsWaitsWithEpollAndSaysWhy) {
  ExpectEpollBecause(server, "io_uring_setup: ENOSYS");
}

HOST_TEST(Start, HostWhoseFilterRefusesToEnterRingsWaitsWithEpollAndSaysWhy) {
  ExpectEpollBecause(server, "io_uring_enter: EACCES");
}

HOST_TEST(Start, HostOverEpollByItsOwnChoiceHasNoReason) { ExpectEpollBecause(server, ""); }

HOST_TEST(Start, HostWaitsWithIoUringWhereItIsAllowed) {
  const absl::Status allowed = EventLoop::Create(EventLoop::Backend::kIoUring).status();
  if (!allowed.ok()) GTEST_SKIP() << "io_uring is not allowed here: " << allowed;
  EXPECT_EQ(server.start_report().event_loop, EventLoop::Backend::kIoUring);
  EXPECT_EQ(server.start_report().why_no_io_uring, "");
}

absl::Status ErrorOfExec(ForkServer& server) {
  LaunchOptions options = Options({"exit", "0"});
  options.way = LaunchWay::kExec;
  return server.Launch(options).status();
}

HOST_TEST(Start, HostWhoseFilterRefusesExecsSaysWhichLaunchFailedAndHow) {
  const absl::Status error = ErrorOfExec(server);
  EXPECT_EQ(std::string(error.message()),
            "launch of ipc-unit-test: spawn: execveat host-under-test: EACCES");
  const std::optional<LaunchFailure> failure = GetLaunchFailure(error);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->step, LaunchStep::kSpawn);
  EXPECT_EQ(failure->error, EACCES);
}

HOST_TEST(Start, HostWhoseFilterRefusesFchdirIsNotToldThatTheExecFailed) {
  EXPECT_EQ(std::string(ErrorOfExec(server).message()),
            "launch of ipc-unit-test: spawn: fchdir to the working directory of the start: EPERM");
}

HOST_TEST(Start, HostWhoseFilterRefusesMemfdsSaysWhichLargePlanFailed) {
  const std::string large(kMaxPayloadBytes, 'x');
  EXPECT_EQ(std::string(server.Launch(Options({"exit", large})).status().message()),
            "launch of ipc-unit-test: memfd_create plan: EPERM");
}

constexpr char kPressureFile[] = "/proc/pressure/memory";

// The real one. What the test may do there, with a trigger of its own, the host has done.
HOST_TEST(Start, UnderMemoryPressureHostIsToldWhereTheKernelTells) {
  constexpr char kTrigger[] = "full 100000 2000000";
  std::string why;
  const UniqueFd file(open(kPressureFile, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open()) {
    why = absl::StrFormat("open %s: %s", kPressureFile, ErrnoName(errno));
  } else if (write(file.get(), kTrigger, sizeof(kTrigger)) < 0) {
    why = absl::StrFormat("write %s: %s", kPressureFile, ErrnoName(errno));
  }
  EXPECT_EQ(server.start_report().why_no_memory_pressure, why);
  EXPECT_EQ(server.start_report().watches_memory_pressure, why.empty());
}

HOST_TEST(Start, UnderMemoryPressureHostWithoutPressureFileSaysWhyAndLaunches) {
  EXPECT_FALSE(server.start_report().watches_memory_pressure);
  EXPECT_EQ(server.start_report().why_no_memory_pressure, "open /proc/pressure/memory: ENOENT");
  absl::StatusOr<LaunchedChild> child = server.Launch(Options({"exit", "5"}));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 5);
}

HOST_TEST(Start, HostThatKeepsItsPoolsWatchesNoPressureAndHasNoReason) {
  EXPECT_FALSE(server.start_report().watches_memory_pressure);
  EXPECT_EQ(server.start_report().why_no_memory_pressure, "");
}

}  // namespace
}  // namespace forkserver
