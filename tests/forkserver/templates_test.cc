// Templates below the root: what their children have, and when they start.
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/forkserver/templates_host.h"
#include "tests/testing/host_test.h"
#include "tests/testing/test_program.h"

namespace forkserver::testing {
namespace {

using State = TemplateStatus::State;

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
  const absl::StatusOr<Report> report = ReportOf(*child);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->at("ppid"), std::to_string(getpid()));
  EXPECT_EQ(report->at("pid"), std::to_string(child->process.pid()));
  EXPECT_EQ(report->at("owner_is_self"), "yes");
  EXPECT_EQ(report->at("threads"), "1");
  EXPECT_EQ(report->at("name"), "ipc-unit-test");
  EXPECT_EQ(DescriptorNumbers(*report), "0 1 2");
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
  EXPECT_EQ(CountChildren(), 2u);  // seed and root
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

HOST_TEST(Templates, BelowAnExecedRootAreTheSame) {
  EXPECT_EQ(server.start_report().way, LaunchWay::kExec);
  EXPECT_EQ(WarmthOf(server, From("comment", {"warmth"})), "root page article comment");
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
  ASSERT_TRUE(server.WaitUntilServing("page").ok());
  ASSERT_TRUE(Kill(server, "page"));
  EXPECT_EQ(WarmthOf(server, From("page", {"warmth"})), "root page");
}

}  // namespace
}  // namespace forkserver::testing
