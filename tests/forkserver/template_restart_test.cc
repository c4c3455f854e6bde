// Templates that die: what becomes of their launches, and their next start.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/forkserver/templates_host.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

namespace forkserver::testing {
namespace {

using State = TemplateStatus::State;

HOST_TEST(Templates, KilledOneLosesNoLaunchNorChildAndTheNextLaunchStartsItAgain) {
  absl::StatusOr<LaunchedChild> child = server.Launch(From("page", {"echo"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> pid = StatusOf(server, "page").pid;
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 50, outcome);
  ASSERT_TRUE(SignalProcess(pid, SIGKILL).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 50; }));
  EXPECT_TRUE(Echoes(*child));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  EXPECT_NE(StatusOf(server, "page").pid, pid);
}

HOST_TEST(Templates, AtTheGateKilledOneFailsItsLaunchesAndStartsAgain) {
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 3, outcome);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ASSERT_TRUE(ComesToBeForked(server, "page"));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 3; }));
  EXPECT_EQ(outcome.good, 0u);
  gate->Open();
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
}

HOST_TEST(Templates, ParentKilledLeavesThoseBelowItServing) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  const std::optional<pid_t> article = StatusOf(server, "article").pid;
  ASSERT_TRUE(Kill(server, "page"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_EQ(StatusOf(server, "article").pid, article);
  EXPECT_EQ(StateOf(server, "page"), State::kDead);
  // Only a start needs the parent.
  ASSERT_TRUE(Kill(server, "article"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_TRUE(ComesToServe(server, "page"));
}

HOST_TEST(Templates, ParentKilledWhileArticleWaitsLeavesItStarting) {
  Outcome outcome;
  LaunchMany(server, From("article", {"exit", "0"}), 3, outcome);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ASSERT_TRUE(ComesToBeForked(server, "page"));
  ASSERT_TRUE(Kill(server, "page"));
  gate->Open();
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 3; }));
  EXPECT_EQ(outcome.good, 3u) << outcome.last_error;
  EXPECT_TRUE(ComesToBeForked(server, "article"));
}

// Stopped, it forks nothing; killed then, it takes the requests with it.
HOST_TEST(Templates, ParentKilledBeforeItForkedFailsTheLaunchAndTheNextUseTriesAgain) {
  const std::optional<pid_t> page = StopOnceItServes(server, "page");
  ASSERT_TRUE(page.has_value());
  Outcome outcome;
  LaunchMany(server, From("comment", {"exit", "0"}), 3, outcome);
  ASSERT_TRUE(SignalProcess(page, SIGKILL).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 3; }));
  EXPECT_EQ(outcome.good, 0u);
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
}

// At any moment of it: between the Fork and the Plan, before and after the clone.
HOST_TEST(Templates, ParentKilledUnderAStartNeverLeavesOneStuck) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(server.WaitUntilServing("page").ok());
    const std::optional<pid_t> page = StatusOf(server, "page").pid;
    Outcome outcome;
    std::thread killer([page] { SignalProcess(page, SIGKILL).IgnoreError(); });
    LaunchMany(server, From("article", {"exit", "0"}), 2, outcome);
    killer.join();
    EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 2; }));
    // Dead, or started again already.
    EXPECT_TRUE(DispatchUntil(server, [&] { return StatusOf(server, "page").pid != page; }));
    EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
    ASSERT_TRUE(server.WaitUntilServing("article").ok());
    ASSERT_TRUE(Kill(server, "article"));
  }
}

HOST_TEST(Templates, RootKilledLeavesThoseBelowItServing) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(Kill(server, "root"));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  ASSERT_TRUE(Kill(server, "page"));
  // Only a start needs the root.
  EXPECT_EQ(StateOf(server, "root"), State::kDead);
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_TRUE(ComesToServe(server, "root"));
}

