// The trial of a sandbox in a host: what it finds, and that nothing is left of it. That it finds
// what launches then have is in sandbox_degraded_test.
#include "forkserver/host/effective_sandbox.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/syscall.h>

#include <atomic>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/forkserver/degraded_machine.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using ::testing::HasSubstr;
using testing::HostSetup;

// Shared mappings of this process, of which the allocator makes none.
size_t CountSharedMappings() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    // "55d0-55d1 rw-s ..."
    if (line.at(line.find(' ') + 4) == 's') ++count;
  }
  return count;
}

HOST_TEST(EffectiveSandbox, OfEveryPolicyEveryLayerThatItWantsHoldsHere) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    SCOPED_TRACE(std::string(SandboxPolicyName(id)));
    const absl::StatusOr<SandboxReport> report = EffectiveSandbox(id);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->policy, id);
    EXPECT_EQ(report->level, kFullSandbox);
    EXPECT_EQ(FirstMissing(*report, kAllSandboxLayers), SandboxLayer::kCount)
        << LayerStateText((*report)[FirstMissing(*report, kAllSandboxLayers)]);
    EXPECT_TRUE((*report)[SandboxLayer::kOwnFilter].holds());
    const bool has_network = MakeSandboxPolicy(id).network == NetworkAccess::kHost;
    EXPECT_NE((*report)[SandboxLayer::kNetworkNamespace].holds(), has_network);
  }
}

HOST_TEST(EffectiveSandbox, ALowerLevelWantsNoNamespaceAndOffWantsNothing) {
  const absl::StatusOr<SandboxReport> lower =
      EffectiveSandbox(SandboxPolicyId::kContent, kSandboxWithoutNamespaces);
  ASSERT_TRUE(lower.ok()) << lower.status();
  EXPECT_EQ((*lower)[SandboxLayer::kUserNamespace].outcome, LayerOutcome::kNotWanted);
  EXPECT_EQ((*lower)[SandboxLayer::kPidNamespace].outcome, LayerOutcome::kNotWanted);
  EXPECT_TRUE((*lower)[SandboxLayer::kSystemCallFilter].holds());
  EXPECT_TRUE((*lower)[SandboxLayer::kOwnLandlockDomain].holds());
  const absl::StatusOr<SandboxReport> off =
      EffectiveSandbox(SandboxPolicyId::kContent, kSandboxOff);
  ASSERT_TRUE(off.ok()) << off.status();
  EXPECT_EQ(off->layers, SandboxReport().layers);
}

HOST_TEST(EffectiveSandbox, WhatIsNoPolicyAndNoLevelIsAnError) {
  EXPECT_TRUE(absl::IsInvalidArgument(EffectiveSandbox(SandboxPolicyId::kNone).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EffectiveSandbox(SandboxPolicyId::kCount).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EffectiveSandbox(SandboxPolicyId::kContent, 3).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(EffectiveSandbox(SandboxPolicyId::kContent, -1).status()));
}

// What it has engaged itself.
std::string OwnRestrictions() {
  std::ifstream status("/proc/self/status");
  std::string found;
  for (std::string line; std::getline(status, line);) {
    for (const std::string_view name : {"NoNewPrivs:", "Seccomp:", "Seccomp_filters:", "Cap"}) {
      if (line.starts_with(name)) found += line + "\n";
    }
  }
  return found;
}

HOST_TEST(EffectiveSandbox, NothingIsLeftOfIt) {
  const std::string restrictions = OwnRestrictions();
  ASSERT_TRUE(EffectiveSandbox().ok());
  const size_t descriptors = testing::CountOpenDescriptors();
  const size_t children = testing::CountChildren();
  const size_t mappings = CountSharedMappings();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(EffectiveSandbox().ok());
  EXPECT_EQ(testing::CountOpenDescriptors(), descriptors);
  EXPECT_EQ(testing::CountChildren(), children);
  EXPECT_EQ(CountSharedMappings(), mappings);
  EXPECT_EQ(OwnRestrictions(), restrictions);
}

// The children hold the locks of threads that they do not have.
HOST_TEST(EffectiveSandbox, BesideThreadsThatAllocateItEndsAllTheSame) {
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&is_over] {
      while (!is_over) delete[] new char[1000];
    });
  }
  for (int i = 0; i < 20; ++i) {
    const absl::StatusOr<SandboxReport> report = EffectiveSandbox();
    EXPECT_TRUE(report.ok()) << report.status();
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
}

