// Templates below the root: what their children have, when they start, how they end.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/testing/gate.h"
#include "tests/testing/host_test.h"
#include "tests/testing/lasting_thread.h"
#include "tests/testing/test_program.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::Gate;
using testing::HostSetup;
using testing::SignalProcess;
using testing::StatusOf;
using State = TemplateStatus::State;

// What the warm-ups of a child's template, and of those above it, have built.
std::string* warmth = nullptr;
Gate* gate = nullptr;

// "warmth" sends it; all else is TestProgram's.
class WarmProgram : public testing::TestProgram {
 public:
  int Run(ChildContext& context) override {
    if (context.argv.empty() || std::string_view(context.argv[0]) != "warmth") {
      return TestProgram::Run(context);
    }
    const std::string text = warmth != nullptr ? *warmth : "cold";
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    return context.channel.Send({.type = testing::kEcho}, {bytes, text.size()}) == 0 ? 0 : 1;
  }
};

WarmUp Building(const std::string& what) {
  return {what, [what] {
            if (warmth == nullptr) warmth = new std::string;
            if (!warmth->empty()) warmth->append(" ");
            warmth->append(what);
            return absl::OkStatus();
          }};
}

// A warm-up that passes the gate, and does `what` the first time that it runs in any process.
WarmUp TheFirstTime(absl::Status (*what)()) {
  return {"the first time", [what] {
            gate->Pass();
            return gate->arrivals() == 1 ? what() : absl::OkStatus();
          }};
}

WarmUp WaitAtTheGate() {
  return {"wait", [] {
            gate->Pass();
            return absl::OkStatus();
          }};
}

// root > page > article > comment; content comes from page.
HostSetup FourLevels() {
  HostSetup setup;
  for (const ProcessType type :
       {ProcessType::kContent, ProcessType::kUtility, ProcessType::kIpcUnitTest}) {
    setup.options.programs.push_back({type, MakeChildProgram<WarmProgram>});
  }
  setup.options.warm_ups = {Building("root")};
  setup.options.templates = {
      {.name = "page", .types = {ProcessType::kContent}, .warm_ups = {Building("page")}},
      {.name = "article", .parent = "page", .warm_ups = {Building("article")}},
      {.name = "comment", .parent = "article", .warm_ups = {Building("comment")}},
  };
  setup.before_start = [] { gate = Gate::Map(); };
  return setup;
}

constexpr absl::Duration kSoon = absl::Milliseconds(40);

}  // namespace

HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = FourLevels();
  std::vector<TemplateOptions>& templates = setup.options.templates;
  TemplateOptions& page = templates[0];
  TemplateOptions& article = templates[1];
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  if (is("Ahead")) article.start = TemplateStart::kAhead;
  if (is("AtTheGate")) page.warm_ups.push_back(WaitAtTheGate());
  if (is("ArticleWaits")) article.warm_ups.push_back(WaitAtTheGate());
  if (is("Evict")) page.evict_after = kSoon;
  if (is("EvictedAtOnce")) page.evict_after = absl::ZeroDuration();
  // More nanoseconds than there are, and not InfiniteDuration.
  if (is("IdleForCenturies")) page.evict_after = absl::Hours(300 * 366 * 24);
  if (is("CrashInEvery")) {
    page.warm_ups.push_back({"always", [] {
                               raise(SIGSEGV);
                               return absl::OkStatus();
                             }});
  } else if (is("Crash")) {
    page.warm_ups.push_back(TheFirstTime([] {
      raise(SIGSEGV);
      return absl::OkStatus();
    }));
  }
  if (is("ThreadLeft")) {
    page.warm_ups.push_back(TheFirstTime([] {
      testing::LeaveAThread("font-scanner");
      return absl::OkStatus();
    }));
  }
  if (is("WarmUpThatFails")) {
    page.warm_ups.insert(page.warm_ups.begin(),
                         {"no font", [] { return absl::NotFoundError("no such font"); }});
  }
  if (is("ExecedRoot")) {
    setup.before_start = testing::LeaveAThreadInTheHost;
  }
  // Where it is not about that, nobody waits, and nobody gives up.
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = 0};
  if (is("BackedOff")) {
    setup.options.restart = {
        .first_delay = absl::Hours(1), .longest_delay = absl::Hours(1), .jitter = 0};
    if (is("ForAMoment")) setup.options.restart.first_delay = absl::Milliseconds(50);
    if (is("UnlessItHasSettled")) setup.options.restart.settled_after = absl::ZeroDuration();
  }
  setup.drain_after_body = !is("DestroyedServer");
  setup.wait_until_serving = !is("AtOnce");
  return setup;
}