// True: it is one of the host's silent children, as what is forked below the seed is.
bool IsSilent(pid_t pid) {
  siginfo_t info;
  return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

HOST_TEST(Templates, RootThatDiedIsStartedAgainFromTheSeed) {
  const std::optional<pid_t> before = server.root_pid();
  ASSERT_TRUE(Kill(server, "root"));
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_NE(hello->capabilities & kSilentChildren, 0u);
  EXPECT_EQ(server.root_pid(), hello->pid);
  EXPECT_NE(server.root_pid(), before);
  EXPECT_TRUE(IsSilent(*server.root_pid()));
  EXPECT_EQ(StatusOf(server, "root").starts, 2u);
  EXPECT_TRUE(server.Ping(absl::Seconds(10)).ok());
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
}

// Serving, it is killed, `times` in a row.
void KillAgainAndAgain(ForkServer& server, std::string_view name, int times) {
  for (int i = 0; i < times; ++i) {
    const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing(name);
    ASSERT_TRUE(hello.ok()) << hello.status();
    ASSERT_TRUE(Kill(server, name));
  }
}

// It says of what, and until when.
void ExpectBackedOff(const absl::Status& status, const std::string& what) {
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  const std::string message(status.message());
  EXPECT_NE(message.find(what + " died: "), std::string::npos) << status;
  EXPECT_NE(message.find("; after 2 deaths it is not started again before 3"), std::string::npos)
      << status;
}

HOST_TEST(Templates, BackedOffWhenItDiesASecondTimeAndTheErrorSaysUntilWhen) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "page", 2));
  EXPECT_EQ(StatusOf(server, "page").starts_again_at, 0);  // nobody has asked for it
  ExpectBackedOff(server.Launch(From("page", {"exit", "0"})).status(), "template 'page'");
  const int64_t at = StatusOf(server, "page").starts_again_at;
  EXPECT_GT(at, NowNanos() + 3000 * kNanosPerSecond);
  // What needs it cannot be started either, and what does not can.
  ExpectBackedOff(server.Launch(From("article", {"exit", "0"})).status(), "template 'page'");
  EXPECT_EQ(StateOf(server, "article"), State::kNotStarted);
  EXPECT_EQ(StatusOf(server, "article").starts_again_at, at);
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  // Nobody waits for it for ever.
  ExpectBackedOff(server.WaitUntilServing("page", absl::Milliseconds(20)).status(),
                  "template 'page'");
  EXPECT_EQ(StatusOf(server, "page").starts, 2u);
}

HOST_TEST(Templates, BackedOffRootLeavesThoseBelowItServing) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "root", 2));
  ExpectBackedOff(server.Launch(From("root", {"exit", "0"})).status(), "root template");
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
}

// Of a child that answers.
std::optional<LaunchedBy> ByOf(ForkServer& server, const LaunchOptions& options) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  EXPECT_TRUE(child.ok()) << child.status();
  if (!child.ok() || !Echoes(*child)) return std::nullopt;
  return child->by;
}

HOST_TEST(Templates, BackedOffOnesLaunchesComeByExec) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "page", 2));
  for (const char* name : {"page", "article", "comment"}) {
    EXPECT_EQ(ByOf(server, Any(name, {"echo"})), LaunchedBy::kExec) << name;
    EXPECT_EQ(WarmthOf(server, Any(name, {"warmth"})), "cold") << name;
  }
  EXPECT_EQ(ByOf(server, Any("root", {"echo"})), LaunchedBy::kFork);
  // A fork is a fork.
  LaunchOptions fork = Any("page", {"echo"});
  fork.way = LaunchWay::kFork;
  ExpectBackedOff(server.Launch(fork).status(), "template 'page'");
}

HOST_TEST(Templates, BackedOffRootsLaunchesComeByExec) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "root", 2));
  for (const char* name : {"root", "page", "comment"}) {
    EXPECT_EQ(ByOf(server, Any(name, {"echo"})), LaunchedBy::kExec) << name;
  }
}

HOST_TEST(Templates, AtTheGateLaunchesWaitForAFirstStartAndComeByExecDuringALaterOne) {
  std::optional<LaunchedBy> by;
  server.LaunchAsync(Any("page", {"exit", "0"}), [&by](absl::StatusOr<LaunchedChild> child) {
    if (child.ok()) by = child->by;
  });
  ASSERT_TRUE(gate->WaitForArrivals(1));
  EXPECT_FALSE(by.has_value());
  gate->Open();
  ASSERT_TRUE(DispatchUntil(server, [&] { return by.has_value(); }));
  EXPECT_EQ(by, LaunchedBy::kFork);
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  gate->Close();
  ASSERT_TRUE(Kill(server, "page"));
  EXPECT_EQ(ByOf(server, Any("page", {"echo"})), LaunchedBy::kExec);
  // That launch has started it.
  ASSERT_TRUE(gate->WaitForArrivals(2));
  EXPECT_EQ(ByOf(server, Any("page", {"echo"})), LaunchedBy::kExec);
  EXPECT_EQ(StateOf(server, "page"), State::kStarting);
  gate->Open();
  EXPECT_TRUE(ComesToServe(server, "page"));
  EXPECT_EQ(ByOf(server, Any("page", {"echo"})), LaunchedBy::kFork);
}

