// A child dies, or a blank, at each phase of its life, and the host goes on.
//
// Where a phase has no end of its own to wait at, the process is held there by ptrace
// (held_process.h).
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "tests/deaths/death_host.h"
#include "tests/deaths/death_rows.h"
#include "tests/deaths/death_scene.h"
#include "tests/deaths/exec_holder.h"
#include "tests/deaths/held_process.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

enum class PlanIs : uint8_t { kUnread, kRead };

void ForkedChild(Scene& scene, PlanIs plan) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  scene.LaunchShort(kPage, scene.stops() ? Fate::kLate : Fate::kAborted);
  for (int i = 0; i < 2; ++i) {
    std::optional<HeldProcess> child = page.HoldNextChild();
    ASSERT_TRUE(child.has_value());
    ASSERT_TRUE(plan == PlanIs::kUnread || child->HoldAfterReceive());
    scene.Strike(child->pid());
  }
}
void ChildBeforeItsPlan(Scene& scene) { ForkedChild(scene, PlanIs::kUnread); }

void PooledChildBetweenPlanAndReady(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  ASSERT_TRUE(scene.FillPool(kPage, 2));
  std::vector<HeldProcess> blanks;
  for (const pid_t pid : StatusOf(scene.server, kPage).idle_blanks) {
    blanks.push_back(HeldProcess::Seize(pid));
    blanks.back().RunTraced();
  }
  scene.LaunchShort(kPage, scene.stops() ? Fate::kLate : Fate::kAborted);
  for (HeldProcess& blank : blanks) {
    ASSERT_TRUE(blank.HoldAfterReceive());
    scene.Strike(blank.pid());
  }
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

void ChildBetweenPlanAndReady(Scene& scene) {
  return scene.way == Way::kPooled ? PooledChildBetweenPlanAndReady(scene)
                                   : ForkedChild(scene, PlanIs::kRead);
}

// It has no template, and the host's own thread makes it: which nobody may hold up.
void ExecedChild(Scene& scene, ExecPhase phase) {
  ExecHolder holder(scene.server, phase, scene.signal);
  if (::testing::Test::HasFailure()) return;
  const int64_t start = NowNanos();
  scene.LaunchShort("root", scene.stops() ? Fate::kLate : Fate::kAborted);
  EXPECT_LT(absl::Nanoseconds(NowNanos() - start), kShort) << "the host was held up";
  for (int i = 0; i < 2; ++i) scene.WasStruck(holder.NextStruck());
}
void ExecedChildBeforeItsExec(Scene& scene) { ExecedChild(scene, ExecPhase::kBeforeExec); }
void ExecedChildBeforeItsPlan(Scene& scene) { ExecedChild(scene, ExecPhase::kBeforePlan); }
void ExecedChildBetweenPlanAndReady(Scene& scene) { ExecedChild(scene, ExecPhase::kAfterPlan); }

// Its status is its embedder's, once, and so is what to do of one that is stopped.
void ChildAfterReady(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  const bool is_pooled = scene.way == Way::kPooled;
  ASSERT_TRUE(!is_pooled || scene.FillPool(kPage, 1));
  LaunchOptions options = LaunchBy(scene.way, kPage, WhenTemplateDies::kFail);
  options.argv = {"sleep"};
  absl::StatusOr<LaunchedChild> child = scene.server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(child->by, is_pooled                   ? LaunchedBy::kPool
                       : scene.way == Way::kExeced ? LaunchedBy::kExec
                                                   : LaunchedBy::kFork);
  Told told;
  LaunchesInFlight launches(scene.server);
  const UniqueFd pidfd = OpenPidfd(child->process.pid());
  launches.SeeToItsEnd(told, std::move(child->process));
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, pidfd.get(), scene.signal, nullptr, 0), 0);
  if (scene.stops()) {
    // A stop is no end, and continuing is none.
    scene.server.Dispatch(absl::Milliseconds(20));
    EXPECT_EQ(told.statuses, 0);
    ASSERT_EQ(syscall(SYS_pidfd_send_signal, pidfd.get(), SIGCONT, nullptr, 0), 0);
    scene.server.Dispatch(absl::Milliseconds(20));
    EXPECT_EQ(told.statuses, 0);
    ASSERT_EQ(syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0), 0);
  }
  ASSERT_TRUE(DispatchUntil(scene.server, [&] { return told.statuses > 0; }));
  scene.server.Dispatch(absl::Milliseconds(20));
  EXPECT_EQ(told.statuses, 1);
  EXPECT_EQ(told.status->ToString(), "killed by SIGKILL");
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

// One that is dead is seen to be, and passed over; one that is stopped is taken.
void BlankThatWaits(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  ASSERT_TRUE(scene.FillPool(kPage, 2));
  for (const pid_t pid : StatusOf(scene.server, kPage).idle_blanks) scene.Strike(pid);
  scene.LaunchShort(kPage, scene.stops() ? Fate::kLate : Fate::kReady);
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

// Who dies, which template its launches are of, and in which ways they come.
#define FORKSERVER_DEATHS(DEATH)                             \
  DEATH(ChildBeforeItsPlan, kPage, kForkedOnly)              \
  DEATH(ChildBetweenPlanAndReady, kPage, kBothWays)          \
  DEATH(ChildAfterReady, kPage, kAllWays)                    \
  DEATH(ExecedChildBeforeItsExec, "root", kExecedOnly)       \
  DEATH(ExecedChildBeforeItsPlan, "root", kExecedOnly)       \
  DEATH(ExecedChildBetweenPlanAndReady, "root", kExecedOnly) \
  DEATH(BlankThatWaits, kPage, kPooledOnly)

FORKSERVER_DEATHS(KILLED)
FORKSERVER_DEATHS(STOPPED)

}  // namespace
}  // namespace forkserver::testing
