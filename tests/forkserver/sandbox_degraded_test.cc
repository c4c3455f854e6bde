// Sandboxes on machines that refuse some of their layers, and hosts that are not root: there is as
// much sandbox as there can be, every launch says how much, and who wants more gets no launch.
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "forkserver/host/effective_sandbox.h"
#include "forkserver/host/launch_failure.h"
#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/mini_transceiver.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using ::testing::EndsWith;
using testing::HostSetup;
using Layer = SandboxLayer;
using Refusals = std::map<Layer, std::string>;

constexpr uint64_t kAllNamespaces =
    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET;

const Refusals& NoLandlock(int error) {
  const auto all = [](const char* text) {
    return Refusals{{Layer::kLandlockFiles, text},
                    {Layer::kLandlockNetwork, text},
                    {Layer::kLandlockScopes, text},
                    {Layer::kOwnLandlockDomain, text}};
  };
  static const Refusals unknown = all("landlock_create_ruleset: ENOSYS");
  static const Refusals disabled = all("landlock_create_ruleset: EOPNOTSUPP");
  return error == ENOSYS ? unknown : disabled;
}

const Refusals kNoNamespaces = {
    {Layer::kUserNamespace, "unshare CLONE_NEWUSER: EPERM"},
    {Layer::kPidNamespace, "unshare CLONE_NEWPID: EPERM"},
    {Layer::kMountNamespace, "unshare CLONE_NEWNS: EPERM"},
    {Layer::kIpcNamespace, "unshare CLONE_NEWIPC: EPERM"},
    {Layer::kUtsNamespace, "unshare CLONE_NEWUTS: EPERM"},
    {Layer::kNetworkNamespace, "unshare CLONE_NEWNET: EPERM"},
    {Layer::kEmptyRoot, "a layer that it needs is missing"},
};

// Opens what its arguments name and sends back what it read, or why not; then waits for the host
// to hang up.
class OpeningProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    if (context.argv.size() != 2 || std::string_view(context.argv[0]) != "open") {
      return TestProgram::Run(context);
    }
    const UniqueFd fd(open(context.argv[1], O_RDONLY | O_CLOEXEC));
    char text[5] = {};
    const char* answer = text;
    if (!fd.is_open()) answer = strerrorname_np(errno);
    if (fd.is_open() && read(fd.get(), text, 4) != 4) answer = "short";
    context.channel.Send({.type = testing::kEcho},
                         {reinterpret_cast<const uint8_t*>(answer), strnlen(answer, 10)});
    while (context.channel.Receive() == ReceiveOutcome::kMessage) {
    }
    return 0;
  }
};

std::string TextOf(const LaunchedChild& child) {
  uint8_t buffer[1024];
  Packet packet(buffer);
  if (ReceivePacket(child.socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "(no answer)";
  }
  return {reinterpret_cast<const char*>(packet.payload().data()),
          strnlen(reinterpret_cast<const char*>(packet.payload().data()), packet.payload().size())};
}

constexpr char kAllowedFile[] = "/usr/share/zoneinfo/UTC";
constexpr char kForbiddenFile[] = "/etc/hostname";

// What a child that was launched under this machine reads of a file, "TZif" by the broker.
std::string Opened(ForkServer& server, const char* path) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"open", path}});
  return child.ok() ? TextOf(*child) : child.status().ToString();
}

// Those that the report says are refused, and the trial in the host agrees with it in all.
void ExpectRefused(ForkServer& server, const Refusals& expected) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"echo"}});
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_NE(child->sandbox, nullptr);
  absl::StatusOr<SandboxReport> effective = EffectiveSandbox(SandboxPolicyId::kContent);
  ASSERT_TRUE(effective.ok()) << effective.status();
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const auto layer = static_cast<Layer>(i);
    if (layer == Layer::kNotDumpable) continue;  // this policy has a broker
    const auto refused = expected.find(layer);
    EXPECT_EQ(LayerStateText((*child->sandbox)[layer]),
              refused == expected.end() ? "engaged" : refused->second)
        << SandboxLayerName(layer);
    EXPECT_EQ(LayerStateText((*effective)[layer]), LayerStateText((*child->sandbox)[layer]))
        << SandboxLayerName(layer);
  }
}

// How a child ends, and is ended, does not depend on what its sandbox lacks.
void ExpectEndsArrive(ForkServer& server) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "3"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->ToString(), "exited with status 3");
  child = server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(kill(child->process.pid(), 0), 0);
  ASSERT_TRUE(child->process.Signal(SIGKILL).ok());
  EXPECT_EQ(child->process.Wait()->ToString(), "killed by SIGKILL");
}

