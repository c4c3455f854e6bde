// Those die on whom others depend: the root above its templates, the seed, the init of a pid
// namespace, or all at once; and the host goes on.
#include <signal.h>
#include <sys/syscall.h>

#include <optional>
#include <utility>
#include <vector>

#include "tests/deaths/death_host.h"
#include "tests/deaths/death_rows.h"
#include "tests/deaths/death_scene.h"
#include "tests/deaths/held_process.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/testing/host_test.h"

namespace forkserver::testing {
namespace {

// What is below it serves on.
void RootAboveATemplate(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  scene.Strike(scene.PidOf("root"), IfStopped::kLivesOn);
  scene.Launch(kPage, Fate::kReady, Fate::kReady);
}

void RootForkingATemplate(Scene& scene) {
  HeldProcess root = HeldProcess::Seize(scene.PidOf("root"));
  root.RunTraced();
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  ASSERT_TRUE(root.HoldBefore(SYS_clone3));
  scene.Strike(root.pid());
}

// The template comes to be, and nobody but itself has told its pid.
void RootAfterForkingATemplate(Scene& scene) {
  HeldProcess root = HeldProcess::Seize(scene.PidOf("root"));
  scene.Launch(kPage, Fate::kReady, Fate::kReady);
  const std::optional<HeldProcess> page = root.HoldNextChild();
  ASSERT_TRUE(page.has_value());
  scene.Strike(root.pid());
}

void RootAndTheTemplateThatItForked(Scene& scene) {
  HeldProcess root = HeldProcess::Seize(scene.PidOf("root"));
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  const std::optional<HeldProcess> page = root.HoldNextChild();
  ASSERT_TRUE(page.has_value());
  scene.Strike(page->pid());
  scene.Strike(root.pid());
}

void NestedTemplateAndTheRoot(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  scene.Strike(scene.PidOf(kPage));
  scene.Strike(scene.PidOf("root"), IfStopped::kLivesOn);
  scene.Launch(kPage, scene.stops() ? Fate::kTemplateDied : Fate::kReady, Fate::kReady);
}

// It takes all of its namespace with it; stopped, it is in nobody's way.
void InitOfAPidNamespace(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kBoxed));
  LaunchOptions options = LaunchBy(scene.way, kBoxed, WhenTemplateDies::kFail);
  options.argv = {"wait"};
  absl::StatusOr<LaunchedChild> child = scene.server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  Told told;
  LaunchesInFlight launches(scene.server);
  launches.SeeToItsEnd(told, std::move(child->process));
  ASSERT_TRUE(SignalProcess(StatusOf(scene.server, kBoxed).init_pid, scene.signal).ok());
  // Their children have died with it, or their template has none for them.
  const Fate fate = scene.stops() ? Fate::kReady : Fate::kReadyOrTemplateDied;
  scene.Launch(kBoxed, fate, fate);
  if (scene.stops()) child->socket.reset();
  ASSERT_TRUE(DispatchUntil(scene.server, [&] { return told.statuses > 0; }));
  EXPECT_EQ(told.status->ToString(), scene.stops() ? "exited with status 0" : "killed by SIGKILL");
  EXPECT_EQ(told.statuses, 1);
}

// Its template has told of that child, which runs no more than the kernel's code.
void InitOfAChildThatIsNotReady(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kBoxed));
  HeldProcess boxed = HeldProcess::Seize(scene.PidOf(kBoxed));
  scene.LaunchOne(kBoxed, WhenTemplateDies::kSendAgain, Fate::kReady, absl::Seconds(10));
  const std::optional<HeldProcess> child = boxed.HoldNextChild();
  ASSERT_TRUE(child.has_value());
  ASSERT_TRUE(boxed.HoldBefore(SYS_recvmsg));
  boxed.LetGo();
  const UniqueFd pidfd = OpenPidfd(child->pid());
  ASSERT_TRUE(SignalProcess(StatusOf(scene.server, kBoxed).init_pid, scene.signal).ok());
  ASSERT_TRUE(WaitForEnd(pidfd));
}

// Nobody needs it until a root dies.
void Seed(Scene& scene) {
  scene.Strike(*scene.server.seed_pid(), IfStopped::kLivesOn);
  scene.Launch("root", Fate::kReady, Fate::kReady);
}

void SeedAndRoot(Scene& scene) {
  scene.Strike(*scene.server.seed_pid());
  scene.Strike(scene.PidOf("root"));
  scene.Launch("root", scene.stops() ? Fate::kTemplateDied : Fate::kReady, Fate::kReady);
}

void WholeTree(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  ASSERT_TRUE(scene.Serves(kBoxed));
  ASSERT_TRUE(scene.FillPool(kPage, 1));
  std::vector<pid_t> all = StatusOf(scene.server, kPage).idle_blanks;
  all.push_back(*StatusOf(scene.server, kBoxed).init_pid);
  for (const char* name : {kPage, kBoxed, "root"}) all.push_back(scene.PidOf(name));
  // It is never started again.
  if (scene.server.seed_pid()) all.push_back(*scene.server.seed_pid());
  for (const pid_t pid : all) ASSERT_TRUE(SignalProcess(pid, SIGSTOP).ok());
  // The blank is taken by the first who wants one, and does not answer.
  if (scene.way == Way::kPooled) {
    scene.LaunchOne(kPage, WhenTemplateDies::kFail, scene.stops() ? Fate::kLate : Fate::kAborted,
                    scene.stops() ? kShort : absl::Seconds(10));
  }
  for (const char* name : {kPage, kBoxed, "root"}) {
    scene.Launch(name, Fate::kTemplateDied, Fate::kReady);
  }
  for (const pid_t pid : all) scene.Strike(pid);
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

// Who dies, which template its launches are of, and in which ways they come.
#define FORKSERVER_DEATHS(DEATH)                            \
  DEATH(RootAboveATemplate, kPage, kForkedOnly)             \
  DEATH(RootForkingATemplate, kPage, kForkedOnly)           \
  DEATH(RootAfterForkingATemplate, kPage, kForkedOnly)      \
  DEATH(RootAndTheTemplateThatItForked, kPage, kForkedOnly) \
  DEATH(NestedTemplateAndTheRoot, kPage, kBothWays)         \
  DEATH(InitOfAPidNamespace, kBoxed, kBothWays)             \
  DEATH(Seed, "root", kForkedOnly)                          \
  DEATH(SeedAndRoot, "root", kForkedOnly)                   \
  DEATH(WholeTree, kBoxed, kBothWays)

FORKSERVER_DEATHS(KILLED)
FORKSERVER_DEATHS(STOPPED)
KILLED(InitOfAChildThatIsNotReady, kBoxed, kForkedOnly)

}  // namespace
}  // namespace forkserver::testing
