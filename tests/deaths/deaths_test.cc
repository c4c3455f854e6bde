// Every process of a host is killed, and stopped, at every phase of its life, and the host goes on:
// each launch ends with a process or an error, each status is told once, the next launch works, and
// nothing is left.
//
// Where a phase has no end of its own to wait at, the process is held there by ptrace
// (held_process.h). A process that was stopped is continued in the end, and has nothing to say any
// more.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/deaths/death_host.h"
#include "tests/deaths/exec_holder.h"
#include "tests/deaths/held_process.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::ExecHolder;
using testing::ExecPhase;
using testing::gate;
using testing::HeldProcess;
using testing::kBoxed;
using testing::kInner;
using testing::kPage;
using testing::kShort;
using testing::LaunchesInFlight;
using testing::SignalProcess;
using testing::StatusOf;
using testing::Told;

// Whether the launches of a phase are forks for themselves, blanks of a pool or of no template.
enum class Way : uint8_t { kForked, kPooled, kExeced };

enum class Fate : uint8_t {
  kReady,
  kAborted,       // its child died first
  kTemplateDied,  // and it wanted to hear of that
  kReadyOrTemplateDied,
  kLate,  // its deadline passed
};

// How much later than at its deadline a launch may be told.
constexpr absl::Duration kSlowMachine = absl::Seconds(1);

// One death: who dies of what, and what it does to whom.
class Scene {
 public:
  Scene(ForkServer& server, int signal, Way way)
      : server(server), signal(signal), way(way), launches_(server) {}

  bool stops() const { return signal == SIGSTOP; }

  LaunchOptions Options(std::string_view template_name, WhenTemplateDies when) const {
    return {.type = way == Way::kPooled ? ProcessType::kUtility : ProcessType::kIpcUnitTest,
            .argv = {"exit", "7"},
            .way = way == Way::kExeced ? LaunchWay::kExec : LaunchWay::kAny,
            .when_template_dies = when,
            .template_name = std::string(template_name)};
  }

  // One launch of each WhenTemplateDies, whose fates are these.
  void Launch(std::string_view template_name, Fate if_fail, Fate if_again,
              absl::Duration timeout = absl::Seconds(10)) {
    LaunchOne(template_name, WhenTemplateDies::kFail, if_fail, timeout);
    LaunchOne(template_name, WhenTemplateDies::kSendAgain, if_again, timeout);
  }
  void LaunchOne(std::string_view template_name, WhenTemplateDies when, Fate fate,
                 absl::Duration timeout) {
    LaunchOptions options = Options(template_name, when);
    options.timeout = timeout;
    Told& told = launches_.Begin(options);
    told.what = (when == WhenTemplateDies::kFail ? "kFail of " : "kSendAgain of ") +
                std::string(template_name);
    fates_.push_back({&told, fate});
  }
  // Of a child, which has until then.
  void LaunchShort(std::string_view template_name, Fate fate) {
    Launch(template_name, fate, fate, stops() ? kShort : absl::Seconds(10));
  }

  bool Serves(std::string_view template_name) {
    return server.WaitUntilServing(template_name, absl::Seconds(10)).ok();
  }

  pid_t PidOf(std::string_view template_name) const {
    return StatusOf(server, template_name).pid.value_or(0);
  }

  bool FillPool(std::string_view template_name, uint8_t count) {
    return server.SetPool(template_name, {.min = count, .max = 3}).ok() &&
           testing::ComesToHold(server, count, template_name);
  }
  bool EmptyPool(std::string_view template_name) {
    return server.SetPool(template_name, {.min = 0, .max = 3}).ok();
  }

  // The death. `ends`: a stopped one is ended by the server, which hears nothing of it.
  enum class IfStopped : uint8_t { kIsEnded, kLivesOn };
  void Strike(pid_t pid, IfStopped if_stopped = IfStopped::kIsEnded) {
    ASSERT_GT(pid, 0);
    struck_.push_back({testing::OpenPidfd(pid), if_stopped});
    ASSERT_TRUE(SignalProcess(pid, signal).ok());
    // So that nobody finds it half dead.
    if (!stops()) {
      EXPECT_TRUE(testing::WaitForEnd(struck_.back().pidfd));
    }
  }