// From the template that requires all layers.
void ExpectNoLaunchWithout(ForkServer& server, Layer layer, int error, const std::string& text) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kContent, .argv = {"exit", "0"}});
  ASSERT_FALSE(child.ok());
  const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
  ASSERT_TRUE(failure.has_value()) << child.status();
  EXPECT_EQ(failure->step, LaunchStep::kSandbox);
  EXPECT_EQ(failure->error, error);
  EXPECT_EQ(failure->index, static_cast<uint32_t>(layer));
  EXPECT_EQ(failure->detail, text);
  EXPECT_THAT(std::string(child.status().message()), EndsWith("sandbox: " + text));
}

void ExpectBrokerAnswers(ForkServer& server) {
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  EXPECT_EQ(Opened(server, kForbiddenFile), "EACCES");
}

void ExpectNoNamespaceButTheRest(ForkServer& server) {
  ExpectRefused(server, kNoNamespaces);
  ExpectBrokerAnswers(server);
  ExpectEndsArrive(server);
  ExpectNoLaunchWithout(server, Layer::kUserNamespace, EPERM,
                        "user namespace: unshare CLONE_NEWUSER: EPERM");
}

HOST_TEST(DegradedSandbox, UserNamespacesForbiddenToRootCostNothingElse) {
  ExpectRefused(server, {{Layer::kUserNamespace, "unshare CLONE_NEWUSER: EPERM"}});
  ExpectBrokerAnswers(server);
  ExpectEndsArrive(server);
  ExpectNoLaunchWithout(server, Layer::kUserNamespace, EPERM,
                        "user namespace: unshare CLONE_NEWUSER: EPERM");
}

HOST_TEST(DegradedSandbox, UserNamespacesForbiddenToNobodyCostAllNamespaces) {
  ExpectNoNamespaceButTheRest(server);
}

HOST_TEST(DegradedSandbox, UserNamespacesUsedUpCostNothingElse) {
  ExpectRefused(server, {{Layer::kUserNamespace, "unshare CLONE_NEWUSER: ENOSPC"}});
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  ExpectEndsArrive(server);
  ExpectNoLaunchWithout(server, Layer::kUserNamespace, ENOSPC,
                        "user namespace: unshare CLONE_NEWUSER: ENOSPC");
}

HOST_TEST(DegradedSandbox, WithoutAPidNamespaceChildrenAreInTheHosts) {
  ExpectRefused(server, {{Layer::kPidNamespace, "unshare CLONE_NEWPID: ENOSPC"}});
  EXPECT_FALSE(testing::StatusOf(server, "sandboxed").init_pid.has_value());
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  ExpectEndsArrive(server);
  ExpectNoLaunchWithout(server, Layer::kPidNamespace, ENOSPC,
                        "pid namespace: unshare CLONE_NEWPID: ENOSPC");
}

HOST_TEST(DegradedSandbox, WithoutANetworkNamespaceTheOthersAreThere) {
  ExpectRefused(server, {{Layer::kNetworkNamespace, "unshare CLONE_NEWNET: EPERM"}});
  ExpectNoLaunchWithout(server, Layer::kNetworkNamespace, EPERM,
                        "network namespace: unshare CLONE_NEWNET: EPERM");
}

HOST_TEST(DegradedSandbox, WithoutMountTheRootIsTheHosts) {
  ExpectRefused(server, {{Layer::kEmptyRoot, "mount / MS_PRIVATE: EPERM"}});
  ExpectBrokerAnswers(server);
  ExpectNoLaunchWithout(server, Layer::kEmptyRoot, EPERM, "empty root: mount / MS_PRIVATE: EPERM");
}

HOST_TEST(DegradedSandbox, WithoutFsopenTheRootIsTheHosts) {
  ExpectRefused(server, {{Layer::kEmptyRoot, "mount of the empty root: ENOSYS"}});
  EXPECT_EQ(Opened(server, kForbiddenFile), "EACCES");
  ExpectNoLaunchWithout(server, Layer::kEmptyRoot, ENOSYS,
                        "empty root: mount of the empty root: ENOSYS");
}

// Half of the way in, names would have led into the new root where they were relative.
HOST_TEST(DegradedSandbox, WithoutPivotRootTheWorkingDirectoryStays) {
  ExpectRefused(server, {{Layer::kEmptyRoot, "pivot_root: EPERM"}});
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"wait"}});
  ASSERT_TRUE(child.ok()) << child.status();
  char own[4096], childs[4096];
  const ssize_t own_size = readlink("/proc/self/cwd", own, sizeof(own));
  const ssize_t childs_size = readlink(
      absl::StrFormat("/proc/%d/cwd", child->process.pid()).c_str(), childs, sizeof(childs));
  ASSERT_GT(own_size, 1);
  ASSERT_GT(childs_size, 0);
  EXPECT_EQ(std::string(childs, childs_size), std::string(own, own_size));
  ExpectNoLaunchWithout(server, Layer::kEmptyRoot, EPERM, "empty root: pivot_root: EPERM");
}

