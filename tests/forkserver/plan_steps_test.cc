// Each step of a Plan, done and failed: what the child sees of itself, and what the caller is told.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "child/launch_step.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) { return {.options = TestOptions()}; }

namespace {

using testing::Report;
using testing::ReportOf;

LaunchOptions ReportOptions() { return {.type = ProcessType::kIpcUnitTest, .argv = {"report"}}; }

// Every step must hold for both ways of a launch.
constexpr LaunchWay kWays[] = {LaunchWay::kTemplate, LaunchWay::kExec};

void WithReport(ForkServer& server, LaunchOptions options,
                const std::function<void(const Report& report)>& look) {
  for (const LaunchWay way : kWays) {
    SCOPED_TRACE(way == LaunchWay::kTemplate ? "template" : "exec");
    options.way = way;
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    const absl::StatusOr<Report> report = ReportOf(*child);
    ASSERT_TRUE(report.ok()) << report.status();
    look(*report);
  }
}

// The launch fails as said, and the next one works.
void ExpectFailure(ForkServer& server, LaunchOptions options, LaunchStep step, int error,
                   uint32_t index = 0) {
  for (const LaunchWay way : kWays) {
    SCOPED_TRACE(way == LaunchWay::kTemplate ? "template" : "exec");
    options.way = way;
    const absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_FALSE(child.ok());
    const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
    ASSERT_TRUE(failure.has_value()) << child.status();
    EXPECT_EQ(failure->step, step) << child.status();
    EXPECT_EQ(failure->error, error) << child.status();
    EXPECT_EQ(failure->index, index) << child.status();
    EXPECT_EQ(child.status().message().find("launch of"), 0u) << child.status();
    EXPECT_TRUE(server.Launch(ReportOptions()).ok());
  }
}

std::string LinkOf(int fd) {
  char target[256];
  const ssize_t size =
      readlink(absl::StrFormat("/proc/self/fd/%d", fd).c_str(), target, sizeof(target));
  return {target, size > 0 ? static_cast<size_t>(size) : 0};
}

HOST_TEST(PlanSteps, ChildHasExactlyTheDescriptorsThatItsPlanNames) {
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd zero(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  LaunchOptions options = ReportOptions();
  options.stdio = {Stdio::Null(), Stdio::Descriptor(zero.get()), Stdio()};
  options.Map(zero.get(), 7).Map(null.get(), 200, OnExec::kInherit);
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(testing::DescriptorNumbers(report), "0 1 2 7 200");
    EXPECT_EQ(report.at("fd.0"), "/dev/null+inherit");
    EXPECT_EQ(report.at("fd.1"), "/dev/zero+inherit");
    EXPECT_EQ(report.at("fd.2"), LinkOf(2) + "+inherit");
    EXPECT_EQ(report.at("fd.7"), "/dev/zero");
    EXPECT_EQ(report.at("fd.200"), "/dev/null+inherit");
  });
}

// The numbers at which descriptors arrive in the child are the lowest free ones: targets there
// collide with each other and with the launch socket.
HOST_TEST(PlanSteps, DescriptorsTradePlacesWithoutLoss) {
  std::vector<UniqueFd> files;
  LaunchOptions options = ReportOptions();
  for (int i = 0; i < 40; ++i) {
    files.emplace_back(memfd_create(absl::StrFormat("file-%d", i).c_str(), MFD_CLOEXEC));
    ASSERT_TRUE(files.back().is_open());
    options.Map(files.back().get(), 3 + (i * 17 + 5) % 40);
  }
  WithReport(server, options, [](const Report& report) {
    for (int i = 0; i < 40; ++i) {
      EXPECT_EQ(report.at(absl::StrFormat("fd.%d", 3 + (i * 17 + 5) % 40)),
                absl::StrFormat("/memfd:file-%d (deleted)", i));
    }
  });
}

HOST_TEST(PlanSteps, OneDescriptorMayGoToManyPlaces) {
  const UniqueFd file(memfd_create("shared", MFD_CLOEXEC));
  LaunchOptions options = ReportOptions();
  options.stdio = {Stdio::Descriptor(file.get()), Stdio(), Stdio()};
  for (int target = 3; target < 20; ++target) options.Map(file.get(), target);
  WithReport(server, options, [](const Report& report) {
    for (int target = 3; target < 20; ++target) {
      EXPECT_EQ(report.at(absl::StrFormat("fd.%d", target)), "/memfd:shared (deleted)");
    }
  });
}

