// Machines that lack something: what works there works, and what does not says so.
// Sandboxes have their own, in sandbox_degraded_test.cc; the event loop's are in start_test.cc, and
// limits and signals in odd_hosts_test.cc.
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "preload/prefs/prefs_store.h"
#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/host_test.h"
#include "tests/testing/lasting_thread.h"
#include "tests/testing/test_program.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HostSetup;

// _IOWR(0xFF, 11, struct pidfd_info), of 64 bytes.
constexpr uint64_t kPidfdGetInfo = 0xC040FF0B;

LaunchOptions Run(std::vector<std::string> argv, LaunchWay way = LaunchWay::kAny) {
  LaunchOptions options = {.type = ProcessType::kIpcUnitTest, .argv = std::move(argv)};
  options.way = way;
  return options;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

void ExpectLaunches(ForkServer& server, LaunchWay way) {
  for (int code = 0; code < 3; ++code) {
    absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", std::to_string(code)}, way));
    ASSERT_TRUE(child.ok()) << child.status();
    const absl::StatusOr<ExitStatus> status = child->process.Wait();
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->ToString(), "exited with status " + std::to_string(code));
  }
}

// --- PIDFD_GET_INFO

// As long as nobody takes a child's status, nothing is missed.
void ExpectAllButTakenStatuses(ForkServer& server, std::string_view error) {
  EXPECT_EQ(server.start_report().machine.why_no_pidfd_info,
            "PIDFD_GET_INFO: " + std::string(error));
  ExpectLaunches(server, LaunchWay::kTemplate);
  ExpectLaunches(server, LaunchWay::kExec);
  absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", "6"}, LaunchWay::kExec));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(waitpid(child->process.pid(), nullptr, 0), child->process.pid());
  EXPECT_THAT(Message(child->process.Wait().status()),
              HasSubstr("ECHILD, and PIDFD_GET_INFO: " + std::string(error)));
}

HOST_TEST(LackingMachine, WithoutPidfdInfoAKernelOf5LosesOnlyStatusesThatOthersTook) {
  ExpectAllButTakenStatuses(server, "ENOTTY");
}

HOST_TEST(LackingMachine, WithoutPidfdInfoAFilterLosesOnlyStatusesThatOthersTook) {
  ExpectAllButTakenStatuses(server, "ENOSYS");
}

HOST_TEST(LackingMachine, WithoutPidfdInfoOfThisSizeOnlyStatusesThatOthersTookAreLost) {
  ExpectAllButTakenStatuses(server, "EINVAL");
}

// Whose pid only the pidfd knows: fdinfo has it too.
HOST_TEST(LackingMachine, WithoutPidfdInfoChildrenInAPidNamespaceHaveTheirPids) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kDummy, .argv = {"wait"}});
  ASSERT_TRUE(child.ok()) << child.status();
  const std::vector<pid_t> children = testing::ChildrenOfThisProcess();
  EXPECT_NE(std::find(children.begin(), children.end(), child->process.pid()), children.end());
  ASSERT_TRUE(child->process.Signal(SIGKILL).ok());
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
}

HOST_TEST(LackingMachine, ThatLacksNothingHasNothingToSay) {
  const MachineReport& machine = server.start_report().machine;
  EXPECT_EQ(machine.why_no_seals + machine.why_no_proc, "");
  if (machine.why_no_pidfd_info == "PIDFD_GET_INFO: ENOTTY") GTEST_SKIP() << "before Linux 6.13";
  EXPECT_EQ(machine.why_no_pidfd_info, "");
}

// --- seals

void ExpectLaunchesWithoutAFreeze(ForkServer& server, const std::string& call,
                                  const std::string& error) {
  const std::string& why_no_seals = server.start_report().machine.why_no_seals;
  EXPECT_THAT(why_no_seals, AllOf(HasSubstr(call), HasSubstr(error)));
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_FALSE(hello->freeze.frozen());
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_EQ(hello->freeze.WhyNot(), call + ": " + error);
#endif
  ExpectLaunches(server, LaunchWay::kTemplate);
  ExpectLaunches(server, LaunchWay::kExec);
}

// What is shared without a seal could be changed under who reads it, so it is not shared at all.
void ExpectErrorOfPrefs(const std::string& error) {
  PrefsStore store;
  store.LoadText("pref(\"a\", 1);", "test");
  EXPECT_THAT(Message(store.Publish().status()), HasSubstr(error));
}