// No clone3, no namespace, no mount: Docker's own filter, for whom it gives no capability.
HOST_TEST(DegradedSandbox, InAContainerThereIsWhatNeedsNoNamespace) {
  ExpectNoNamespaceButTheRest(server);
}

HOST_TEST(DegradedSandbox, AKernelWithoutLandlockCostsItsFourLayers) {
  ExpectRefused(server, NoLandlock(ENOSYS));
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  ExpectEndsArrive(server);
  ExpectNoLaunchWithout(server, Layer::kLandlockFiles, ENOSYS,
                        "Landlock: files: landlock_create_ruleset: ENOSYS");
}

HOST_TEST(DegradedSandbox, LandlockDisabledAtBootCostsItsFourLayers) {
  ExpectRefused(server, NoLandlock(EOPNOTSUPP));
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  ExpectNoLaunchWithout(server, Layer::kLandlockFiles, EOPNOTSUPP,
                        "Landlock: files: landlock_create_ruleset: EOPNOTSUPP");
}

HOST_TEST(DegradedSandbox, UnderASupervisorTheKernelAnswersInTheBrokersPlace) {
  ExpectRefused(server, {{Layer::kListener, "seccomp SECCOMP_FILTER_FLAG_NEW_LISTENER: EBUSY"}});
  EXPECT_EQ(Opened(server, kAllowedFile), "EACCES");
  ExpectEndsArrive(server);
  ExpectNoLaunchWithout(server, Layer::kListener, EBUSY,
                        "broker and reporter: seccomp SECCOMP_FILTER_FLAG_NEW_LISTENER: EBUSY");
}

// Nobody said that these are required: the policy does.
HOST_TEST(DegradedSandbox, WithoutASystemCallFilterThereIsNoLaunchAtAll) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"exit", "0"}});
  ASSERT_FALSE(child.ok());
  const std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
  ASSERT_TRUE(failure.has_value()) << child.status();
  EXPECT_EQ(failure->step, LaunchStep::kSandbox);
  EXPECT_EQ(failure->index, static_cast<uint32_t>(Layer::kSystemCallFilter));
  EXPECT_THAT(std::string(child.status().message()),
              EndsWith("sandbox: system calls: seccomp SECCOMP_SET_MODE_FILTER: EPERM"));
}

// What newer kernels add to Landlock is all that it does without.
HOST_TEST(DegradedSandbox, ComputeOnlyTakesNothingLess) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kUtility, .argv = {"exit", "0"}});
  ASSERT_FALSE(child.ok());
  EXPECT_THAT(std::string(child.status().message()),
              EndsWith("sandbox: network namespace: unshare CLONE_NEWNET: EPERM"));
}

HOST_TEST(DegradedSandbox, NobodyHasEveryLayerAndItsBroker) {
  ASSERT_EQ(geteuid(), 65534u);
  ExpectRefused(server, {});
  ExpectBrokerAnswers(server);
  ASSERT_EQ(server.refused_calls().size(), 1u);
  ExpectEndsArrive(server);
}

// None of its calls is answered by looking in.
HOST_TEST(DegradedSandbox, NobodysComputeOnlyMayBeLookedIntoByNobody) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "address sanitizer calls sigaltstack, which compute-only does not have";
#endif
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kUtility, .argv = {"exit", "4"}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->process.Wait()->code, 4);
}

// Its files in /proc are root's, so that it cannot write the maps of its user namespace, and it may
// not look into its children, which the broker must. prctl PR_SET_DUMPABLE before Start mends both.
HOST_TEST(DegradedSandbox, ADaemonThatDroppedItsRightsHasNoBrokersAnswers) {
  ExpectRefused(server, {{Layer::kUserNamespace, "write /proc/self/setgroups: EACCES"}});
  EXPECT_EQ(Opened(server, kAllowedFile), "EACCES");
  ExpectEndsArrive(server);
}

HOST_TEST(DegradedSandbox, ABlankOfNobodysIsALaunchAsGood) {
  ASSERT_TRUE(server.WaitUntilServing("sandboxed").ok());
  ASSERT_TRUE(server.Launch({.type = ProcessType::kDummy, .argv = {"exit", "0"}}).ok());
  ASSERT_TRUE(testing::DispatchUntil(
      server, [&server] { return !testing::StatusOf(server, "sandboxed").idle_blanks.empty(); }));
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kDummy, .argv = {"open", kAllowedFile}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kPool);
  EXPECT_EQ(TextOf(*child), "TZif");
  // The next one is on its way, and would be counted as a descriptor too many.
  EXPECT_TRUE(testing::DispatchUntil(server, [&server] {
    return testing::StatusOf(server, "sandboxed").idle_blanks.size() == 1;
  }));
}