HOST_TEST(PlanSteps, AsManyDescriptorsTravelAsTheWireAllows) {
  std::vector<UniqueFd> files;
  LaunchOptions options = ReportOptions();
  for (int i = 0; i < 253; ++i) {
    files.emplace_back(memfd_create("one-of-many", MFD_CLOEXEC));
    options.Map(files.back().get(), 300 + i);
  }
  // So many links do not fit in a report; that the launch works is the fact.
  options.argv = {"exit", "0"};
  for (const LaunchWay way : kWays) {
    options.way = way;
    absl::StatusOr<LaunchedChild> child = server.Launch(options);
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_TRUE(child->process.Wait()->success());
  }
  files.emplace_back(memfd_create("one-too-many", MFD_CLOEXEC));
  options.Map(files.back().get(), 553);
  ExpectFailure(server, options, LaunchStep::kDescriptors, E2BIG, 253);
  // Few that travel, and more places for them than a Plan may name.
  options.descriptors.clear();
  for (int i = 0; i < 600; ++i) options.Map(files.front().get(), 300 + i);
  ExpectFailure(server, options, LaunchStep::kDescriptors, E2BIG);
}

HOST_TEST(PlanSteps, DescriptorThatTheHostDoesNotHaveIsAnError) {
  LaunchOptions options = ReportOptions();
  options.Map(0, 6).Map(9999, 5);
  ExpectFailure(server, options, LaunchStep::kDescriptors, EBADF, 1);
  options.stdio[1] = Stdio::Descriptor(9998);
  ExpectFailure(server, options, LaunchStep::kStdio, EBADF, 1);
}

HOST_TEST(PlanSteps, TargetNamedTwiceIsAnError) {
  LaunchOptions options = ReportOptions();
  options.Map(1, 5).Map(2, 5);
  ExpectFailure(server, options, LaunchStep::kDescriptors, EINVAL, 1);
}

HOST_TEST(PlanSteps, TargetBeyondTheLimitIsAnError) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  LaunchOptions options = ReportOptions();
  options.Map(1, static_cast<int>(limit.rlim_cur));
  ExpectFailure(server, options, LaunchStep::kDescriptors, EBADF, 0);
}

HOST_TEST(PlanSteps, StdioIsNotAPlaceForOtherDescriptors) {
  LaunchOptions options = ReportOptions();
  options.Map(1, 2);
  ExpectFailure(server, options, LaunchStep::kDescriptors, EINVAL);
}

HOST_TEST(PlanSteps, WorkingDirectoryIsThePlans) {
  LaunchOptions options = ReportOptions();
  options.working_directory = "/usr/share";
  WithReport(server, options,
             [](const Report& report) { EXPECT_EQ(report.at("cwd"), "/usr/share"); });
}

HOST_TEST(PlanSteps, WorkingDirectoryIsTheOneAtTheHostsStartByDefault) {
  char at_start[4096];
  ASSERT_NE(getcwd(at_start, sizeof(at_start)), nullptr);
  ASSERT_EQ(chdir("/"), 0);
  WithReport(server, ReportOptions(),
             [&](const Report& report) { EXPECT_EQ(report.at("cwd"), at_start); });
}

HOST_TEST(PlanSteps, MissingWorkingDirectoryIsAnError) {
  LaunchOptions options = ReportOptions();
  options.working_directory = "/there/is/no/such/folder";
  ExpectFailure(server, options, LaunchStep::kWorkingDirectory, ENOENT);
}

HOST_TEST(PlanSteps, ReplacedEnvironmentIsExactlyWhatIsSet) {
  LaunchOptions options = ReportOptions();
  options.environment_base = EnvironmentBase::kEmpty;
  options.set_environment = {"A=1", "B=two=2", "C="};
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("variables"), "3");
    EXPECT_EQ(report.at("env.A"), "1");
    EXPECT_EQ(report.at("env.B"), "two=2");
    EXPECT_EQ(report.at("env.C"), "");
  });
}

HOST_TEST(PlanSteps, EnvironmentIsThatOfTheHostsStartWithOverridesAndUnsets) {
  ASSERT_EQ(setenv("SET_LATER", "by the host", 1), 0);
  LaunchOptions options = ReportOptions();
  options.set_environment = {"FORKSERVER_TEST=overridden", "NEW=variable"};
  options.unset_environment = {"PATH", "NOT_SET_ANYWAY"};
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("env.FORKSERVER_TEST"), "overridden");
    EXPECT_EQ(report.at("env.NEW"), "variable");
    EXPECT_EQ(report.count("env.PATH"), 0u);
    EXPECT_EQ(report.count("env.SET_LATER"), 0u);
  });
}

HOST_TEST(PlanSteps, VariableWithoutANameIsAnError) {
  LaunchOptions options = ReportOptions();
  options.set_environment = {"GOOD=1", "=bad"};
  ExpectFailure(server, options, LaunchStep::kEnvironment, EINVAL, 1);
  options.set_environment = {"no equals sign"};
  ExpectFailure(server, options, LaunchStep::kEnvironment, EINVAL, 0);
  options.set_environment = {};
  options.unset_environment = {"GOOD", "NOT=A_NAME"};
  ExpectFailure(server, options, LaunchStep::kEnvironment, EINVAL, 1);
}

