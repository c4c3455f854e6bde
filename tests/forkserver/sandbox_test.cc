// Children of sandboxed templates: what they get, how they are launched and how they end.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "preload/freeze/frozen_memory.h"
#include "preload/prefs/prefs_store.h"
#include "tests/testing/host_test.h"
#include "tests/testing/temporary_folder.h"
#include "tests/testing/test_program.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::HostSetup;
using testing::SignalProcess;
using testing::StatusOf;
using State = TemplateStatus::State;

// As the dynamic linker does.
std::string MapCode() {
  const UniqueFd program(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!program.is_open()) return strerrorname_np(errno);
  void* const code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, program.get(), 0);
  return code != MAP_FAILED ? "mapped" : strerrorname_np(errno);
}

std::string mapped_before_sandbox = "not called";

void BeforeSandbox() { mapped_before_sandbox = MapCode(); }

std::string Answer(const std::string& question) {
  if (question == "map code") return MapCode();
  if (question == "before the sandbox") return mapped_before_sandbox;
  if (question == "pid") return std::to_string(getpid());
  if (question == "host name") {
    utsname name;
    uname(&name);
    return name.nodename;
  }
  if (question == "open /etc/hostname") {
    const UniqueFd fd(open("/etc/hostname", O_RDONLY | O_CLOEXEC));
    return fd.is_open() ? "opened" : strerrorname_np(errno);
  }
  if (question == "open /proc/cpuinfo" || question == "open /dev/null") {
    const UniqueFd fd(open(question.c_str() + 5, O_RDONLY | O_CLOEXEC));
    return fd.is_open() ? "opened" : strerrorname_np(errno);
  }
  if (question == "open /usr/share/zoneinfo") {
    const UniqueFd fd(open("/usr/share/zoneinfo/UTC", O_RDONLY | O_CLOEXEC));
    char text[4] = {};
    if (!fd.is_open()) return strerrorname_np(errno);
    return read(fd.get(), text, sizeof(text)) == 4 ? std::string(text, 4) : "short";
  }
  if (question.rfind("signal ", 0) == 0) {
    return kill(atoi(question.c_str() + 7), 0) == 0 ? "done" : strerrorname_np(errno);
  }
  if (question == "frame number") {
    // Of a page that is there: what a process may not know where it has no CAP_SYS_ADMIN.
    const UniqueFd pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!pagemap.is_open()) return strerrorname_np(errno);
    uint64_t entry = 0;
    const auto page = static_cast<off_t>(reinterpret_cast<uintptr_t>(&entry) / 4096);
    if (pread(pagemap.get(), &entry, sizeof(entry), page * 8) != sizeof(entry)) return "no entry";
    return (entry & ((uint64_t{1} << 55) - 1)) == 0 ? "hidden" : "seen";
  }
  if (question == "kill init") return kill(1, SIGKILL) == 0 ? "done" : strerrorname_np(errno);
  if (question == "fork") {
    const long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    return pid > 0 ? "done" : strerrorname_np(errno);
  }
  if (question == "grow elsewhere") {
    void* const old = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void* const place = mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void* const grown = mremap(old, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    return grown != MAP_FAILED ? "done" : strerrorname_np(errno);
  }
  if (question == "clone3") {
    return syscall(SYS_clone3, nullptr, 0) < 0 ? strerrorname_np(errno) : "done";
  }
  if (question == "seccomp") {
    return syscall(SYS_seccomp, 1, 0, nullptr) < 0 ? strerrorname_np(errno) : "done";
  }
  if (question == "mount") return syscall(SYS_mount, 0, 0, 0, 0, 0) == 0 ? "done" : "failed";
  return "?";
}

// Answers questions that come as messages until the host hangs up; all else is TestProgram's.
class SandboxedProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    if (context.argv.empty() || std::string_view(context.argv[0]) != "answer") {
      return TestProgram::Run(context);
    }
    while (context.channel.Receive() == ReceiveOutcome::kMessage) {
      const std::span<const uint8_t> question = context.channel.packet().payload();
      const std::string answer =
          Answer(std::string(reinterpret_cast<const char*>(question.data()), question.size()));
      context.channel.Send({.type = testing::kEcho},
                           {reinterpret_cast<const uint8_t*>(answer.data()), answer.size()});
    }
    return 0;
  }
};

std::string Ask(const LaunchedChild& child, std::string_view question) {
  SendPacket(child.socket.get(), Blocking::kWait, {.type = testing::kEcho},
             {reinterpret_cast<const uint8_t*>(question.data()), question.size()}, {});
  uint8_t buffer[1024];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "(no answer)";
  }
  return {reinterpret_cast<const char*>(packet.payload().data()), packet.payload().size()};
}