// Stopped, it has forked nothing; killed then, it takes the requests with it.
HOST_TEST(Templates, KilledOnesLaunchesInFlightAreSentAgainWithAllThatTheyCarry) {
  const std::optional<pid_t> page = StopOnceItServes(server, "page");
  ASSERT_TRUE(page.has_value());
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  std::vector<LaunchedChild> children;
  {
    LaunchOptions options = Any("page", {"echo"});
    options.Map(write_end.get(), 7);
    options.stdio[1] = Stdio::Descriptor(write_end.get());
    const std::vector<uint8_t> payload = {1, 2, 3};
    const int fd = write_end.get();
    const FirstPacket packet = {
        .frame = {.type = kEcho}, .payload = payload, .descriptors = {&fd, 1}};
    options.first_packets = {&packet, 1};
    for (int i = 0; i < 3; ++i) {
      server.LaunchAsync(options, [&children](absl::StatusOr<LaunchedChild> child) {
        ASSERT_TRUE(child.ok()) << child.status();
        children.push_back(*std::move(child));
      });
    }
  }
  write_end.reset();
  ASSERT_TRUE(SignalProcess(page, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] { return children.size() == 3; }));
  for (const LaunchedChild& child : children) {
    EXPECT_EQ(child.by, LaunchedBy::kExec);
    EXPECT_EQ(child.first_packets_sent, 1u);
    uint8_t buffer[64];
    Packet packet(buffer);
    ASSERT_EQ(ReceivePacket(child.socket.get(), Blocking::kWait, packet), PacketOutcome::kMessage);
    EXPECT_EQ(packet.payload().size(), 3u);
    EXPECT_EQ(packet.descriptors().size(), 1u);
  }
  // The host keeps no end of the pipe: with the children the last ones go.
  children.clear();
  char byte;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

HOST_TEST(Templates, KilledOnesLaunchesThatAreItsOwnAreSentToTheNext) {
  const std::optional<pid_t> page = StopOnceItServes(server, "page");
  ASSERT_TRUE(page.has_value());
  LaunchOptions options = From("page", {"exit", "0"});
  options.when_template_dies = WhenTemplateDies::kSendAgain;
  Outcome outcome;
  LaunchMany(server, options, 10, outcome);
  Outcome failing;
  LaunchMany(server, From("page", {"exit", "0"}), 10, failing);
  ASSERT_TRUE(SignalProcess(page, SIGKILL).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended + failing.ended == 20; }));
  EXPECT_EQ(outcome.good, 10u) << outcome.last_error;
  EXPECT_EQ(failing.good, 0u);
  EXPECT_NE(std::string(failing.last_error.message()).find("template 'page' died"),
            std::string::npos)
      << failing.last_error;
  EXPECT_EQ(StatusOf(server, "page").starts, 2u);
}

HOST_TEST(Templates, CrashInEveryWarmUpEndsALaunchThatIsSentAgain) {
  LaunchOptions options = From("page", {"exit", "0"});
  options.when_template_dies = WhenTemplateDies::kSendAgain;
  const absl::Status failed = server.Launch(options).status();
  EXPECT_NE(std::string(failed.message()).find("template 'page' died"), std::string::npos)
      << failed;
  EXPECT_EQ(StatusOf(server, "page").starts, 3u);
  EXPECT_EQ(ByOf(server, Any("page", {"echo"})), LaunchedBy::kExec);
}

HOST_TEST(Templates, KilledOnesLaunchThatIsToBeSentAgainCanBeCancelled) {
  const std::optional<pid_t> page = StopOnceItServes(server, "page");
  ASSERT_TRUE(page.has_value());
  std::vector<absl::Status> told;
  const LaunchId id = server.LaunchAsync(
      Any("page", {"exit", "0"}),
      [&told](absl::StatusOr<LaunchedChild> child) { told.push_back(child.status()); });
  server.Cancel(id);
  ASSERT_TRUE(SignalProcess(page, SIGKILL).ok());
  ASSERT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0 && !told.empty(); }));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(absl::IsCancelled(told.front())) << told.front();
}