HOST_TEST(PlanSteps, ArgumentsArriveAsTheyAre) {
  LaunchOptions options = ReportOptions();
  options.argv = {"report", "", "with space", "\n\t\"'\\", "\xff\xfe not utf-8"};
  WithReport(server, options, [&](const Report& report) {
    ASSERT_EQ(report.at("argc"), "5");
    for (size_t i = 0; i < options.argv.size(); ++i) {
      EXPECT_EQ(report.at(absl::StrFormat("argv.%d", i)), options.argv[i]);
    }
  });
}

// Too large for a packet: the Plan travels in a sealed memfd.
HOST_TEST(PlanSteps, AlmostTwoMebibytesOfArgumentsAndEnvironmentArrive) {
  LaunchOptions options = {.type = ProcessType::kIpcUnitTest, .argv = {"count"}};
  options.environment_base = EnvironmentBase::kEmpty;
  for (int i = 0; i < 9000; ++i) {
    options.argv.push_back(std::string(100, 'a'));
    options.set_environment.push_back(absl::StrFormat("VARIABLE_%05d=%s", i, std::string(95, 'v')));
  }
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("argc"), "9001");
    EXPECT_EQ(report.at("argument_bytes"), std::to_string(6 + 9000 * 101));
    EXPECT_EQ(report.at("variables"), "9000");
    EXPECT_EQ(report.at("environment_bytes"), std::to_string(9000 * (15 + 95 + 1)));
    EXPECT_EQ(testing::DescriptorNumbers(report), "0 1 2");
  });
}

HOST_TEST(PlanSteps, TooLargeAnEnvironmentIsAnError) {
  LaunchOptions options = ReportOptions();
  options.set_environment = {"LARGE=" + std::string(2 * 1024 * 1024, 'x')};
  ExpectFailure(server, options, LaunchStep::kEnvironment, E2BIG);
  options.set_environment = {"HUGE=" + std::string(16 * 1024 * 1024, 'x')};
  ExpectFailure(server, options, LaunchStep::kEnvironment, E2BIG);
}

HOST_TEST(PlanSteps, StringWithANulIsAnError) {
  LaunchOptions options = ReportOptions();
  options.argv = {std::string("re\0port", 7)};
  ExpectFailure(server, options, LaunchStep::kPlan, EINVAL);
}

HOST_TEST(PlanSteps, LimitsAreThePlans) {
  LaunchOptions options = ReportOptions();
  options.limits = {{RLIMIT_NOFILE, 64, 128}, {RLIMIT_CORE, 0, 0}};
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("nofile"), "64:128");
    EXPECT_EQ(report.at("core"), "0:0");
  });
}

HOST_TEST(PlanSteps, ImpossibleLimitIsAnErrorThatNamesTheEntry) {
  LaunchOptions options = ReportOptions();
  options.limits = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 128, 64}};
  ExpectFailure(server, options, LaunchStep::kLimits, EINVAL, 1);
  options.limits = {{4711, 1, 1}};
  ExpectFailure(server, options, LaunchStep::kLimits, EINVAL, 0);
}

HOST_TEST(PlanSteps, NameAndTitleAreThePlans) {
  LaunchOptions options = ReportOptions();
  options.name = "fifteen-bytes-x";
  options.title = "a title for ps";
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("name"), "fifteen-bytes-x");
    EXPECT_EQ(report.at("title"), "a title for ps");
  });
}

HOST_TEST(PlanSteps, NameIsThatOfTheTypeByDefault) {
  WithReport(server, ReportOptions(),
             [](const Report& report) { EXPECT_EQ(report.at("name"), "ipc-unit-test"); });
}

HOST_TEST(PlanSteps, TooLongANameIsAnError) {
  LaunchOptions options = ReportOptions();
  options.name = "sixteen-bytes-xx";
  ExpectFailure(server, options, LaunchStep::kName, ENAMETOOLONG);
}

HOST_TEST(PlanSteps, LongTitleIsCutToTheRoomThereIsAndNeverSpoilsTheEnvironment) {
  LaunchOptions options = ReportOptions();
  options.title = std::string(4096, 't');
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("title").find_first_not_of('t'), std::string::npos);
    EXPECT_GT(report.at("title").size(), 100u);
    EXPECT_EQ(report.at("env.FORKSERVER_TEST"),
              "PlanSteps.LongTitleIsCutToTheRoomThereIsAndNeverSpoilsTheEnvironment");
  });
  options.title += 't';
  ExpectFailure(server, options, LaunchStep::kTitle, ENAMETOOLONG);
}

HOST_TEST(PlanSteps, PriorityIsThePlans) {
  LaunchOptions options = ReportOptions();
  options.nice = 7;
  WithReport(server, options, [](const Report& report) { EXPECT_EQ(report.at("nice"), "7"); });
}

