// A stop that is no death: who is continued in time goes on.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "tests/deaths/death_host.h"
#include "tests/deaths/death_scene.h"
#include "tests/deaths/exec_holder.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"

namespace forkserver::testing {
namespace {

// What it had of the host's memory is there still, and it goes on from where it was.
HOST_TEST(Continued, ExecedChild) {
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

// For a shell: its parent is stopped, meanwhile something is done, and it is continued.
std::string StopTheHost(const std::string& meanwhile) {
  return "kill -STOP $PPID; until grep -q '^State:.T' /proc/$PPID/status; do :; done; " +
         meanwhile + "; kill -CONT $PPID; while grep -q '^State:.T' /proc/$PPID/status; do :; done";
}

// Launches of every way, and behind them who stops the host, which has not heard of any by then.
void LaunchesOfAHostThatIsStopped(ForkServer& server, const std::string& script) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  ASSERT_TRUE(server.SetPool(kPage, {.min = 2, .max = 3}).ok());
  ASSERT_TRUE(ComesToHold(server, 2, kPage));
  const std::optional<pid_t> page = StatusOf(server, kPage).pid;
  LaunchesInFlight launches(server);
  for (int i = 0; i < 8; ++i) {
    for (const Way way : {Way::kForked, Way::kPooled, Way::kExeced}) {
      LaunchOptions options =
          LaunchBy(way, way == Way::kExeced ? "" : kPage, WhenTemplateDies::kFail);
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

HOST_TEST(Continued, HostAgainAndAgain) {
  LaunchesOfAHostThatIsStopped(server,
                               "for i in 1 2 3 4 5 6 7 8; do " + StopTheHost(":") + "; done");
}

// The silence of those whom nobody has listened to is none.
HOST_TEST(Stopped, HostForLong) { LaunchesOfAHostThatIsStopped(server, StopTheHost("sleep 2")); }
static_assert(kShort < absl::Seconds(2));

}  // namespace
}  // namespace forkserver::testing