namespace {

// From the template, or not at all.
LaunchOptions From(std::string_view template_name, std::vector<std::string> argv) {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = std::move(argv),
          .way = LaunchWay::kTemplate,
          .when_template_dies = WhenTemplateDies::kFail,
          .template_name = std::string(template_name)};
}

// As launches are if nobody chooses.
LaunchOptions Any(std::string_view template_name, std::vector<std::string> argv) {
  LaunchOptions options = From(template_name, std::move(argv));
  options.way = LaunchOptions().way;
  options.when_template_dies = LaunchOptions().when_template_dies;
  return options;
}

// What a child found built, or how its launch failed.
std::string WarmthOf(ForkServer& server, const LaunchOptions& options) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return child.status().ToString();
  uint8_t buffer[256];
  Packet packet(buffer);
  if (ReceivePacket(child->socket.get(), Blocking::kWait, packet) != PacketOutcome::kMessage) {
    return "no message";
  }
  return {packet.payload().begin(), packet.payload().end()};
}

// The child answers: it lives, and its channel is whole.
bool Echoes(const LaunchedChild& child) {
  uint8_t buffer[64];
  Packet packet(buffer);
  return SendPacket(child.socket.get(), Blocking::kWait, {.type = testing::kEcho}, {}, {}) == 0 &&
         ReceivePacket(child.socket.get(), Blocking::kWait, packet) == PacketOutcome::kMessage;
}

State StateOf(const ForkServer& server, std::string_view name) {
  return StatusOf(server, name).state;
}

// Without being asked to: its Hello may be later than the Ready of the first child below it.
bool ComesToServe(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StateOf(server, name) == State::kServing; });
}

bool ComesToBeDead(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StateOf(server, name) == State::kDead; });
}

bool ComesToBeEvicted(ForkServer& server, std::string_view name) {
  return DispatchUntil(server, [&] { return StateOf(server, name) == State::kNotStarted; });
}

// What became of launches that nobody waits for one by one.
struct Outcome {
  size_t ended = 0;
  size_t good = 0;
  absl::Status last_error;

  LaunchCallback Count() {
    return [this](absl::StatusOr<LaunchedChild> child) {
      ++ended;
      if (!child.ok()) {
        last_error = child.status();
      } else if (child->process.Wait()->success()) {
        ++good;
      }
    };
  }
};

void LaunchMany(ForkServer& server, const LaunchOptions& options, size_t count, Outcome& outcome) {
  for (size_t i = 0; i < count; ++i) server.LaunchAsync(options, outcome.Count());
}

HOST_TEST(Templates, ChildHasWhatItsTemplateAndThoseAboveItBuilt) {
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  EXPECT_EQ(WarmthOf(server, From("", {"warmth"})), "root");
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing("article");
  ASSERT_TRUE(hello.ok()) << hello.status();
  ASSERT_EQ(hello->warm_ups.size(), 1u);
  EXPECT_EQ(hello->warm_ups[0].name, "article");
}

HOST_TEST(Templates, TypeChoosesTheTemplateAndANameOverrulesIt) {
  LaunchOptions options = {.type = ProcessType::kContent, .argv = {"warmth"}};
  EXPECT_EQ(WarmthOf(server, options), "root page");
  options.template_name = "root";
  EXPECT_EQ(WarmthOf(server, options), "root");
  options = {.type = ProcessType::kUtility, .argv = {"warmth"}};
  EXPECT_EQ(WarmthOf(server, options), "root");
  EXPECT_EQ(StateOf(server, "article"), State::kNotStarted);
}

HOST_TEST(Templates, ChildOfANestedTemplateIsLikeAnyOther) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(From("comment", {"report"}));
  ASSERT_TRUE(child.ok()) << child.status();
  const absl::StatusOr<testing::Report> report = testing::ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("ppid"), std::to_string(getpid()));
  EXPECT_EQ(report->at("pid"), std::to_string(child->process.pid()));
  EXPECT_EQ(report->at("owner_is_self"), "yes");
  EXPECT_EQ(report->at("threads"), "1");
  EXPECT_EQ(report->at("name"), "ipc-unit-test");
  EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
}

