#include "tests/deaths/death_scene.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "tests/deaths/death_host.h"
#include "tests/testing/pool_host.h"

namespace forkserver::testing {
namespace {

// How much later than at its deadline a launch may be told.
constexpr absl::Duration kSlowMachine = absl::Seconds(1);

// Of a child of this process: it is neither alive nor a zombie.
bool IsReaped(const UniqueFd& pidfd) {
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
      // Or it had begun, and its namespace ended; or that was seen before the template died of it.
      if (told.launch.ok()) return;
      if (absl::IsAborted(told.launch)) break;
      if (absl::StrContains(error, "the init of its pid namespace has ended")) break;
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

}  // namespace

LaunchOptions LaunchBy(Way way, std::string_view template_name, WhenTemplateDies when) {
  return {.type = way == Way::kPooled ? ProcessType::kUtility : ProcessType::kIpcUnitTest,
          .argv = {"exit", "7"},
          .way = way == Way::kExeced ? LaunchWay::kExec : LaunchWay::kAny,
          .when_template_dies = when,
          .template_name = std::string(template_name)};
}

void Scene::Launch(std::string_view template_name, Fate if_fail, Fate if_again,
                   absl::Duration timeout) {
  LaunchOne(template_name, WhenTemplateDies::kFail, if_fail, timeout);
  LaunchOne(template_name, WhenTemplateDies::kSendAgain, if_again, timeout);
}

void Scene::LaunchOne(std::string_view template_name, WhenTemplateDies when, Fate fate,
                      absl::Duration timeout) {
  LaunchOptions options = LaunchBy(way, template_name, when);
  options.timeout = timeout;
  Told& told = launches_.Begin(options);
  told.what = (when == WhenTemplateDies::kFail ? "kFail of " : "kSendAgain of ") +
              std::string(template_name);
  fates_.push_back({&told, fate});
}

void Scene::LaunchShort(std::string_view template_name, Fate fate) {
  Launch(template_name, fate, fate, stops() ? kShort : absl::Seconds(10));
}

bool Scene::Serves(std::string_view template_name) {
  return server.WaitUntilServing(template_name, absl::Seconds(10)).ok();
}

pid_t Scene::PidOf(std::string_view template_name) const {
  return StatusOf(server, template_name).pid.value_or(0);
}

bool Scene::FillPool(std::string_view template_name, uint8_t count) {
  return server.SetPool(template_name, {.min = count, .max = 3}).ok() &&
         ComesToHold(server, count, template_name);
}

bool Scene::AskForABlank(std::string_view template_name) {
  const size_t before = server.in_flight();
  return server.SetPool(template_name, {.min = 1, .max = 3}).ok() &&
         DispatchUntil(server, [&] { return server.in_flight() > before; });
}

bool Scene::EmptyPool(std::string_view template_name) {
  return server.SetPool(template_name, {.min = 0, .max = 3}).ok();
}

void Scene::Strike(pid_t pid, IfStopped if_stopped) {
  ASSERT_GT(pid, 0);
  struck_.push_back({OpenPidfd(pid), if_stopped});
  ASSERT_TRUE(SignalProcess(pid, signal).ok());
  // So that nobody finds it half dead.
  if (!stops()) {
    EXPECT_TRUE(WaitForEnd(struck_.back().pidfd));
  }
}

void Scene::WasStruck(UniqueFd pidfd) {
  ASSERT_TRUE(pidfd.is_open());
  struck_.push_back({std::move(pidfd), IfStopped::kIsEnded});
}

void Scene::ExpectTheHostGoesOn(std::string_view template_name) {
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

void Scene::ExpectNextLaunch(std::string_view template_name, LaunchWay launch_way) {
  LaunchOptions options = LaunchBy(way, template_name, WhenTemplateDies::kSendAgain);
  options.way = launch_way;
  absl::StatusOr<LaunchedChild> next = server.Launch(options);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->process.Wait()->code, 7);
}

}  // namespace forkserver::testing