  // The same by another's hand.
  void WasStruck(UniqueFd pidfd) {
    ASSERT_TRUE(pidfd.is_open());
    struck_.push_back({std::move(pidfd), IfStopped::kIsEnded});
  }

  // What must be seen of every death.
  void ExpectTheHostGoesOn(std::string_view template_name) {
    EXPECT_TRUE(launches_.AllEnd()) << "a launch neither fails nor becomes Ready";
    for (const auto& [told, fate] : fates_) ExpectFate(*told, fate);
    for (const Struck& one : struck_) {
      if (one.if_stopped == IfStopped::kLivesOn && stops()) continue;
      EXPECT_TRUE(DispatchUntil(server, [&] { return IsReaped(one.pidfd); }))
          << "what was stopped is neither ended nor reaped";
    }
    EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
    ExpectNextLaunch(template_name, LaunchWay::kAny);
    for (const Struck& one : struck_) {
      syscall(SYS_pidfd_send_signal, one.pidfd.get(), SIGCONT, nullptr, 0);
    }
    EXPECT_TRUE(Serves("root"));
    EXPECT_TRUE(Serves(template_name));
    ExpectNextLaunch(template_name, LaunchWay::kTemplate);
    EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
    EXPECT_TRUE(launches_.EachWasToldOnce());
  }

  ForkServer& server;
  const int signal;
  const Way way;

 private:
  struct Struck {
    UniqueFd pidfd;
    IfStopped if_stopped;
  };

  // Of a child of this process: it is neither alive nor a zombie.
  static bool IsReaped(const UniqueFd& pidfd) {
    siginfo_t info = {};
    return waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info,
                  WEXITED | WNOHANG | WNOWAIT | __WALL) != 0 &&
           errno == ECHILD;
  }

  void ExpectFate(const Told& told, Fate fate) {
    SCOPED_TRACE(told.what);
    ASSERT_EQ(told.times, 1);
    EXPECT_LT(told.Took(), told.timeout + kSlowMachine) << told.launch;
    const std::string error(told.launch.message());
    switch (fate) {
      case Fate::kReady:
        EXPECT_TRUE(told.launch.ok()) << told.launch;
        break;
      case Fate::kAborted:
        EXPECT_TRUE(absl::IsAborted(told.launch)) << told.launch;
        EXPECT_NE(error.find("killed by SIGKILL"), error.npos) << error;
        break;
      case Fate::kReadyOrTemplateDied:
        // Or it had begun, and its namespace ended.
        if (told.launch.ok()) return;
        if (absl::IsAborted(told.launch)) break;
        [[fallthrough]];
      case Fate::kTemplateDied:
        EXPECT_TRUE(absl::IsUnavailable(told.launch)) << told.launch;
        EXPECT_NE(error.find("died"), error.npos) << error;
        break;
      case Fate::kLate:
        EXPECT_TRUE(absl::IsDeadlineExceeded(told.launch)) << told.launch;
        EXPECT_GE(told.Took(), told.timeout);
        break;
    }
    if (!told.launch.ok()) return;
    ASSERT_TRUE(told.status.ok()) << told.status.status();
    EXPECT_EQ(told.status->ToString(), "exited with status 7");
  }

  void ExpectNextLaunch(std::string_view template_name, LaunchWay launch_way) {
    LaunchOptions options = Options(template_name, WhenTemplateDies::kSendAgain);
    options.way = launch_way;
    absl::StatusOr<LaunchedChild> next = server.Launch(options);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(next->process.Wait()->code, 7);
  }

  LaunchesInFlight launches_;
  std::vector<std::pair<const Told*, Fate>> fates_;
  std::vector<Struck> struck_;
};