HOST_TEST(Templates, NameThatNobodyHasIsNotFoundAndSaid) {
  const auto is_named = [](const absl::Status& status) {
    return absl::IsNotFound(status) &&
           std::string(status.message()).find("no template 'sidebar'") != std::string::npos;
  };
  const absl::Status launched = server.Launch(From("sidebar", {"exit", "0"})).status();
  EXPECT_TRUE(is_named(launched)) << launched;
  const absl::Status waited = server.WaitUntilServing("sidebar").status();
  EXPECT_TRUE(is_named(waited)) << waited;
}

HOST_TEST(Templates, OptionsThatCannotBeAreInvalidAndNamed) {
  using Templates = std::vector<TemplateOptions>;
  const std::pair<Templates, std::string> cases[] = {
      {{{.name = ""}}, "template '': the name is empty or taken"},
      {{{.name = "root"}}, "template 'root': the name is empty or taken"},
      {{{.name = "a"}, {.name = "a"}}, "template 'a': the name is empty or taken"},
      {{{.name = "a", .parent = "b"}}, "template 'a': its parent 'b' is no template above it"},
      {{{.name = "a", .parent = "b"}, {.name = "b"}}, "template 'a': its parent 'b'"},
      {{{.name = "a", .parent = "a"}}, "template 'a': its parent 'a'"},
      {{{.name = "a", .types = {ProcessType::kContent}},
        {.name = "b", .types = {ProcessType::kContent}}},
       "template 'b': type content has a template already"},
      {{{.name = "a", .types = {ProcessType::kContent, ProcessType::kContent}}},
       "template 'a': type content has a template already"},
      {{{.name = "a", .types = {static_cast<ProcessType>(77)}}},
       "template 'a': type 77 has no row in the table of process types"},
      {{{.name = "a", .warm_ups = {{"fonts", nullptr}}}},
       "template 'a': warm-up 'fonts' has no function to run"},
  };
  for (const auto& [templates, expected] : cases) {
    char name[] = "program";
    char* argv[] = {name, nullptr};
    const absl::Status status = ForkServer::Start(1, argv, {.templates = templates}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << expected << ": " << status;
    EXPECT_NE(std::string(status.message()).find(expected), std::string::npos) << status;
  }
}

HOST_TEST(Templates, ProgramThatNothingMakesIsInvalidAndNamed) {
  char name[] = "program";
  char* argv[] = {name, nullptr};
  const absl::Status status =
      ForkServer::Start(1, argv, {.programs = {{ProcessType::kContent, nullptr}}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(std::string(status.message()),
            "start: the program of type content has no function that makes it");
}

HOST_TEST(Templates, StartOnTheirFirstUseWithThoseAboveThem) {
  for (const char* name : {"page", "article", "comment"}) {
    EXPECT_EQ(StateOf(server, name), State::kNotStarted) << name;
  }
  EXPECT_EQ(testing::CountChildren(), 2u);  // seed and root
  ASSERT_TRUE(server.Launch(From("article", {"exit", "0"})).ok());
  for (const char* name : {"page", "article"}) {
    EXPECT_TRUE(ComesToServe(server, name)) << name;
  }
  EXPECT_EQ(StateOf(server, "comment"), State::kNotStarted);
}

HOST_TEST(Templates, AheadStartsWithTheHost) {
  EXPECT_TRUE(ComesToServe(server, "page"));
  EXPECT_TRUE(ComesToServe(server, "article"));
  EXPECT_EQ(StateOf(server, "comment"), State::kNotStarted);
}

HOST_TEST(Templates, WaitUntilServingStartsOneAndKnowsItsProcess) {
  ASSERT_TRUE(server.Launch(From("root", {"exit", "0"})).ok());
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing("page", absl::Seconds(10));
  ASSERT_TRUE(hello.ok()) << hello.status();
  const TemplateStatus page = StatusOf(server, "page");
  EXPECT_EQ(page.pid, hello->pid);
  EXPECT_EQ(page.parent, "root");
  EXPECT_EQ(page.hello.warm_ups.size(), 1u);
}

HOST_TEST(Templates, AtTheGateLaunchesWaitForTheWarmUpAndThoseFromTheRootDoNot) {
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 5, outcome);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  EXPECT_EQ(StateOf(server, "page"), State::kStarting);
  EXPECT_EQ(outcome.ended, 0u);
  gate->Open();
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 5; }));
  EXPECT_EQ(outcome.good, 5u) << outcome.last_error;
  EXPECT_EQ(gate->arrivals(), 1u);  // warmed up once for all
}