LaunchOptions Answering(ProcessType type = ProcessType::kIpcUnitTest) {
  return {.type = type, .argv = {"answer"}};
}

LaunchOptions From(std::string_view template_name, LaunchOptions options) {
  options.template_name = std::string(template_name);
  return options;
}

HOST_TEST(Sandbox, EveryLayerIsEngagedAndTheLaunchSaysSo) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_NE(child->sandbox, nullptr);
  EXPECT_EQ(child->sandbox->policy, SandboxPolicyId::kContent);
  EXPECT_EQ(child->sandbox->level, kFullSandbox);
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const auto layer = static_cast<SandboxLayer>(i);
    if (layer == SandboxLayer::kNotDumpable) continue;  // this policy has a broker
    EXPECT_EQ((*child->sandbox)[layer].outcome, LayerOutcome::kEngaged)
        << SandboxLayerName(layer) << ": " << LayerStateText((*child->sandbox)[layer]);
  }
}

HOST_TEST(Sandbox, TheHostSeesItsOwnPidAndTheChildAnother) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_NE(Ask(*child, "pid"), std::to_string(child->process.pid()));
  EXPECT_EQ(Ask(*child, "pid"), std::to_string(child->times.child.pid));
  EXPECT_EQ(kill(child->process.pid(), 0), 0);
  EXPECT_EQ(Ask(*child, "host name"), "sandbox");
}

HOST_TEST(Sandbox, FilesAreOpenedByTheBrokerOrNotAtAll) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  const std::vector<RefusedCall> refused = server.refused_calls();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].pid, child->process.pid());
  EXPECT_EQ(refused[0].type, ProcessType::kIpcUnitTest);
}

HOST_TEST(Sandbox, WhatOnlyATemplateMayDoIsTakenFromTheChild) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "clone3"), "ENOSYS");
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
  EXPECT_EQ(Ask(*child, "grow elsewhere"), "ENOMEM");
  EXPECT_EQ(Ask(*child, "kill init"), "EPERM");
  EXPECT_EQ(Ask(*child, "fork"), "EPERM");
}

// Also of a template below a sandboxed one.
HOST_TEST(Sandbox, SiblingsCannotSignalEachOther) {
  for (const char* name : {
         "sandboxed", "below",
#if !defined(__SANITIZE_ADDRESS__)  // which makes calls that compute-only does not have
             "strict",
#endif
       }) {
    absl::StatusOr<LaunchedChild> one = server.Launch(From(name, Answering()));
    absl::StatusOr<LaunchedChild> other = server.Launch(From(name, Answering()));
    ASSERT_TRUE(one.ok() && other.ok()) << one.status() << other.status();
    EXPECT_NE(Ask(*one, "signal " + Ask(*other, "pid")), "done") << name;
    if (std::string_view(name) != "strict") {  // where nobody may signal, not even itself
      EXPECT_EQ(Ask(*one, "signal " + Ask(*one, "pid")), "done") << name;
      EXPECT_EQ(Ask(*one, "signal " + Ask(*other, "pid")), "EPERM") << name;
    }
  }
}

HOST_TEST(Sandbox, TheBrokerLendsNoCapabilities) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "frame number"), "hidden");
}

HOST_TEST(Sandbox, ADangerousCallIsTheEnd) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "mount"), "(no answer)");
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
}

HOST_TEST(Sandbox, ABlankIsLockedWhileItWaits) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  absl::StatusOr<LaunchedChild> first = server.Launch(Answering(ProcessType::kDummy));
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(DispatchUntil(
      server, [&server] { return !StatusOf(server, "sandboxed").idle_blanks.empty(); }));
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering(ProcessType::kDummy));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  EXPECT_EQ(server.refused_calls().back().type, ProcessType::kDummy);
}

HOST_TEST(Sandbox, AChildsStatusArrivesAsAnyOther) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "3"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 3);
  child = server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"threads"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->ToString(), "exited with status 0");
}