// Who waits for any child of the host takes neither of the two.
HOST_TEST(EffectiveSandbox, NoSignalSaysThatItHadChildren) {
  static volatile sig_atomic_t signals = 0;
  struct sigaction action = {};
  action.sa_handler = [](int) { signals = signals + 1; };
  ASSERT_EQ(sigaction(SIGCHLD, &action, nullptr), 0);
  EXPECT_TRUE(EffectiveSandbox().ok());
  EXPECT_EQ(signals, 0);
  ASSERT_EQ(signal(SIGCHLD, SIG_IGN), action.sa_handler);
  const absl::StatusOr<SandboxReport> ignoring = EffectiveSandbox();
  EXPECT_TRUE(ignoring.ok()) << ignoring.status();
  signal(SIGCHLD, SIG_DFL);
}

HOST_TEST(EffectiveSandbox, AChildThatHangsIsKilledAtTheDeadline) {
  const int64_t started_at = NowNanos();
  const absl::StatusOr<SandboxReport> report = EffectiveSandbox();
  EXPECT_TRUE(absl::IsDeadlineExceeded(report.status())) << report.status();
  EXPECT_EQ(std::string(report.status().message()),
            "trying the sandbox content: the first child did not end within 2 s");
  EXPECT_GE(NowNanos() - started_at, 2 * kNanosPerSecond);
}

HOST_TEST(EffectiveSandbox, WhatOnlyTheSecondChildIsRefusedIsInTheReport) {
  const absl::StatusOr<SandboxReport> report = EffectiveSandbox();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE((*report)[SandboxLayer::kSystemCallFilter].holds());
  EXPECT_EQ(LayerStateText((*report)[SandboxLayer::kOwnFilter]),
            "seccomp SECCOMP_SET_MODE_FILTER: EPERM");
}

HOST_TEST(EffectiveSandbox, ASecondChildThatIsKilledIsAnErrorTooAndIsReaped) {
  const absl::StatusOr<SandboxReport> report = EffectiveSandbox();
  EXPECT_EQ(std::string(report.status().message()),
            "trying the sandbox content: the second child killed by SIGSYS");
}

HOST_TEST(EffectiveSandbox, AChildThatIsKilledIsAnErrorThatSaysBy) {
  const absl::StatusOr<SandboxReport> report = EffectiveSandbox();
  EXPECT_EQ(std::string(report.status().message()),
            "trying the sandbox content: the first child killed by SIGSYS");
}

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  if (test.ends_with("AChildThatHangsIsKilledAtTheDeadline")) {
    setup.before_start = [] { Hang(SYS_sethostname); };
  }
  // The first child's filter has a flag, that of its listener.
  static constexpr scmp_arg_cmp kNoFlag = {.arg = 1, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0};
  if (test.ends_with("WhatOnlyTheSecondChildIsRefusedIsInTheReport")) {
    setup.before_start = [] { Answer(SCMP_ACT_ERRNO(EPERM), SYS_seccomp, kNoFlag); };
  }
  if (test.ends_with("ASecondChildThatIsKilledIsAnErrorTooAndIsReaped")) {
    setup.before_start = [] { Answer(SCMP_ACT_KILL_PROCESS, SYS_seccomp, kNoFlag); };
  }
  if (test.ends_with("AChildThatIsKilledIsAnErrorThatSaysBy")) {
    setup.before_start = [] { Answer(SCMP_ACT_KILL_PROCESS, SYS_sethostname); };
  }
  return setup;
}

}  // namespace forkserver