HOST_TEST(Templates, AtTheGateADeadlineEndsALaunchThatStillWaits) {
  LaunchOptions options = From("page", {"exit", "0"});
  options.timeout = absl::Milliseconds(20);
  EXPECT_TRUE(absl::IsDeadlineExceeded(server.Launch(options).status()));
  gate->Open();
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
}

// As for the root: a template without one warm thing is still a template.
HOST_TEST(Templates, WarmUpThatFailsIsReported) {
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  ASSERT_TRUE(ComesToServe(server, "page"));
  const HelloMessage hello = StatusOf(server, "page").hello;
  ASSERT_EQ(hello.warm_ups.size(), 2u);
  EXPECT_EQ(hello.warm_ups[0].error, "no such font");
}

HOST_TEST(Templates, CrashInAWarmUpFailsTheLaunchesAndTheNextUseTriesAgain) {
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 3, outcome);
  gate->Open();
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 3; }));
  EXPECT_EQ(outcome.good, 0u);
  EXPECT_NE(std::string(outcome.last_error.message()).find("template 'page' died"),
            std::string::npos)
      << outcome.last_error;
  const TemplateStatus page = StatusOf(server, "page");
  EXPECT_EQ(page.state, State::kDead);
  EXPECT_NE(std::string(page.why_dead.message()).find("template 'page' died"), std::string::npos);
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_TRUE(ComesToServe(server, "page"));
}

HOST_TEST(Templates, CrashInAParentsWarmUpFailsTheLaunchesOfItsChildren) {
  gate->Open();
  const absl::Status failed = server.Launch(From("comment", {"exit", "0"})).status();
  EXPECT_FALSE(failed.ok());
  EXPECT_FALSE(absl::IsDeadlineExceeded(failed)) << failed;
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
}

HOST_TEST(Templates, ThreadLeftByAWarmUpIsNamedAndTheNextUseTriesAgain) {
  gate->Open();
  const absl::Status failed = server.Launch(From("page", {"exit", "0"})).status();
  EXPECT_NE(std::string(failed.message()).find("thread 'font-scanner'"), std::string::npos)
      << failed;
  const std::optional<LaunchFailure> failure = GetLaunchFailure(failed);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->step, LaunchStep::kSingleThread);
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
}

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
  // It has not said Hello: its pid is its parent's word.
  ASSERT_TRUE(DispatchUntil(server, [&] { return StatusOf(server, "page").pid.has_value(); }));
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
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "page"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_EQ(StatusOf(server, "article").pid, article);
  EXPECT_EQ(StateOf(server, "page"), State::kDead);
  // Only a start needs the parent.
  ASSERT_TRUE(SignalProcess(article, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "article"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_TRUE(ComesToServe(server, "page"));
}

HOST_TEST(Templates, ParentKilledWhileArticleWaitsLeavesItStarting) {
  Outcome outcome;
  LaunchMany(server, From("article", {"exit", "0"}), 3, outcome);
  ASSERT_TRUE(gate->WaitForArrivals(1));
  ASSERT_TRUE(DispatchUntil(server, [&] { return StatusOf(server, "page").pid.has_value(); }));
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "page"));
  gate->Open();
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 3; }));
  EXPECT_EQ(outcome.good, 3u) << outcome.last_error;
  EXPECT_TRUE(DispatchUntil(server, [&] { return StatusOf(server, "article").pid.has_value(); }));
}

// Stopped, it forks nothing; killed then, it takes the requests with it.
HOST_TEST(Templates, ParentKilledBeforeItForkedFailsTheLaunchAndTheNextUseTriesAgain) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
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
    ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGKILL).ok());
    EXPECT_TRUE(ComesToBeDead(server, "article"));
  }
}