HOST_TEST(PlanSteps, ImpossiblePriorityIsAnError) {
  LaunchOptions options = ReportOptions();
  options.nice = 20;
  ExpectFailure(server, options, LaunchStep::kPriority, EINVAL);
}

HOST_TEST(PlanSteps, ParentDeathSignalIsThePlans) {
  LaunchOptions options = ReportOptions();
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("death_signal"), std::to_string(SIGKILL));
    EXPECT_EQ(report.at("ppid"), std::to_string(getpid()));
  });
  options.parent_death_signal = SIGTERM;
  WithReport(server, options, [](const Report& report) {
    EXPECT_EQ(report.at("death_signal"), std::to_string(SIGTERM));
  });
  options.parent_death_signal = 0;
  WithReport(server, options,
             [](const Report& report) { EXPECT_EQ(report.at("death_signal"), "0"); });
}

HOST_TEST(PlanSteps, ImpossibleParentDeathSignalIsAnError) {
  LaunchOptions options = ReportOptions();
  options.parent_death_signal = 4711;
  ExpectFailure(server, options, LaunchStep::kParentDeath, EINVAL);
}

// Templates block what a terminal sends; their children must not.
HOST_TEST(PlanSteps, SignalMaskIsTheHostsAtItsStart) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  ASSERT_EQ(sigprocmask(SIG_BLOCK, &mask, nullptr), 0);
  WithReport(server, ReportOptions(),
             [](const Report& report) { EXPECT_EQ(report.at("signal_mask"), "0"); });
}

HOST_TEST(PlanSteps, UnknownProcessTypeIsAnError) {
  LaunchOptions options = ReportOptions();
  options.type = static_cast<ProcessType>(4711);
  ExpectFailure(server, options, LaunchStep::kProcessType, EINVAL);
  options.type = ProcessType::kParent;
  ExpectFailure(server, options, LaunchStep::kProcessType, EPERM);
  options.type = ProcessType::kForkServer;  // the server's own to start
  ExpectFailure(server, options, LaunchStep::kProcessType, EPERM);
  options.type = ProcessType::kContent;  // a row, but this program has no class for it
  ExpectFailure(server, options, LaunchStep::kProcessType, ENOSYS);
}

HOST_TEST(PlanSteps, PrefsAreTheGenerationOfTheLaunch) {
  PrefsStore store;
  ASSERT_TRUE(store.LoadText("pref(\"test.a\", 1);", "first.js").empty());
  const absl::StatusOr<PrefsGeneration> first = store.Publish();
  ASSERT_TRUE(store.LoadText("user_pref(\"test.a\", 2); pref(\"test.b\", 3);", "s.js").empty());
  const absl::StatusOr<PrefsGeneration> second = store.Publish();
  WithReport(server, ReportOptions(), [](const Report& report) {
    EXPECT_EQ(report.at("prefs"), "0");
    EXPECT_EQ(report.at("generation"), "0");
  });
  server.SetPrefs(*first);
  WithReport(server, ReportOptions(), [](const Report& report) {
    EXPECT_EQ(report.at("pref.test.a"), "1");
    EXPECT_EQ(report.at("generation"), "1");
    EXPECT_EQ(testing::DescriptorNumbers(report), "0 1 2");  // the map's descriptor is closed
  });
  server.SetPrefs(*second);
  WithReport(server, ReportOptions(), [](const Report& report) {
    EXPECT_EQ(report.at("pref.test.a"), "2");
    EXPECT_EQ(report.at("pref.test.b"), "3");
  });
  server.SetPrefs({});
}

HOST_TEST(PlanSteps, PrefsThatAreNotAMapAreAnError) {
  const std::string text = "certainly no prefs map";
  absl::StatusOr<UniqueFd> corrupt =
      CreateSealedMemfd("corrupt", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  server.SetPrefs({std::make_shared<const UniqueFd>(*std::move(corrupt)), 1});
  const absl::StatusOr<LaunchedChild> child = server.Launch(ReportOptions());
  const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
  ASSERT_TRUE(failure.has_value()) << child.status();
  EXPECT_EQ(failure->step, LaunchStep::kPrefs);
  EXPECT_EQ(failure->error, EBADMSG);

  // Not sealed: it could change behind the check.
  server.SetPrefs({std::make_shared<const UniqueFd>(memfd_create("open", MFD_CLOEXEC)), 2});
  const absl::StatusOr<LaunchedChild> second = server.Launch(ReportOptions());
  ASSERT_TRUE(GetLaunchFailure(second.status()).has_value());
  EXPECT_EQ(GetLaunchFailure(second.status())->error, EPERM);
  server.SetPrefs({});
  EXPECT_TRUE(server.Launch(ReportOptions()).ok());
}

}  // namespace
}  // namespace forkserver