using IfStopped = Scene::IfStopped;

// --- the phases: who dies, and when. Each brings its launches to that point and strikes.

void ChildBeforeItsPlan(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  scene.LaunchShort(kPage, scene.stops() ? Fate::kLate : Fate::kAborted);
  for (int i = 0; i < 2; ++i) {
    std::optional<HeldProcess> child = page.HoldNextChild();
    ASSERT_TRUE(child.has_value());
    scene.Strike(child->pid());
  }
}

void ForkedChildBetweenPlanAndReady(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  scene.LaunchShort(kPage, scene.stops() ? Fate::kLate : Fate::kAborted);
  for (int i = 0; i < 2; ++i) {
    std::optional<HeldProcess> child = page.HoldNextChild();
    ASSERT_TRUE(child.has_value());
    ASSERT_TRUE(child->HoldAfterReceive());
    scene.Strike(child->pid());
  }
}

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
                                   : ForkedChildBetweenPlanAndReady(scene);
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
  LaunchOptions options = scene.Options(kPage, WhenTemplateDies::kFail);
  options.argv = {"sleep"};
  absl::StatusOr<LaunchedChild> child = scene.server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(child->by, is_pooled                   ? LaunchedBy::kPool
                       : scene.way == Way::kExeced ? LaunchedBy::kExec
                                                   : LaunchedBy::kFork);
  Told told;
  LaunchesInFlight launches(scene.server);
  const UniqueFd pidfd = testing::OpenPidfd(child->process.pid());
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

void TemplateIdle(Scene& scene, std::string_view name) {
  ASSERT_TRUE(scene.Serves(name));
  scene.Strike(scene.PidOf(name));
  // Dead and not noticed, it is found to be when it is asked.
  scene.Launch(name, scene.stops() ? Fate::kTemplateDied : Fate::kReady, Fate::kReady);
}
void RootIdle(Scene& scene) { TemplateIdle(scene, "root"); }
void NestedTemplateIdle(Scene& scene) { TemplateIdle(scene, kPage); }
void SandboxedTemplateIdle(Scene& scene) { TemplateIdle(scene, kBoxed); }

// Half a launch: it has read the first Fork, and the second one waits.
void TemplateBeforeItsClone(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  page.RunTraced();
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  ASSERT_TRUE(page.HoldBefore(SYS_clone3));
  scene.Strike(page.pid());
}

// There is a child, which goes on, and nobody has told the host of it.
void TemplateAfterItsClone(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  scene.Launch(kPage, Fate::kReady, Fate::kReady);
  const std::optional<HeldProcess> child = page.HoldNextChild();
  ASSERT_TRUE(child.has_value());
  scene.Strike(page.pid());
}

// Neither has told anybody of the child, and both die.
void TemplateAndItsChildAfterItsClone(Scene& scene, std::string_view name) {
  ASSERT_TRUE(scene.Serves(name));
  HeldProcess one = HeldProcess::Seize(scene.PidOf(name));
  scene.Launch(name, scene.stops() ? Fate::kLate : Fate::kAborted,
               scene.stops() ? Fate::kLate : Fate::kReady,
               scene.stops() ? kShort : absl::Seconds(10));
  const std::optional<HeldProcess> child = one.HoldNextChild();
  ASSERT_TRUE(child.has_value());
  scene.Strike(child->pid());
  scene.Strike(one.pid());
}
void TemplateAndChildAfterItsClone(Scene& scene) { TemplateAndItsChildAfterItsClone(scene, kPage); }
void SandboxedTemplateAndChildAfterItsClone(Scene& scene) {
  TemplateAndItsChildAfterItsClone(scene, kBoxed);
}
void InnerTemplateAndChildAfterItsClone(Scene& scene) {
  TemplateAndItsChildAfterItsClone(scene, kInner);
}