HOST_TEST(Templates, RootKilledLeavesThoseBelowItServing) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "root"));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "page"));
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
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, "root"));
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
    ASSERT_TRUE(SignalProcess(StatusOf(server, name).pid, SIGKILL).ok());
    ASSERT_TRUE(ComesToBeDead(server, name));
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
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, "page"));
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
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
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
        .frame = {.type = testing::kEcho}, .payload = payload, .descriptors = {&fd, 1}};
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
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
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
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
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
  const UniqueFd root = testing::OpenPidfd(server.root_pid().value());
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(testing::WaitForEnd(root));
  EXPECT_EQ(StateOf(server, "root"), State::kServing);
  LaunchOptions options = Any("root", {"report"});
  options.set_environment = {"FALLEN=back"};
  const absl::StatusOr<LaunchedChild> child = server.Launch(options);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  const absl::StatusOr<testing::Report> report = testing::ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("env.FALLEN"), "back");
  EXPECT_EQ(testing::DescriptorNumbers(*report), "0 1 2");
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
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
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
  const UniqueFd seed = testing::OpenPidfd(server.seed_pid().value());
  if (absl::Status killed = SignalProcess(server.seed_pid(), SIGKILL); !killed.ok()) return killed;
  if (!testing::WaitForEnd(seed)) return absl::DeadlineExceededError("the seed lives");
  if (absl::Status killed = testing::SignalRoot(server, SIGKILL); !killed.ok()) return killed;
  return ComesToBeDead(server, "root") ? absl::OkStatus()
                                       : absl::DeadlineExceededError("the root lives");
}

HOST_TEST(Templates, RootWhoseSeedIsDeadTooIsExeced) {
  ASSERT_EQ(KillSeedAndRoot(server), absl::OkStatus());
  EXPECT_EQ(WarmthOf(server, From("root", {"warmth"})), "root");
  const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing();
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(hello->capabilities & kSilentChildren, 0u);
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  // And again.
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, "root"));
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
  const absl::StatusOr<testing::Report> report = testing::ReportOf(*other);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("death_signal"), "0");
  EXPECT_EQ(StatusOf(server, "root").starts, 2u);
}

HOST_TEST(Templates, ExecedRootThatDiedIsExecedAgain) {
  ASSERT_FALSE(server.seed_pid().has_value());
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, "root"));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_TRUE(ComesToServe(server, "root"));
}

HOST_TEST(Templates, DestroyedServerEndsARootThatWasJustStartedAgain) {
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
  ASSERT_TRUE(ComesToBeDead(server, "root"));
  static Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 3, outcome);
}

HOST_TEST(Templates, EvictedWhenIdleItsChildrenLiveOnAndItsNextUseStartsItAgain) {
  absl::StatusOr<LaunchedChild> child = server.Launch(From("page", {"echo"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  EXPECT_TRUE(Echoes(*child));
  ASSERT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(testing::CountChildren(), 3u);  // seed, root and that child
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  EXPECT_TRUE(ComesToBeEvicted(server, "page"));
}

HOST_TEST(Templates, EvictedWithItsBlanks) {
  const auto has_blank = [&] { return !StatusOf(server, "page").idle_blanks.empty(); };
  // Again where this machine was so slow that the template was evicted before its blank was there.
  for (int attempt = 0; attempt < 100 && !has_blank(); ++attempt) {
    ASSERT_TRUE(server.Launch({.type = ProcessType::kContent, .argv = {"exit", "0"}}).ok());
    ASSERT_TRUE(DispatchUntil(
        server, [&] { return has_blank() || StateOf(server, "page") == State::kNotStarted; }));
  }
  ASSERT_TRUE(has_blank());
  ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  ASSERT_TRUE(DispatchUntil(server, [&] { return server.in_flight() == 0; }));
  EXPECT_EQ(testing::CountChildren(), 2u);  // seed and root
  EXPECT_EQ(WarmthOf(server, {.type = ProcessType::kContent, .argv = {"warmth"}}), "root page");
}

// Its Hello and its eviction may come in one turn of the loop.
HOST_TEST(Templates, NotEvictedAtOnceBeforeWhoWaitsForItIsTold) {
  for (int i = 0; i < 100; ++i) {
    const absl::StatusOr<HelloMessage> hello = server.WaitUntilServing("page");
    ASSERT_TRUE(hello.ok()) << hello.status();
    ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  }
}

HOST_TEST(Templates, NotEvictedWhileALaunchIsUnderWay) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  ASSERT_TRUE(SignalProcess(page, SIGSTOP).ok());
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 1, outcome);
  const int64_t long_idle = NowNanos() + 5 * absl::ToInt64Nanoseconds(kSoon);
  ASSERT_TRUE(DispatchUntil(server, [&] { return NowNanos() > long_idle; }));
  EXPECT_EQ(StatusOf(server, "page").pid, page);
  ASSERT_TRUE(SignalProcess(page, SIGCONT).ok());
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 1; }));
  EXPECT_EQ(outcome.good, 1u) << outcome.last_error;
  EXPECT_TRUE(ComesToBeEvicted(server, "page"));
}