HOST_TEST(LackingMachine, WithoutSealsNothingIsFrozenOrSharedAndLaunchesWork) {
  ExpectLaunchesWithoutAFreeze(server, "fcntl F_ADD_SEALS", "EINVAL");
  ExpectErrorOfPrefs("fcntl F_ADD_SEALS memfd prefs: EINVAL");
}

HOST_TEST(LackingMachine, WithoutSealsByAFilterNothingIsFrozenOrSharedAndLaunchesWork) {
  ExpectLaunchesWithoutAFreeze(server, "fcntl F_ADD_SEALS", "EPERM");
  ExpectErrorOfPrefs("fcntl F_ADD_SEALS memfd prefs: EPERM");
}

HOST_TEST(LackingMachine, WithoutMemfdsThatCanBeSealedNothingIsFrozenAndLaunchesWork) {
  ExpectLaunchesWithoutAFreeze(server, "memfd_create", "EINVAL");
  ExpectErrorOfPrefs("memfd_create prefs: EINVAL");
}

// --- descriptors in flight

// Whether the kernel refuses more of this user's descriptors now.
bool TooManyAreInFlight() {
  SocketPair sockets;
  if (CreateSocketPair(sockets) != 0) return false;
  const int fd = sockets.second.get();
  return SendPacket(sockets.first.get(), Blocking::kNever, {}, {}, {&fd, 1}) == ETOOMANYREFS;
}

// Of launches that are all asked for while nobody reads their Plans.
struct Outcomes {
  int launched = 0;
  std::vector<std::string> errors = {};
};

Outcomes LaunchAllAtOnce(ForkServer& server, int launches, size_t descriptors_of_each,
                         LaunchOptions options, const std::function<void()>& meanwhile = {}) {
  // Now, since there may be no room for its pidfd later.
  const UniqueFd root(static_cast<int>(syscall(SYS_pidfd_open, *server.root_pid(), 0)));
  EXPECT_EQ(syscall(SYS_pidfd_send_signal, root.get(), SIGSTOP, nullptr, 0), 0);
  std::vector<UniqueFd> inherited;
  for (size_t i = 0; i < descriptors_of_each; ++i) {
    inherited.emplace_back(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    EXPECT_TRUE(inherited.back().is_open());
    options.Map(inherited.back().get(), static_cast<int>(10 + i));
  }
  Outcomes outcomes;
  for (int i = 0; i < launches; ++i) {
    server.LaunchAsync(options, [&outcomes](absl::StatusOr<LaunchedChild> child) {
      if (!child.ok()) return outcomes.errors.push_back(Message(child.status()));
      const absl::StatusOr<ExitStatus> status = child->process.Wait();
      if (!status.ok() || status->code != 3) return outcomes.errors.push_back("wrong status");
      ++outcomes.launched;
    });
  }
  server.Dispatch(absl::Milliseconds(1));
  if (meanwhile) meanwhile();
  EXPECT_EQ(syscall(SYS_pidfd_send_signal, root.get(), SIGCONT, nullptr, 0), 0);
  EXPECT_TRUE(testing::DispatchUntil(server, [&] {
    return outcomes.launched + static_cast<int>(outcomes.errors.size()) == launches;
  }));
  return outcomes;
}

// Of which the host keeps no duplicates.
LaunchOptions NeverAgain(ProcessType type) {
  LaunchOptions options = {.type = type, .argv = {"exit", "3"}};
  options.way = LaunchWay::kFork;
  options.when_template_dies = WhenTemplateDies::kFail;
  return options;
}

Outcomes LaunchWithManyInFlight(ForkServer& server, int launches, size_t descriptors_of_each) {
  return LaunchAllAtOnce(server, launches, descriptors_of_each,
                         NeverAgain(ProcessType::kIpcUnitTest),
                         [] { EXPECT_TRUE(TooManyAreInFlight()); });
}

HOST_TEST(LackingMachine, TooManyDescriptorsInFlightDelayALaunch) {
  const Outcomes outcomes = LaunchWithManyInFlight(server, 10, 8);
  EXPECT_EQ(outcomes.errors, std::vector<std::string>());
  EXPECT_EQ(outcomes.launched, 10);
}

// Nor room to keep a copy of what must wait: the launch ends with that errno, and others go on.
HOST_TEST(LackingMachine, TooManyDescriptorsInFlightAndNoRoomForCopiesFailALaunch) {
  const Outcomes outcomes = LaunchWithManyInFlight(server, 8, 20);
  EXPECT_GT(outcomes.launched, 0);
  EXPECT_FALSE(outcomes.errors.empty());
  for (const std::string& error : outcomes.errors) EXPECT_THAT(error, HasSubstr("EMFILE"));
  ExpectLaunches(server, LaunchWay::kTemplate);
}

// A host that has many launches at once often raises its own limit first, and its templates have
// the one of its start. These are asked for before their template has said Hello, which has
// descriptors too.
HOST_TEST(LackingMachine, TooManyDescriptorsInFlightForATemplateThatStartsDelayItsLaunches) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const Outcomes outcomes = LaunchAllAtOnce(server, 40, 8, NeverAgain(ProcessType::kDummy));
  EXPECT_EQ(outcomes.errors, std::vector<std::string>());
  EXPECT_EQ(outcomes.launched, 40);
}

