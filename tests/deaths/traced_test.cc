// A process of the host's that is dead and cannot be reaped, since another one traces it: nothing
// waits for the tracer, and the end says whom it has left.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/deaths/death_host.h"
#include "tests/deaths/launches_in_flight.h"
#include "tests/deaths/longest_end.h"
#include "tests/deaths/tracer.h"
#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "tests/testing/program.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/poll_until.h"

namespace forkserver::testing {
namespace {

using ::testing::EndsWith;

constexpr ServerEndOptions kEnd = {.launches = absl::Milliseconds(200),
                                   .templates = absl::Milliseconds(300)};

class Stopwatch {
 public:
  absl::Duration elapsed() const { return absl::Nanoseconds(NowNanos() - start_); }

 private:
  const int64_t start_ = NowNanos();
};

// As init does with what a host leaves.
void ExpectToBeLeft(pid_t pid) { EXPECT_EQ(waitpid(pid, nullptr, __WALL), pid); }

void ExpectToLeave(const ServerEnd& end, const std::string& name, pid_t pid) {
  EXPECT_LT(end.took, LongestEnd(kEnd));
  ASSERT_EQ(end.unreaped.size(), 1u) << end.ToString();
  EXPECT_EQ(end.unreaped[0].name, name);
  EXPECT_EQ(end.unreaped[0].pid, pid);
  EXPECT_THAT(end.ToString(),
              EndsWith(absl::StrFormat(
                  "; not reaped: %s (wait pid %d: it has ended, and is traced)", name, pid)));
}

HOST_TEST(Traced, TemplateThatEndsAsItIsAsked) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  const pid_t page = *StatusOf(server, kPage).pid;
  Tracer tracer(server, page);
  const ServerEnd end = server.End(kEnd);
  ExpectToLeave(end, "template 'page'", page);
  EXPECT_TRUE(end.forced.empty()) << end.ToString();
  tracer.LetGo();
  ExpectToBeLeft(page);
}

HOST_TEST(Traced, TemplateThatDoesNotListen) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  const pid_t page = *StatusOf(server, kPage).pid;
  Tracer tracer(server, page);
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
  const ServerEnd end = server.End(kEnd);
  ExpectToLeave(end, "template 'page'", page);
  ASSERT_EQ(end.forced.size(), 1u) << end.ToString();
  EXPECT_EQ(end.forced[0].how, "by SIGKILL");
  tracer.LetGo();
  ExpectToBeLeft(page);
}

// It is killed for what it owes, before it would be asked to end.
HOST_TEST(Traced, TemplateThatOwesALaunch) {
  ASSERT_TRUE(server.WaitUntilServing(kPage, absl::Seconds(10)).ok());
  const pid_t page = *StatusOf(server, kPage).pid;
  Tracer tracer(server, page);
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
  LaunchesInFlight launches(server);
  const Told& told = launches.Begin({.type = ProcessType::kIpcUnitTest,
                                     .argv = {"exit", "0"},
                                     .template_name = kPage,
                                     .timeout = absl::InfiniteDuration()});
  const ServerEnd end = server.End(kEnd);
  EXPECT_TRUE(absl::IsCancelled(told.launch)) << told.launch;
  EXPECT_TRUE(launches.EachWasToldOnce());
  ExpectToLeave(end, "template 'page'", page);
  tracer.LetGo();
  // The loop still asks for it.
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(waitpid(page, nullptr, __WALL), -1);
}

HOST_TEST(Traced, ChildThatIsSeenToItsEnd) {
  absl::StatusOr<LaunchedChild> child =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"sleep"}});
  ASSERT_TRUE(child.ok()) << child.status();
  const pid_t pid = child->process.pid();
  Tracer tracer(server, pid);
  std::vector<absl::Status> told;
  server.ReapAsync(std::move(child->process), [&](const absl::StatusOr<ExitStatus>& status) {
    told.push_back(status.status());
  });
  const ServerEnd end = server.End(kEnd);
  ExpectToLeave(end, "child", pid);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(told[0])) << told[0];
  tracer.LetGo();
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
}

// A launch that is too late is told so, though nobody can say how its child ended, and the loop
// goes on for others meanwhile.
HOST_TEST(Traced, ChildOfALaunchThatIsTooLate) {
  ASSERT_TRUE(server.SetPool(kPage, {.min = 1, .max = 3}).ok());
  ASSERT_TRUE(ComesToHold(server, 1, kPage));
  const pid_t blank = StatusOf(server, kPage).idle_blanks[0];
  Tracer tracer(server, blank);
  ASSERT_TRUE(SignalProcess(blank, SIGSTOP).ok());
  LaunchesInFlight launches(server);
  LaunchOptions options = Pooled({"exit", "0"});
  options.template_name = kPage;
  options.timeout = absl::Milliseconds(200);
  const Stopwatch late_for;
  const Told& late = launches.Begin(options);
  const UniqueFd pidfd = OpenPidfd(blank);
  ASSERT_TRUE(
      DispatchUntil(server, [&] { return PollUntil(pidfd.get(), POLLIN, NowNanos()) > 0; }));
  const Stopwatch other_for;
  Told& other = launches.Begin({.type = ProcessType::kIpcUnitTest,
                                .argv = {"exit", "7"},
                                .way = LaunchWay::kFork,
                                .template_name = kPage});
  EXPECT_TRUE(DispatchUntil(server, [&] { return other.HasEnded(); }));
  EXPECT_LT(other_for.elapsed(), Process::kPatience) << "the loop was held up";
  EXPECT_TRUE(DispatchUntil(server, [&] { return late.HasEnded(); }));
  EXPECT_LT(late_for.elapsed(), options.timeout + Process::kPatience + kSlack);
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.launch)) << late.launch;
  EXPECT_GT(server.in_flight(), 0u) << "nobody asks for it any more";
  tracer.LetGo();
  EXPECT_TRUE(server.SetPool(kPage, {.min = 0, .max = 3}).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(waitpid(blank, nullptr, __WALL), -1) << "it was not reaped";
  EXPECT_TRUE(launches.EachWasToldOnce());
}

// Its Process goes, which nobody else can see to its end.
HOST_TEST(Traced, ChildThatIsWantedNoMore) {
  absl::StatusOr<LaunchedChild> launched =
      server.Launch({.type = ProcessType::kIpcUnitTest, .argv = {"sleep"}});
  ASSERT_TRUE(launched.ok()) << launched.status();
  std::optional<LaunchedChild> child = *std::move(launched);
  const pid_t pid = child->process.pid();
  Tracer tracer(server, pid);
  const Stopwatch stopwatch;
  child.reset();
  EXPECT_LT(stopwatch.elapsed(), Process::kPatience + kSlack);
  tracer.LetGo();
  ExpectToBeLeft(pid);
}

// The destructor, where nobody has called End.
TEST(Traced, DestructorOfAServer) {
  const ProgramResult result =
      RunProgram({.argv = {"tests/deaths/traced_host"}, .patience = absl::Minutes(1)});
  EXPECT_EQ(result.exit_code, 0) << result.how << "\n" << result.output << result.errors;
}

}  // namespace
}  // namespace forkserver::testing