HOST_TEST(DegradedSandbox, AHostWithoutNewPrivilegesHasEveryLayer) {
  ExpectRefused(server, {});
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  ExpectEndsArrive(server);
}

HOST_TEST(DegradedSandbox, AHostInAUserNamespaceHasEveryLayer) {
  ExpectRefused(server, {});
  EXPECT_EQ(Opened(server, kAllowedFile), "TZif");
  ExpectEndsArrive(server);
}

HOST_TEST(DegradedSandbox, AHostThatIsAnInitHasEveryLayer) {
  ASSERT_EQ(getpid(), 1);
  ExpectRefused(server, {});
  ExpectBrokerAnswers(server);
  ExpectEndsArrive(server);
}

struct Machine {
  std::string_view test;
  void (*prepare)();
};

constexpr Machine kMachines[] = {
    {"UserNamespacesForbiddenToRoot", [] { testing::Forbid(SYS_unshare, EPERM, CLONE_NEWUSER); }},
    {"UserNamespacesForbiddenToNobody",
     [] {
       testing::BecomeNobody();
       testing::Forbid(SYS_unshare, EPERM, CLONE_NEWUSER);
     }},
    {"UserNamespacesUsedUp", [] { testing::EnterUserNamespaceWithoutRoomFor("user"); }},
    {"WithoutAPidNamespace", [] { testing::EnterUserNamespaceWithoutRoomFor("pid"); }},
    {"WithoutANetworkNamespace", [] { testing::Forbid(SYS_unshare, EPERM, CLONE_NEWNET); }},
    {"WithoutMount", [] { testing::Forbid(SYS_mount, EPERM); }},
    {"WithoutFsopen", [] { testing::Forbid(SYS_fsopen, ENOSYS); }},
    {"WithoutPivotRoot", [] { testing::Forbid(SYS_pivot_root, EPERM); }},
    {"InAContainer",
     [] {
       testing::Forbid(SYS_clone3, ENOSYS);
       testing::Forbid(SYS_clone, EPERM, kAllNamespaces);
       testing::Forbid(SYS_unshare, EPERM, kAllNamespaces);
       testing::Forbid(SYS_mount, EPERM);
       testing::Forbid(SYS_pivot_root, EPERM);
     }},
    {"AKernelWithoutLandlock", [] { testing::Forbid(SYS_landlock_create_ruleset, ENOSYS); }},
    {"LandlockDisabledAtBoot", [] { testing::Forbid(SYS_landlock_create_ruleset, EOPNOTSUPP); }},
    {"UnderASupervisor", [] { testing::Hang(SYS_acct); }},
    {"WithoutASystemCallFilter", [] { testing::Forbid(SYS_seccomp, EPERM); }},
    {"ComputeOnlyTakesNothingLess", [] { testing::Forbid(SYS_unshare, EPERM, CLONE_NEWNET); }},
    {"Nobody", testing::BecomeNobody},
    {"ABlankOfNobodys", testing::BecomeNobody},
    {"ADaemonThatDropped", testing::DropToNobody},
    {"AHostWithoutNewPrivileges", testing::ForbidNewPrivilegesForGood},
    {"AHostInAUserNamespace", testing::EnterOwnUserNamespace},
    {"AHostThatIsAnInit", testing::BecomeInitOfOwnPidNamespace},
};

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<OpeningProgram>},
                            {ProcessType::kDummy, MakeChildProgram<OpeningProgram>},
                            {ProcessType::kContent, MakeChildProgram<OpeningProgram>},
                            {ProcessType::kUtility, MakeChildProgram<OpeningProgram>}};
  setup.options.templates = {
      {.name = "sandboxed",
       .types = {ProcessType::kIpcUnitTest, ProcessType::kDummy},
       .sandbox = {.policy = SandboxPolicyId::kContent}},
      {.name = "strict",
       .types = {ProcessType::kContent},
       .sandbox = {.policy = SandboxPolicyId::kContent, .required = kAllSandboxLayers}},
      {.name = "compute-only",
       .types = {ProcessType::kUtility},
       .sandbox = {.policy = SandboxPolicyId::kComputeOnly}}};
  if (test.ends_with("ABlankOfNobodysIsALaunchAsGood")) {
    setup.options.templates.front().pool = PoolBounds{.min = 1, .max = 1};
  }
  for (const Machine& machine : kMachines) {
    const std::string_view name(test);
    if (name.substr(name.find('.') + 1).starts_with(machine.test)) {
      setup.before_start = machine.prepare;
      break;
    }
  }
  return setup;
}

}  // namespace forkserver