// Nor room for what the Hello brings: each launch ends with that errno, and the template is there
// for the next one.
HOST_TEST(LackingMachine, TooManyDescriptorsForATemplateThatStartsFailItsLaunches) {
  const Outcomes outcomes = LaunchAllAtOnce(server, 30, 8, NeverAgain(ProcessType::kDummy));
  EXPECT_FALSE(outcomes.errors.empty());
  for (const std::string& error : outcomes.errors) EXPECT_THAT(error, HasSubstr("EMFILE"));
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  absl::StatusOr<LaunchedChild> child = server.Launch(NeverAgain(ProcessType::kDummy));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 3);
}

// --- places in the file system

HOST_TEST(LackingMachine, WithoutAWritableTmpEverythingWorks) {
  EXPECT_EQ(open("/tmp/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
  EXPECT_EQ(errno, EROFS);
  ExpectLaunches(server, LaunchWay::kTemplate);
  ExpectLaunches(server, LaunchWay::kExec);
  PrefsStore store;
  store.LoadText("pref(\"a\", 1);", "test");
  EXPECT_TRUE(store.Publish().ok());
  LaunchOptions large = Run({"exit", "0"});
  large.set_environment.push_back("BIG=" + std::string(100'000, 'x'));
  absl::StatusOr<LaunchedChild> child = server.Launch(large);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_TRUE(child->process.Wait()->success());
  child = server.Launch({.type = ProcessType::kDummy, .argv = {"exit", "4"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 4);
}

// --- pid namespaces

void ExpectTruePids(ForkServer& server, LaunchWay way) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Run({"wait"}, way));
  ASSERT_TRUE(child.ok()) << child.status();
  const std::vector<pid_t> children = testing::ChildrenOfThisProcess();
  EXPECT_NE(std::find(children.begin(), children.end(), child->process.pid()), children.end())
      << child->process.pid();
}

// It left its pid namespace: the seed is the init of the new one, and cannot give its children to
// the host.
HOST_TEST(LackingMachine, SeedThatIsAnInitForksNoRootAndOneIsExeced) {
  EXPECT_EQ(server.start_report().way, LaunchWay::kExec);
  EXPECT_THAT(server.start_report().reason, HasSubstr("init of a pid namespace"));
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_NE(hello->capabilities & kHostsChildren, 0u);
  ExpectLaunches(server, LaunchWay::kFork);
  ExpectLaunches(server, LaunchWay::kExec);
  ExpectTruePids(server, LaunchWay::kFork);
  ExpectTruePids(server, LaunchWay::kExec);
}

// Nor could a seed be forked, since the host had a thread.
HOST_TEST(LackingMachine, RootThatIsAnInitSaysSoAndForksNothing) {
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(hello->capabilities & kHostsChildren, 0u);
  EXPECT_THAT(Message(server.Launch(Run({"exit", "0"}, LaunchWay::kFork)).status()),
              HasSubstr("fork: the template is the init of a pid namespace: EINVAL"));
  ExpectLaunches(server, LaunchWay::kExec);
  ExpectLaunches(server, LaunchWay::kAny);
}

// --- foreign waits

// Children of an exec'ed root send SIGCHLD, and whoever waits for anybody gets them: the kernel
// still has their statuses, but not what they used.
HOST_TEST(LackingMachine, EmbedderThatReapsWhateverThereIsTakesNoStatusOfAnExecedRootsChildren) {
  ASSERT_EQ(server.start_report().way, LaunchWay::kExec);
  std::atomic<bool> is_over = false;
  std::atomic<int> taken = 0;
  std::thread reaper([&] {
    while (!is_over) {
      if (waitpid(-1, nullptr, WNOHANG) > 0) ++taken;
    }
  });
  bool keeps_statuses = true;
  int without_usage = 0;
  for (int i = 0; i < 50; ++i) {
    for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
      absl::StatusOr<LaunchedChild> child = server.Launch(Run({"exit", std::to_string(i)}, way));
      EXPECT_TRUE(child.ok()) << child.status();
      if (!child.ok()) continue;
      const absl::StatusOr<ExitStatus> status = child->process.Wait();
      // Before Linux 6.15 the kernel forgets it.
      keeps_statuses &= status.ok() || Message(status.status()).find("PIDFD_") == std::string::npos;
      EXPECT_TRUE(status.ok() || !keeps_statuses) << status.status();
      if (!status.ok()) continue;
      EXPECT_EQ(status->ToString(), "exited with status " + std::to_string(i));
      if (!status->usage.has_value()) ++without_usage;
    }
  }
  // And of the root's own, which is started again.
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  EXPECT_TRUE(testing::DispatchUntil(server, [&] {
    return testing::StatusOf(server, "root").state == TemplateStatus::State::kDead;
  }));
  EXPECT_TRUE(server.WaitUntilServing().ok());
  is_over = true;
  reaper.join();
  EXPECT_GT(taken, 0);
  if (!keeps_statuses) GTEST_SKIP() << "no PIDFD_INFO_EXIT before Linux 6.15";
  EXPECT_LE(without_usage, taken);
  EXPECT_GT(without_usage, 0);
}

// Whom such an embedder reaps leaves a free pid, and the kernel may give it to the next child of
// the same template while the first one's Process is still there. That is nobody's lie.
HOST_TEST(LackingMachine, EmbedderThatReapsMeetsAPidAgain) {
  ASSERT_EQ(server.start_report().way, LaunchWay::kExec);
  const pid_t root = *server.root_pid();
  LaunchOptions options = Run({"exit", "3"}, LaunchWay::kFork);
  options.when_template_dies = WhenTemplateDies::kFail;
  const UniqueFd last_pid(open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC));
  bool came_again = false;
  // Others on this machine are given pids too, and may keep the one that is wanted.
  for (int round = 0; round < 20 && !came_again; ++round) {
    options.argv = {"exit", "3"};
    absl::StatusOr<LaunchedChild> first = server.Launch(options);
    ASSERT_TRUE(first.ok()) << first.status();
    const pid_t pid = first->process.pid();
    ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
    const std::string one_before = std::to_string(pid - 1);
    options.argv = {"exit", "4"};
    for (int i = 0; i < 20 && !came_again; ++i) {
      if (pwrite(last_pid.get(), one_before.data(), one_before.size(), 0) < 0) {
        GTEST_SKIP() << "ns_last_pid cannot be written: " << strerrorname_np(errno);
      }
      absl::StatusOr<LaunchedChild> next = server.Launch(options);
      ASSERT_TRUE(next.ok()) << next.status();
      came_again = next->process.pid() == pid;
      if (came_again) {
        // The end of the first one's Process does not make the other's child anybody's.
        EXPECT_FALSE(first->process.Signal(SIGKILL).ok());
        first->process.Wait().status().IgnoreError();  // before Linux 6.15 nobody knows
        EXPECT_TRUE(absl::IsNotFound(Process::Adopt(pid).status()));
      }
      EXPECT_EQ(next->process.Wait()->ToString(), "exited with status 4");
    }
  }
  EXPECT_TRUE(came_again);
  EXPECT_EQ(server.root_pid(), root) << testing::StatusOf(server, "root").why_dead;
}

// --- descriptors

// What it opens itself is not in their place: stdio is /dev/null's, in the host and its children.
HOST_TEST(LackingMachine, HostThatIsStartedWithoutStdioHasThatOfDevNull) {
  for (int number = 0; number <= STDERR_FILENO; ++number) {
    char target[64] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(number);
    ASSERT_GT(readlink(link.c_str(), target, sizeof(target) - 1), 0);
    EXPECT_STREQ(target, "/dev/null");
  }
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    const absl::StatusOr<LaunchedChild> child = server.Launch(Run({"report"}, way));
    ASSERT_TRUE(child.ok()) << child.status();
    const absl::StatusOr<testing::Report> report = testing::ReportOf(*child);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
    for (const char* key : {"fd.0", "fd.1", "fd.2"}) {
      EXPECT_EQ(report->at(key), "/dev/null+inherit") << key;
    }
  }
}

// ---

// Not in what the host exec's, which inherits it.
void OnlyOnce(void (*prepare)()) {
  if (getenv("FORKSERVER_TEST_PREPARED") != nullptr) return;
  setenv("FORKSERVER_TEST_PREPARED", "1", 1);
  prepare();
}

struct Machine {
  std::string_view test;
  void (*prepare)();
};

constexpr Machine kMachines[] = {
    {"WithoutPidfdInfoAKernelOf5",
     [] { testing::ForbidCommand(SYS_ioctl, kPidfdGetInfo, ENOTTY); }},
    {"WithoutPidfdInfoAFilter", [] { testing::ForbidCommand(SYS_ioctl, kPidfdGetInfo, ENOSYS); }},
    {"WithoutPidfdInfoOfThisSize",
     [] { testing::ForbidCommand(SYS_ioctl, kPidfdGetInfo, EINVAL); }},
    {"WithoutPidfdInfoChildren", [] { testing::ForbidCommand(SYS_ioctl, kPidfdGetInfo, ENOTTY); }},
    {"WithoutSealsNothing", [] { testing::ForbidCommand(SYS_fcntl, F_ADD_SEALS, EINVAL); }},
    {"WithoutSealsByAFilter", [] { testing::ForbidCommand(SYS_fcntl, F_ADD_SEALS, EPERM); }},
    {"WithoutMemfdsThatCanBeSealed",
     [] {
       testing::Answer(SCMP_ACT_ERRNO(EINVAL), SYS_memfd_create,
                       SCMP_A1(SCMP_CMP_MASKED_EQ, MFD_ALLOW_SEALING, MFD_ALLOW_SEALING));
     }},
    {"TooManyDescriptorsInFlightForATemplateThatStarts",
     [] {
       const rlimit low = {.rlim_cur = 64, .rlim_max = 4096};
       if (setrlimit(RLIMIT_NOFILE, &low) != 0) abort();
       testing::BecomeAUserOfItsOwn();
     }},
    {"TooManyDescriptors",
     [] {
       const rlimit low = {.rlim_cur = 64, .rlim_max = 64};
       if (setrlimit(RLIMIT_NOFILE, &low) != 0) abort();
       testing::BecomeAUserOfItsOwn();
     }},
    {"WithoutAWritableTmp",
     [] {
       OnlyOnce([] {
         testing::CoverWithNothing("/tmp");
         setenv("TMPDIR", "/does-not-exist", 1);
       });
     }},
    {"SeedThatIsAnInit", [] { OnlyOnce(testing::HaveChildrenInANewPidNamespace); }},
    {"RootThatIsAnInit",
     [] {
       testing::LeaveAThreadInTheHost();  // no other can be made then
       OnlyOnce(testing::HaveChildrenInANewPidNamespace);
     }},
    {"EmbedderThatReaps", testing::LeaveAThreadInTheHost},
    {"HostThatIsStartedWithoutStdio",
     [] {
       OnlyOnce([] {
         for (int number = 0; number <= STDERR_FILENO; ++number) close(number);
       });
     }},
};

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs.push_back({ProcessType::kDummy, MakeChildProgram<TestProgram>});
  if (test.find("Tmp") != test.npos || test.find("PidNamespaceHave") != test.npos ||
      test.find("ThatStarts") != test.npos) {
    setup.options.templates = {{.name = "sandboxed",
                                .types = {ProcessType::kDummy},
                                .sandbox = {.policy = SandboxPolicyId::kContent},
                                .pool = kNoPool}};
  }
  const std::string_view name(test);
  for (const Machine& machine : kMachines) {
    if (name.substr(name.find('.') + 1).starts_with(machine.test)) {
      setup.before_start = machine.prepare;
      break;
    }
  }
  return setup;
}

}  // namespace forkserver