// Neither in engaging the sandbox nor in launching from it.
HOST_TEST(Sandbox, ATemplateWritesNothingThatIsFrozen) {
  for (const char* name : {"sandboxed", "below"}) {
    const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing(name);
    ASSERT_TRUE(hello.ok()) << hello.status();
    if (hello->freeze.stopped_at == FreezeStep::kAddressSanitizer) return;
    ASSERT_TRUE(hello->freeze.frozen()) << hello->freeze.ToString();
    for (int i = 0; i < 100; ++i) {
      LaunchOptions options = {.type = ProcessType::kIpcUnitTest, .argv = {"exit", "0"}};
      absl::StatusOr<LaunchedChild> child = server.Launch(From(name, options));
      ASSERT_TRUE(child.ok()) << child.status();
      ASSERT_TRUE(child->process.Wait()->success());
    }
    const absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(*StatusOf(server, name).pid);
    ASSERT_TRUE(memory.ok()) << memory.status();
    EXPECT_GT(memory->mappings, 0u);
    EXPECT_EQ(memory->anonymous_bytes, 0u) << name << ": " << memory->written;
  }
}

LaunchOptions By(LaunchWay way, LaunchOptions options) {
  options.way = way;
  return options;
}

HOST_TEST(Sandbox, AnExecedChildEngagesByItselfWhatAForkInherits) {
  // The broker's descriptors are counted where a template serves.
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  absl::StatusOr<LaunchedChild> child = server.Launch(By(LaunchWay::kExec, Answering()));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  ASSERT_NE(child->sandbox, nullptr);
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const auto layer = static_cast<SandboxLayer>(i);
    if (layer == SandboxLayer::kNotDumpable || layer == SandboxLayer::kPidNamespace) continue;
    EXPECT_EQ((*child->sandbox)[layer].outcome, LayerOutcome::kEngaged)
        << SandboxLayerName(layer) << ": " << LayerStateText((*child->sandbox)[layer]);
  }
  EXPECT_EQ(LayerStateText((*child->sandbox)[SandboxLayer::kPidNamespace]),
            "a process that was exec'ed stays in the host's");
  EXPECT_EQ(Ask(*child, "host name"), "sandbox");
  EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  EXPECT_EQ(server.refused_calls().back().pid, child->process.pid());
  EXPECT_EQ(Ask(*child, "clone3"), "ENOSYS");
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
  EXPECT_EQ(Ask(*child, "mount"), "(no answer)");
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
}

// Where a template's warm-up would have done it for a forked one.
HOST_TEST(Sandbox, AnExecedChildLoadsCodeBeforeItsSandboxAndNotAfter) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  absl::StatusOr<LaunchedChild> child = server.Launch(By(LaunchWay::kExec, Answering()));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "before the sandbox"), "mapped");
  EXPECT_EQ(Ask(*child, "map code"), "EACCES");
  child = server.Launch(By(LaunchWay::kExec, Answering(ProcessType::kDummy)));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "before the sandbox"), "not called") << "by another program's row";
  child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(Ask(*child, "before the sandbox"), "not called") << "in a fork";
}

HOST_TEST(Sandbox, AChildWithALayoutOfItsOwnHasTheSandboxToo) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  LaunchOptions options = Answering();
  options.layout = Layout::kOwn;
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_NE(child->sandbox, nullptr);
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
}

HOST_TEST(Sandbox, AnExecThatCannotHaveARequiredLayerIsRefused) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch(By(LaunchWay::kExec, From("required", Answering())));
  const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
  ASSERT_TRUE(failure.has_value()) << child.status();
  EXPECT_EQ(failure->step, LaunchStep::kSandbox);
  EXPECT_EQ(failure->index, static_cast<uint32_t>(SandboxLayer::kPidNamespace));
}

HOST_TEST(Sandbox, ATemplateBelowASandboxedOneInheritsAndFreezes) {
  absl::StatusOr<LaunchedChild> child = server.Launch(From("below", Answering()));
  ASSERT_TRUE(child.ok()) << child.status();
  const TemplateStatus below = StatusOf(server, "below");
#if !defined(__SANITIZE_ADDRESS__)  // which nothing is frozen under
  EXPECT_TRUE(below.hello.freeze.frozen()) << below.hello.freeze.ToString();
#endif
  EXPECT_EQ(below.init_pid, std::nullopt);
  EXPECT_EQ((*child->sandbox)[SandboxLayer::kPidNamespace].outcome, LayerOutcome::kInherited);
  EXPECT_EQ((*child->sandbox)[SandboxLayer::kListener].outcome, LayerOutcome::kInherited);
  EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
  EXPECT_EQ(server.refused_calls().back().pid, child->process.pid());
  child = absl::CancelledError();
  child = server.Launch(Answering());
  EXPECT_TRUE(child.ok()) << child.status();
}

HOST_TEST(Sandbox, ATemplateBelowASandboxedOneCanOnlyTakeAway) {
  absl::StatusOr<LaunchedChild> child = server.Launch(From("strict", Answering()));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->sandbox->policy, SandboxPolicyId::kComputeOnly);
  EXPECT_NE(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_EQ(Ask(*child, "seccomp"), "EPERM");
}