void TemplateAndItsBlankAfterItsClone(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  ASSERT_TRUE(scene.server.SetPool(kPage, {.min = 1, .max = 3}).ok());
  // The pool asks when the loop is driven.
  for (int i = 0; i < 5; ++i) scene.server.Dispatch(absl::Milliseconds(5));
  const std::optional<HeldProcess> blank = page.HoldNextChild();
  ASSERT_TRUE(blank.has_value());
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  scene.Strike(blank->pid());
  scene.Strike(page.pid());
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

void TemplateForkingABlank(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  page.RunTraced();
  ASSERT_TRUE(scene.server.SetPool(kPage, {.min = 1, .max = 3}).ok());
  // The pool asks when the loop is driven.
  for (int i = 0; i < 5; ++i) scene.server.Dispatch(absl::Milliseconds(5));
  ASSERT_TRUE(page.HoldBefore(SYS_clone3));
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  scene.Strike(page.pid());
  ASSERT_TRUE(scene.EmptyPool(kPage));
}

void TemplateWithAPool(Scene& scene) {
  ASSERT_TRUE(scene.Serves(kPage));
  ASSERT_TRUE(scene.FillPool(kPage, 2));
  scene.Strike(scene.PidOf(kPage));
  // The blanks are as good as before. The pool misses them, and so hears of the death.
  scene.Launch(kPage, Fate::kReady, Fate::kReady);
}

// A first start, whose failure is told to whom it concerns.
void TemplateWarmingUp(Scene& scene) {
  gate->Close();
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ASSERT_TRUE(DispatchUntil(scene.server, [&] { return scene.PidOf(kPage) != 0; }));
  scene.Strike(scene.PidOf(kPage));
  gate->Open();
}

void TemplateFreezing(Scene& scene) {
  gate->Close();
  scene.Launch(kPage, Fate::kTemplateDied, Fate::kReady);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ASSERT_TRUE(DispatchUntil(scene.server, [&] { return scene.PidOf(kPage) != 0; }));
  HeldProcess page = HeldProcess::Seize(scene.PidOf(kPage));
  page.RunTraced();
  gate->Open();
#if defined(__SANITIZE_ADDRESS__)
  ASSERT_TRUE(page.HoldBefore(SYS_sendmsg));  // nothing is frozen there: its Hello
#else
  ASSERT_TRUE(page.HoldBefore(SYS_memfd_create));
#endif
  scene.Strike(page.pid());
}

// There is the init of its children's pid namespace, and its Hello was to bring it.
void SandboxedTemplateBeforeItsHello(Scene& scene) {
  gate->Close();
  scene.Launch(kBoxed, Fate::kTemplateDied, Fate::kReady);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ASSERT_TRUE(DispatchUntil(scene.server, [&] { return scene.PidOf(kBoxed) != 0; }));
  HeldProcess boxed = HeldProcess::Seize(scene.PidOf(kBoxed));
  const std::optional<HeldProcess> init = [&] {
    gate->Open();
    return boxed.HoldNextChild();
  }();
  ASSERT_TRUE(init.has_value());
  scene.Strike(boxed.pid());
}

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
  LaunchOptions options = scene.Options(kBoxed, WhenTemplateDies::kFail);
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

// --- the table

// Who dies, which template its launches are of, and in which ways they come.
#define FORKSERVER_DEATHS(DEATH)                                     \
  DEATH(ChildBeforeItsPlan, kPage, kForkedOnly)                      \
  DEATH(ChildBetweenPlanAndReady, kPage, kBothWays)                  \
  DEATH(ChildAfterReady, kPage, kAllWays)                            \
  DEATH(ExecedChildBeforeItsExec, "root", kExecedOnly)               \
  DEATH(ExecedChildBeforeItsPlan, "root", kExecedOnly)               \
  DEATH(ExecedChildBetweenPlanAndReady, "root", kExecedOnly)         \
  DEATH(BlankThatWaits, kPage, kPooledOnly)                          \
  DEATH(RootIdle, "root", kBothWays)                                 \
  DEATH(NestedTemplateIdle, kPage, kBothWays)                        \
  DEATH(SandboxedTemplateIdle, kBoxed, kBothWays)                    \
  DEATH(TemplateBeforeItsClone, kPage, kForkedOnly)                  \
  DEATH(TemplateAfterItsClone, kPage, kForkedOnly)                   \
  DEATH(TemplateAndChildAfterItsClone, kPage, kForkedOnly)           \
  DEATH(SandboxedTemplateAndChildAfterItsClone, kBoxed, kForkedOnly) \
  DEATH(InnerTemplateAndChildAfterItsClone, kInner, kForkedOnly)     \
  DEATH(TemplateAndItsBlankAfterItsClone, kPage, kPooledOnly)        \
  DEATH(SandboxedTemplateBeforeItsHello, kBoxed, kForkedOnly)        \
  DEATH(TemplateForkingABlank, kPage, kPooledOnly)                   \
  DEATH(TemplateWithAPool, kPage, kPooledOnly)                       \
  DEATH(TemplateWarmingUp, kPage, kForkedOnly)                       \
  DEATH(TemplateFreezing, kPage, kForkedOnly)                        \
  DEATH(RootAboveATemplate, kPage, kForkedOnly)                      \
  DEATH(RootForkingATemplate, kPage, kForkedOnly)                    \
  DEATH(RootAfterForkingATemplate, kPage, kForkedOnly)               \
  DEATH(RootAndTheTemplateThatItForked, kPage, kForkedOnly)          \
  DEATH(NestedTemplateAndTheRoot, kPage, kBothWays)                  \
  DEATH(InitOfAPidNamespace, kBoxed, kBothWays)                      \
  DEATH(Seed, "root", kForkedOnly)                                   \
  DEATH(SeedAndRoot, "root", kForkedOnly)                            \
  DEATH(WholeTree, kBoxed, kBothWays)

std::vector<Way> kForkedOnly = {Way::kForked};
std::vector<Way> kPooledOnly = {Way::kPooled};
std::vector<Way> kExecedOnly = {Way::kExeced};
std::vector<Way> kBothWays = {Way::kForked, Way::kPooled};
std::vector<Way> kAllWays = {Way::kForked, Way::kPooled, Way::kExeced};

using Phase = void (*)(Scene& scene);

void Die(ForkServer& server, int signal, Phase phase, std::string_view template_name,
         const std::vector<Way>& ways) {
  for (const Way way : ways) {
    SCOPED_TRACE(way == Way::kPooled ? "pooled" : way == Way::kExeced ? "exec'ed" : "forked");
    Scene scene(server, signal, way);
    phase(scene);
    if (!::testing::Test::HasFatalFailure()) scene.ExpectTheHostGoesOn(template_name);
  }
}

// The count is for whoever adds up what a run of all tests has shown.
#define DEATH_OF(suite, signal, phase, template_name, ways)                                  \
  void suite##phase(ForkServer& server) { Die(server, signal, phase, template_name, ways); } \
  TEST(suite, phase) {                                                                       \
    testing::RunInHost(#suite "." #phase, suite##phase);                                     \
    if (!HasFailure()) RecordProperty("deaths_survived", static_cast<int>((ways).size()));   \
  }
#define KILLED(phase, template_name, ways) DEATH_OF(Killed, SIGKILL, phase, template_name, ways)
#define STOPPED(phase, template_name, ways) DEATH_OF(Stopped, SIGSTOP, phase, template_name, ways)

FORKSERVER_DEATHS(KILLED)
FORKSERVER_DEATHS(STOPPED)

// --- a stop that is no death

// What it had of the host's memory is there still, and it goes on from where it was.
void ExecedChildThatIsContinued(ForkServer& server) {
  ExecHolder holder(server, ExecPhase::kBeforeExec, SIGSTOP);
  ASSERT_FALSE(::testing::Test::HasFailure());
  LaunchesInFlight launches(server);
  for (int i = 0; i < 3; ++i) {
    launches.Begin({.type = ProcessType::kIpcUnitTest,
                    .argv = {"exit", "7"},
                    .way = LaunchWay::kExec,
                    .timeout = absl::InfiniteDuration()});
    const UniqueFd pidfd = holder.NextStruck();
    ASSERT_EQ(syscall(SYS_pidfd_send_signal, pidfd.get(), SIGCONT, nullptr, 0), 0);
  }
  EXPECT_TRUE(launches.AllEnd());
  EXPECT_TRUE(launches.EachWasToldOnce());
  for (const Told& told : launches.all()) {
    EXPECT_TRUE(told.launch.ok()) << told.launch;
    EXPECT_EQ(told.status->ToString(), "exited with status 7");
  }
}
TEST(Continued, ExecedChild) {
  testing::RunInHost("Continued.ExecedChild", ExecedChildThatIsContinued);
}

// For a shell: its parent is stopped, meanwhile something is done, and it is continued.
std::string StopTheHost(const std::string& meanwhile) {
  return "kill -STOP $PPID; until grep -q '^State:.T' /proc/$PPID/status; do :; done; " +
         meanwhile + "; kill -CONT $PPID; while grep -q '^State:.T' /proc/$PPID/status; do :; done";
}

// Launches of every way, and behind them who stops the host, which has not heard of any by then.
void LaunchesOfAHostThatIsStopped(ForkServer& server, const std::string& script) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  ASSERT_TRUE(server.SetPool(kPage, {.min = 2, .max = 3}).ok());
  ASSERT_TRUE(testing::ComesToHold(server, 2, kPage));
  const std::optional<pid_t> page = StatusOf(server, kPage).pid;
  LaunchesInFlight launches(server);
  for (int i = 0; i < 8; ++i) {
    for (const Way way : kAllWays) {
      const Scene scene(server, SIGSTOP, way);
      LaunchOptions options =
          scene.Options(way == Way::kExeced ? "" : kPage, WhenTemplateDies::kFail);
      options.timeout = absl::InfiniteDuration();
      launches.Begin(options).what = "exited with status 7";
      // As late as it is told, it has a process or an error.
      options.timeout = absl::Milliseconds(1);
      launches.Begin(options);
    }
  }
  launches
      .Begin({.type = ProcessType::kIpcUnitTest,
              .argv = {"exec", script},
              .timeout = absl::InfiniteDuration()})
      .what = "exited with status 0";
  EXPECT_TRUE(launches.AllEnd());
  EXPECT_TRUE(launches.EachWasToldOnce());
  for (const Told& told : launches.all()) {
    if (told.what.empty() && !told.launch.ok()) {
      EXPECT_TRUE(absl::IsDeadlineExceeded(told.launch)) << told.launch;
      continue;
    }
    ASSERT_TRUE(told.launch.ok()) << told.launch;
    EXPECT_EQ(told.status->ToString(), told.what.empty() ? "exited with status 7" : told.what);
  }
  EXPECT_EQ(StatusOf(server, kPage).pid, page) << "a template died of its host's stop";
  ASSERT_TRUE(server.SetPool(kPage, {.min = 0, .max = 3}).ok());
}

void HostThatIsStoppedAgainAndAgain(ForkServer& server) {
  LaunchesOfAHostThatIsStopped(server,
                               "for i in 1 2 3 4 5 6 7 8; do " + StopTheHost(":") + "; done");
}
TEST(Continued, HostAgainAndAgain) {
  testing::RunInHost("Continued.HostAgainAndAgain", HostThatIsStoppedAgainAndAgain);
}

// The silence of those whom nobody has listened to is none.
void HostThatIsStoppedForLong(ForkServer& server) {
  LaunchesOfAHostThatIsStopped(server, StopTheHost("sleep 2"));
}
TEST(Stopped, HostForLong) { testing::RunInHost("Stopped.HostForLong", HostThatIsStoppedForLong); }
static_assert(testing::kShort < absl::Seconds(2));
}  // namespace
}  // namespace forkserver