HOST_TEST(Templates, ThatMayBeIdleForCenturiesStays) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  const std::optional<pid_t> page = StatusOf(server, "page").pid;
  for (int i = 0; i < 3; ++i) server.Dispatch();
  EXPECT_EQ(StateOf(server, "page"), State::kServing);
  EXPECT_EQ(StatusOf(server, "page").pid, page);
}

HOST_TEST(Templates, AtTheGateIsNotEvictedWhileItStarts) {
  Outcome outcome;
  LaunchMany(server, From("page", {"exit", "0"}), 1, outcome);
  const int64_t long_idle = NowNanos() + 5 * absl::ToInt64Nanoseconds(kSoon);
  ASSERT_TRUE(DispatchUntil(server, [&] { return NowNanos() > long_idle; }));
  EXPECT_EQ(StateOf(server, "page"), State::kStarting);
  gate->Open();
  EXPECT_TRUE(DispatchUntil(server, [&] { return outcome.ended == 1; }));
  EXPECT_EQ(outcome.good, 1u) << outcome.last_error;
}

HOST_TEST(Templates, EvictedParentLeavesThoseBelowItServing) {
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  const std::optional<pid_t> article = StatusOf(server, "article").pid;
  ASSERT_TRUE(ComesToBeEvicted(server, "page"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
  EXPECT_EQ(StatusOf(server, "article").pid, article);
  EXPECT_EQ(StateOf(server, "page"), State::kNotStarted);
  ASSERT_TRUE(SignalProcess(article, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "article"));
  EXPECT_EQ(WarmthOf(server, From("article", {"warmth"})), "root page article");
}

HOST_TEST(Templates, BelowAnExecedRootAreTheSame) {
  EXPECT_EQ(server.start_report().way, LaunchWay::kExec);
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  EXPECT_TRUE(ComesToBeDead(server, "page"));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
}

// That the host has no child left after the server's end is what main of these tests checks.
HOST_TEST(Templates, DestroyedServerEndsNestedOnes) {
  ASSERT_TRUE(server.WaitUntilServing("comment").ok());
}

HOST_TEST(Templates, DestroyedServerEndsNestedOnesAtTheGate) {
  static Outcome outcome;  // it is told after this body
  LaunchMany(server, From("comment", {"exit", "0"}), 3, outcome);
  ASSERT_TRUE(gate->WaitForArrivals(1));
}

HOST_TEST(Templates, DestroyedServerEndsNestedOnesThatWereJustAskedFor) {
  static Outcome outcome;
  LaunchMany(server, From("comment", {"exit", "0"}), 3, outcome);
}

HOST_TEST(Templates, DestroyedServerEndsThoseThatStartAheadAtOnce) {}

HOST_TEST(Templates, DestroyedServerEndsThoseWhoseParentDied) {
  ASSERT_TRUE(server.WaitUntilServing("comment").ok());
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGKILL).ok());
  ASSERT_TRUE(testing::SignalRoot(server, SIGKILL).ok());
}

HOST_TEST(Templates, DestroyedServerReapsOneThatWasKilledUnderLaunches) {
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGKILL).ok());
  static Outcome outcome;
  LaunchMany(server, From("article", {"exit", "0"}), 3, outcome);
}

HOST_TEST(Templates, DestroyedServerEndsAStoppedOne) {
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(server.WaitUntilServing("article").ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "page").pid, SIGSTOP).ok());
  ASSERT_TRUE(SignalProcess(StatusOf(server, "article").pid, SIGSTOP).ok());
}

}  // namespace
}  // namespace forkserver