HOST_TEST(Sandbox, DeathOfTheInitEndsTheChildrenAndTheTemplateStartsAgain) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  const TemplateStatus before = StatusOf(server, "sandboxed");
  ASSERT_TRUE(before.init_pid.has_value());
  ASSERT_TRUE(SignalProcess(before.init_pid, SIGKILL).ok());
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
  ASSERT_TRUE(DispatchUntil(
      server, [&server] { return StatusOf(server, "sandboxed").state == State::kDead; }));
  EXPECT_EQ(StatusOf(server, "sandboxed").why_dead.message(),
            "template 'sandboxed' died: the init of its children's pid namespace has ended");
  LaunchOptions again = Answering();
  again.way = LaunchWay::kTemplate;
  absl::StatusOr<LaunchedChild> next = server.Launch(again);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(Ask(*next, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_NE(StatusOf(server, "sandboxed").init_pid, before.init_pid);
}

// No event has told of it: the fork's own answer does.
HOST_TEST(Sandbox, AForkRightAfterTheDeathOfTheInitIsSentAgain) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(SignalProcess(StatusOf(server, "sandboxed").init_pid, SIGKILL).ok());
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
  LaunchOptions again = Answering();
  again.way = LaunchWay::kFork;
  absl::StatusOr<LaunchedChild> next = server.Launch(again);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(Ask(*next, "open /usr/share/zoneinfo"), "TZif");
}

// Killed, it is not there for the next launch, which has the same sandbox all the same.
HOST_TEST(Sandbox, OfALaunchThatFallsBackToAnExecIsItsOwn) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "sandboxed").pid, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(
      server, [&server] { return StatusOf(server, "sandboxed").state == State::kDead; }));
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  ASSERT_NE(child->sandbox, nullptr);
  EXPECT_EQ((*child->sandbox)[SandboxLayer::kListener].outcome, LayerOutcome::kEngaged);
  EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
}

HOST_TEST(Sandbox, DeathOfTheTemplateHurtsNoChild) {
  absl::StatusOr<LaunchedChild> child = server.Launch(Answering());
  ASSERT_TRUE(child.ok()) << child.status();
  const TemplateStatus before = StatusOf(server, "sandboxed");
  ASSERT_TRUE(SignalProcess(before.pid, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(
      server, [&server] { return StatusOf(server, "sandboxed").state == State::kDead; }));
  EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  LaunchOptions again = Answering();
  again.way = LaunchWay::kTemplate;
  absl::StatusOr<LaunchedChild> next = server.Launch(again);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(Ask(*next, "open /etc/hostname"), "EACCES");
  EXPECT_EQ(server.refused_calls().back().pid, next->process.pid());
  EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
  EXPECT_EQ(server.refused_calls().back().pid, child->process.pid());
  // With its last child the old init goes too.
  const UniqueFd init = testing::OpenPidfd(*before.init_pid);
  EXPECT_EQ(child->process.Signal(SIGKILL), absl::OkStatus());
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
  EXPECT_TRUE(testing::WaitForEnd(init));
}

// Also where the host may dump as much as it likes. A core that the machine pipes to a program is
// that program's, whatever the limit is (core(5)).
HOST_TEST(Sandbox, ACrashLeavesNoCore) {
  std::string pattern;
  std::ifstream("/proc/sys/kernel/core_pattern") >> pattern;
  if (pattern.empty() || pattern.find_first_of("|/") != pattern.npos) {
    GTEST_SKIP() << "cores do not go to the working directory here, but to " << pattern;
  }
  const testing::TemporaryFolder folder;
  LaunchOptions crash = {.type = ProcessType::kIpcUnitTest,
                         .argv = {"raise", std::to_string(SIGABRT)}};
  absl::StatusOr<LaunchedChild> child = server.Launch(crash);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGABRT");
#if !defined(__SANITIZE_ADDRESS__)  // which takes its processes' cores away by itself
  rlimit limit = {};
  getrlimit(RLIMIT_CORE, &limit);
  if (limit.rlim_cur == 0) GTEST_SKIP() << "nobody may dump here";
  crash.template_name = "root";
  crash.working_directory = folder.path();
  child = server.Launch(crash);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGABRT (core dumped)");
#endif
}

// A level is what the pref says when the template starts.
void SetLevel(ForkServer& server, int level, SandboxPolicyId policy = SandboxPolicyId::kContent) {
  PrefsStore store;
  const std::string line = absl::StrFormat("pref(\"%s\", %d);", SandboxLevelPref(policy), level);
  ASSERT_TRUE(store.LoadText(line, "levels.js").empty());
  absl::StatusOr<PrefsGeneration> prefs = store.Publish();
  ASSERT_TRUE(prefs.ok()) << prefs.status();
  server.SetPrefs(*prefs);
}

// Neither by its own rules nor by what its template's options add.
HOST_TEST(Sandbox, APolicyBelowAnotherOneWidensNothing) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    absl::StatusOr<LaunchedChild> child = server.Launch(By(way, From("wider", Answering())));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->sandbox->policy, SandboxPolicyId::kGpu);
    EXPECT_EQ(child->sandbox->policies,
              PolicyBit(SandboxPolicyId::kContent) | PolicyBit(SandboxPolicyId::kGpu));
    EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
    EXPECT_EQ(Ask(*child, "open /proc/cpuinfo"), "EACCES");
    EXPECT_EQ(Ask(*child, "open /dev/null"), "opened");
  }
}

