// Templates that died too often, and hosts that were told to do without: launches come by exec.
#include <signal.h>
#include <stdlib.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"

namespace forkserver {
namespace {

using testing::DispatchUntil;
using testing::StatusOf;
using State = TemplateStatus::State;

constexpr int kMostDeaths = 3;
constexpr char kVariable[] = "FORKSERVER_SAFE_MODE";

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = {.options = TestOptions()};
  const auto is = [&test](std::string_view part) { return test.find(part) != test.npos; };
  setup.options.restart = {.first_delay = absl::ZeroDuration(), .most_deaths = kMostDeaths};
  setup.options.templates = {
      {.name = "page", .types = {ProcessType::kUtility}},
      {.name = "article", .parent = "page"},
      {.name = "boxed",
       .sandbox = {.policy = SandboxPolicyId::kUtility},
       .start = TemplateStart::kAhead},
  };
  if (is("AskedFor")) {
    setup.wait_until_serving = false;
    setup.body_starts_broker = true;
    setup.before_start = [] { setenv(kVariable, "1", 1); };
  }
  if (is("VariableSaysNo")) setup.before_start = [] { setenv(kVariable, "0", 1); };
  if (is("ChosenByStartOptions")) {
    setup.wait_until_serving = false;
    setup.body_starts_broker = true;
    setup.options.safe_mode = SafeMode::kOn;
  }
  return setup;
}

namespace {

LaunchOptions From(std::string_view template_name, LaunchWay way = LaunchWay::kAny) {
  return {.type = ProcessType::kIpcUnitTest,
          .argv = {"exit", "7"},
          .way = way,
          .template_name = std::string(template_name)};
}

// By which way it came, or why it did not.
std::string WayOf(ForkServer& server, const LaunchOptions& options) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  if (!child.ok()) return std::string(child.status().message());
  const absl::StatusOr<ExitStatus> status = child->process.Wait();
  if (!status.ok() || status->code != 7) return "it did not do what it was to";
  return std::string(LaunchedByName(child->by));
}

bool IsForked(const std::string& way) { return way == "fork" || way == "pool"; }

void KillTooOften(ForkServer& server, std::string_view name) {
  for (int i = 0; i < kMostDeaths; ++i) {
    ASSERT_TRUE(server.WaitUntilServing(name).ok());
    ASSERT_TRUE(testing::SignalProcess(StatusOf(server, name).pid, SIGKILL).ok());
    ASSERT_TRUE(DispatchUntil(server, [&] {
      const State state = StatusOf(server, name).state;
      return state == State::kDead || state == State::kGivenUp;
    }));
    EXPECT_EQ(server.safe_mode().ok(), i + 1 < kMostDeaths) << server.safe_mode();
  }
}

HOST_TEST(SafeMode, ATemplateThatDiedTooOftenStaysOnExecAndItsNeighboursDoNot) {
  EXPECT_TRUE(server.safe_mode().ok()) << server.safe_mode();
  ASSERT_NO_FATAL_FAILURE(KillTooOften(server, "page"));
  const std::string why(server.safe_mode().message());
  EXPECT_EQ(why.find("safe mode: template 'page' died 3 times in a row, the last time: template "
                     "'page' died: "),
            0u)
      << why;
  const TemplateStatus page = StatusOf(server, "page");
  EXPECT_EQ(page.state, State::kGivenUp);
  EXPECT_EQ(std::string(page.why_dead.message()), why);
  // What needs it is given up too, though it never ran.
  EXPECT_EQ(StatusOf(server, "article").state, State::kGivenUp);
  for (const char* name : {"page", "article"}) {
    EXPECT_EQ(WayOf(server, From(name)), "exec") << name;
    for (const LaunchWay way : {LaunchWay::kTemplate, LaunchWay::kFork}) {
      EXPECT_NE(WayOf(server, From(name, way)).find(why), std::string::npos) << name;
    }
    EXPECT_EQ(std::string(server.WaitUntilServing(name).status().message()), why) << name;
    EXPECT_TRUE(server.SetPool(name, {.min = 2, .max = 2}).ok()) << name;
  }
  EXPECT_EQ(StatusOf(server, "page").starts, static_cast<uint64_t>(kMostDeaths));
  EXPECT_TRUE(IsForked(WayOf(server, From("root"))));
  EXPECT_TRUE(IsForked(WayOf(server, From("boxed"))));
}

HOST_TEST(SafeMode, ARootThatDiedTooOftenLeavesThoseThatServe) {
  ASSERT_TRUE(server.WaitUntilServing("boxed").ok());
  ASSERT_NO_FATAL_FAILURE(KillTooOften(server, "root"));
  EXPECT_EQ(StatusOf(server, "root").state, State::kGivenUp);
  EXPECT_EQ(StatusOf(server, "page").state, State::kGivenUp);
  EXPECT_EQ(StatusOf(server, "boxed").state, State::kServing);
  EXPECT_EQ(WayOf(server, From("root")), "exec");
  EXPECT_EQ(WayOf(server, From("page")), "exec");
  EXPECT_TRUE(IsForked(WayOf(server, From("boxed"))));
  EXPECT_FALSE(server.Ping().ok());
}

void ExpectNoTemplateEver(ForkServer& server, const std::string& why) {
  EXPECT_EQ(std::string(server.safe_mode().message()), why);
  EXPECT_EQ(server.start_report().way, LaunchWay::kExec);
  EXPECT_EQ(server.start_report().reason, why);
  EXPECT_EQ(server.seed_pid(), std::nullopt);
  EXPECT_EQ(server.root_pid(), std::nullopt);
  EXPECT_EQ(testing::CountChildren(), 0u);
  EXPECT_EQ(std::string(server.Ping().message()), why);
  EXPECT_EQ(std::string(server.WaitUntilServing().status().message()), why);
  for (const TemplateStatus& one : server.templates()) {
    EXPECT_EQ(one.state, State::kGivenUp) << one.name;
    EXPECT_EQ(one.starts, 0u) << one.name;
    EXPECT_TRUE(server.SetPool(one.name, {.min = 1, .max = 1}).ok()) << one.name;
    EXPECT_EQ(WayOf(server, From(one.name)), "exec") << one.name;
    EXPECT_NE(WayOf(server, From(one.name, LaunchWay::kFork)).find(why), std::string::npos);
  }
  EXPECT_EQ(testing::CountChildren(), 0u);
}

HOST_TEST(SafeMode, AskedForByTheEnvironmentForksNothing) {
  ExpectNoTemplateEver(server,
                       "safe mode: FORKSERVER_SAFE_MODE=1 asks for it, and no template is "
                       "started");
}

HOST_TEST(SafeMode, AskedForItsSandboxesAreTheSame) {
  const absl::StatusOr<LaunchedChild> child = server.Launch(From("boxed"));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->by, LaunchedBy::kExec);
  ASSERT_NE(child->sandbox, nullptr);
  EXPECT_EQ(child->sandbox->policy, SandboxPolicyId::kUtility);
  EXPECT_TRUE((*child->sandbox)[SandboxLayer::kSystemCallFilter].holds());
}

HOST_TEST(SafeMode, ChosenByStartOptionsForksNothingEither) {
  ExpectNoTemplateEver(server, "safe mode: StartOptions ask for it, and no template is started");
}

HOST_TEST(SafeMode, IsNotOnWhereTheVariableSaysNo) {
  EXPECT_TRUE(server.safe_mode().ok()) << server.safe_mode();
  EXPECT_TRUE(IsForked(WayOf(server, From("root"))));
}

}  // namespace
}  // namespace forkserver