// The launch is what finds it dead.
HOST_TEST(Templates, KilledOneThatNobodyHasNoticedSendsTheLaunchToAnExec) {
  const UniqueFd root = OpenPidfd(server.root_pid().value());
  ASSERT_TRUE(SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(WaitForEnd(root));
  EXPECT_EQ(StateOf(server, "root"), State::kServing);
  LaunchOptions options = Any("root", {"report"});
  options.set_environment = {"FALLEN=back"};
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("env.FALLEN"), "back");
  EXPECT_EQ(DescriptorNumbers(*report), "0 1 2");
}

HOST_TEST(Templates, BackedOffForAMomentIsWaitedForByWhoWantsIt) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "page", 2));
  // Asked for once, it is started then, though nobody asks again.
  server.LaunchAsync(From("page", {"exit", "0"}), [](const absl::StatusOr<LaunchedChild>&) {});
  EXPECT_TRUE(ComesToServe(server, "page"));
  EXPECT_EQ(StatusOf(server, "page").starts_again_at, 0);
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "page", 3));
  EXPECT_EQ(StatusOf(server, "page").starts, 5u);
}

HOST_TEST(Templates, BackedOffForAMomentRootIsWaitedForToo) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "root", 4));
  // By the template below it, too.
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  EXPECT_EQ(StatusOf(server, "root").starts, 5u);
}

HOST_TEST(Templates, BackedOffUnlessItHasSettledBeforeItDied) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "page", 4));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
}

// Its start fails with its parent's death, which is not its own.
HOST_TEST(Templates, BackedOffIsNotOneWhoseParentDied) {
  const std::optional<pid_t> page = StopOnceItServes(server, "page");
  ASSERT_TRUE(page.has_value());
  Outcome outcome;
  LaunchMany(server, From("article", {"exit", "0"}), 1, outcome);
  ASSERT_TRUE(SignalProcess(page, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "article"));
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 1; }));
  // One death of each is none too many for this.
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "article", 1));
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
}

HOST_TEST(Templates, DestroyedServerDoesNotWaitForABackedOffOne) {
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(server, "page", 2));
  EXPECT_FALSE(server.Launch(From("page", {"exit", "0"})).ok());
}

absl::Status KillSeedAndRoot(ForkServer& server) {
  const UniqueFd seed = OpenPidfd(server.seed_pid().value());
  if (absl::Status killed = SignalProcess(server.seed_pid(), SIGKILL); !killed.ok()) return killed;
  if (!WaitForEnd(seed)) return absl::DeadlineExceededError("the seed lives");
  return Kill(server, "root") ? absl::OkStatus() : absl::DeadlineExceededError("the root lives");
}

HOST_TEST(Templates, RootWhoseSeedIsDeadTooIsExeced) {
  ASSERT_EQ(KillSeedAndRoot(server), absl::OkStatus());
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(hello->capabilities & kSilentChildren, 0u);
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  // And again.
  ASSERT_TRUE(Kill(server, "root"));
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
}

// The kernel takes the thread that exec'ed the root for the parent of all that comes from it.
HOST_TEST(Templates, RootThatAnotherThreadExecedOutlivesItWithItsChildren) {
  ASSERT_EQ(KillSeedAndRoot(server), absl::OkStatus());
  std::optional<LaunchedChild> child;
  std::thread([&] {
    absl::StatusOr<LaunchedChild> launched = server.Launch(From("page", {"echo"}));
    if (launched.ok()) child.emplace(*std::move(launched));
  }).join();
  ASSERT_TRUE(child.has_value());
  EXPECT_TRUE(Echoes(*child));
  const absl::StatusOr<LaunchedChild> other = server.Launch(From("page", {"report"}));
  ASSERT_TRUE(other.ok()) << other.status();
  const absl::StatusOr<Report> report = ReportOf(*other);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("death_signal"), "0");
  EXPECT_EQ(StatusOf(server, "root").starts, 2u);
}

HOST_TEST(Templates, ExecedRootThatDiedIsExecedAgain) {
  ASSERT_FALSE(server.seed_pid().has_value());
  ASSERT_TRUE(Kill(server, "root"));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_TRUE(ComesToServe(server, "root"));
}

HOST_TEST(Templates, DestroyedServerEndsARootThatWasJustStartedAgain) {
  ASSERT_TRUE(Kill(server, "root"));
  static Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 3, outcome);
}

}  // namespace
}  // namespace forkserver::testing