HOST_TEST(Sandbox, APolicyThatIsOffBelowAnotherOneLeavesThatOne) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  SetLevel(server, kSandboxOff, SandboxPolicyId::kGpu);
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    absl::StatusOr<LaunchedChild> child = server.Launch(By(way, From("wider", Answering())));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_NE(child->sandbox, nullptr);
    EXPECT_EQ(child->sandbox->policy, SandboxPolicyId::kContent);
    EXPECT_EQ(child->sandbox->level, kFullSandbox);
    EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
    EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
  }
  server.SetPrefs({});
}

HOST_TEST(Sandbox, AtLevelZeroItIsOff) {
  SetLevel(server, kSandboxOff);
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    absl::StatusOr<LaunchedChild> child = server.Launch(By(way, Answering()));
    ASSERT_TRUE(child.ok()) << child.status();
    EXPECT_EQ(child->sandbox, nullptr);
    EXPECT_EQ(Ask(*child, "pid"), std::to_string(child->process.pid()));
    EXPECT_EQ(Ask(*child, "open /etc/hostname"), "opened");
  }
  server.SetPrefs({});
}

HOST_TEST(Sandbox, AtLevelOneThereAreNoNamespaces) {
  SetLevel(server, kSandboxWithoutNamespaces);
  for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kExec}) {
    absl::StatusOr<LaunchedChild> child = server.Launch(By(way, Answering()));
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_NE(child->sandbox, nullptr);
    EXPECT_EQ(child->sandbox->level, kSandboxWithoutNamespaces);
    EXPECT_EQ((*child->sandbox)[SandboxLayer::kPidNamespace].outcome, LayerOutcome::kNotWanted);
    EXPECT_EQ((*child->sandbox)[SandboxLayer::kEmptyRoot].outcome, LayerOutcome::kNotWanted);
    EXPECT_EQ(Ask(*child, "pid"), std::to_string(child->process.pid()));
    EXPECT_EQ(Ask(*child, "open /usr/share/zoneinfo"), "TZif");
    EXPECT_EQ(Ask(*child, "open /etc/hostname"), "EACCES");
    EXPECT_EQ(Ask(*child, "kill init"), "EPERM");
  }
  server.SetPrefs({});
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{.type = ProcessType::kIpcUnitTest,
                             .make = MakeChildProgram<SandboxedProgram>,
                             .before_sandbox = BeforeSandbox},
                            {ProcessType::kDummy, MakeChildProgram<SandboxedProgram>}};
  setup.options.templates = {
      {.name = "sandboxed",
       .types = {ProcessType::kIpcUnitTest, ProcessType::kDummy},
       .sandbox = {.policy = SandboxPolicyId::kContent}},
      {.name = "below", .parent = "sandboxed"},
      {.name = "strict",
       .parent = "sandboxed",
       .sandbox = {.policy = SandboxPolicyId::kComputeOnly}},
      {.name = "wider",
       .parent = "sandboxed",
       .sandbox = {.policy = SandboxPolicyId::kGpu,
                   .files = {{.path = "/etc/hostname",
                              .reach = FileReach::kExactly,
                              .rights = kMayRead}}}},
      {.name = "required",
       .sandbox = {.policy = SandboxPolicyId::kContent, .required = kAllSandboxLayers}}};
  if (test == "Sandbox.ACrashLeavesNoCore") {
    setup.before_start = [] {
      rlimit limit = {};
      getrlimit(RLIMIT_CORE, &limit);
      limit.rlim_cur = limit.rlim_max;
      setrlimit(RLIMIT_CORE, &limit);
    };
  }
  return setup;
}

}  // namespace forkserver
