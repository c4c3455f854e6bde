// The actors' tests in real processes: those of the type that is for them, each fact between the
// parent process and one of them and between two of them; and the same between sandboxed ones.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "forkserver/model/process_templates.h"
#include "tests/forkserver/model/actor_cases.h"
#include "tests/forkserver/model/ipc_unit_test_program.h"
#include "tests/forkserver/model/model_program.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kIpcUnitTest, MakeChildProgram<IpcUnitTestChild>},
                            {ProcessType::kContent, MakeChildProgram<IpcUnitTestChild>},
                            {ProcessType::kUtility, MakeChildProgram<IpcUnitTestChild>}};
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

namespace {

using testing::CaseResult;
using testing::IpcUnitTestHost;
using testing::Line;
using testing::ModelTest;
using testing::RunActorCase;
using testing::RunChildSide;
using testing::RunParentSide;

constexpr std::string_view kSandboxed = "";

std::unique_ptr<IpcUnitTestHost> Launch(ModelTest& model, ProcessType type) {
  auto host = std::make_unique<IpcUnitTestHost>(model.parent(), type);
  host->Launch({});
  bool is_over = false;
  host->WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) {
    is_over = true;
    ASSERT_TRUE(process.ok()) << process.status();
    EXPECT_NE(process->by, LaunchedBy::kExec);
  });
  model.Until([&] { return is_over; });
  return host;
}

// What a process says of a case that it was told to run.
class Outcome {
 public:
  template <typename Run>
  Outcome(IpcUnitTestHost& host, const Run& run) {
    const absl::Status asked = host.Call(run, [text = text_](absl::StatusOr<CaseResult> result) {
      *text = result.ok() ? result->failures.str() : std::string(result.status().message());
    });
    EXPECT_TRUE(asked.ok()) << asked;
  }

  std::string WaitIn(ModelTest& model) {
    model.Until([this] { return text_->has_value(); });
    return text_->value_or("no outcome");
  }

 private:
  const std::shared_ptr<std::optional<std::string>> text_ =
      std::make_shared<std::optional<std::string>>();
};

// This process has the parent's side. What the child says of its own.
std::string RunWith(ModelTest& model, std::string_view name, IpcUnitTestHost& child) {
  SCOPED_TRACE(std::string(name) + " with " + child.Name());
  auto pair = model.parent().CreateEndpointsWith<Line>(child);
  EXPECT_TRUE(pair.ok()) << pair.status();
  if (!pair.ok()) return "no endpoints";
  Outcome outcome(child, RunChildSide{.name = name, .end = std::move(pair->child)});
  RunActorCase(name, std::move(pair->parent));
  return outcome.WaitIn(model);
}

struct BothSides {
  std::string parent = {};
  std::string child = {};
};
BothSides RunBetween(ModelTest& model, std::string_view name, IpcUnitTestHost& parent_side,
                     IpcUnitTestHost& child_side) {
  auto pair = model.parent().CreateEndpoints<Line>(parent_side, child_side);
  EXPECT_TRUE(pair.ok()) << pair.status();
  if (!pair.ok()) return {.parent = "no endpoints"};
  Outcome parent(parent_side, RunParentSide{.name = name, .end = std::move(pair->parent)});
  Outcome child(child_side, RunChildSide{.name = name, .end = std::move(pair->child)});
  return {.parent = parent.WaitIn(model), .child = child.WaitIn(model)};
}

void ExpectHoldsWith(ModelTest& model, std::string_view name, IpcUnitTestHost& child) {
  EXPECT_EQ(RunWith(model, name, child), "") << name << " with " << child.Name();
}
void ExpectHoldsBetween(ModelTest& model, std::string_view name, IpcUnitTestHost& one,
                        IpcUnitTestHost& other) {
  const BothSides both = RunBetween(model, name, one, other);
  EXPECT_EQ(both.parent, "") << name << " in " << one.Name() << ", to " << other.Name();
  EXPECT_EQ(both.child, "") << name << " in " << other.Name() << ", to " << one.Name();
}

// Whoever was not harmed ends as it is asked to.
void ExpectGoodEnd(ModelTest& model, IpcUnitTestHost& host) {
  ExpectHoldsWith(model, "OrderIsKept", host);
  host.ShutDown();
  model.Until([&] { return host.end.has_value(); });
  EXPECT_EQ(host.end->ToString(), "exited with status 0");
  EXPECT_TRUE(host.end->port.ok()) << host.end->port;
}

void RunEverywhere(ForkServer& server, std::string_view name) {
  ModelTest model(server);
  const auto one = Launch(model, ProcessType::kIpcUnitTest);
  const auto other = Launch(model, ProcessType::kIpcUnitTest);
  ExpectHoldsWith(model, name, *one);
  ExpectHoldsBetween(model, name, *one, *other);
  ExpectHoldsBetween(model, name, *other, *one);
  ExpectGoodEnd(model, *one);
  ExpectGoodEnd(model, *other);
  EXPECT_TRUE(model.log().empty()) << model.log()[0];
}

#define EVERYWHERE(name) \
  HOST_TEST(IpcUnitTest, name) { RunEverywhere(server, #name); }

EVERYWHERE(OrderIsKept)
EVERYWHERE(CallIsAnswered)
EVERYWHERE(CallIsRefusedWithItsReason)
EVERYWHERE(DroppedResolverRefuses)
EVERYWHERE(ChildWaitsForAnAnswer)
EVERYWHERE(ChildWaitsNoLongerThanItsDeadline)
EVERYWHERE(DescriptorArrives)
EVERYWHERE(MemoryIsShared)
EVERYWHERE(CloseByTheParentsSideIsANormalEnd)
EVERYWHERE(CloseByTheChildsSideIsANormalEnd)
EVERYWHERE(CallThatIsNotAnsweredBeforeTheEndIsRefused)
EVERYWHERE(CloseWhenDeliveredLosesNothing)
EVERYWHERE(SenderIsHeldBackUntilItsPeerReads)

HOST_TEST(IpcUnitTest, CaseThatFailsIsToldWithItsText) {
  ModelTest model(server);
  const auto one = Launch(model, ProcessType::kIpcUnitTest);
  const auto other = Launch(model, ProcessType::kIpcUnitTest);
  const BothSides both = RunBetween(model, "Nonsense", *one, *other);
  for (const std::string& text : {both.parent, both.child}) {
    EXPECT_NE(text.find("there is no case 'Nonsense'"), std::string::npos) << text;
  }
}

HOST_TEST(IpcUnitTest, ChildWaitsForItsHostAndNotTooLong) {
  ModelTest model(server);
  const auto host = Launch(model, ProcessType::kIpcUnitTest);
  EXPECT_EQ(Outcome(*host, testing::WaitForHost{}).WaitIn(model), "");
  ExpectGoodEnd(model, *host);
}

HOST_TEST(IpcUnitTest, ExitIsAnAbnormalEnd) {
  for (const bool is_with_parent : {true, false}) {
    ModelTest model(server);
    const auto other = Launch(model, ProcessType::kIpcUnitTest);
    const auto leaver = Launch(model, ProcessType::kIpcUnitTest);
    std::string last_word;
    if (is_with_parent) {
      last_word = RunWith(model, testing::kExitCase, *leaver);
    } else {
      const BothSides both = RunBetween(model, testing::kExitCase, *other, *leaver);
      EXPECT_EQ(both.parent, "");
      last_word = both.child;
    }
    EXPECT_EQ(last_word, "IpcUnitTest RunChildSide: IpcUnitTest: the peer went without Goodbye");
    model.Until([&] { return leaver->end.has_value(); });
    EXPECT_EQ(leaver->end->ToString(), "exited with status 0, without a Goodbye");
    EXPECT_TRUE(absl::IsUnavailable(leaver->end->port)) << leaver->end->port;
    ExpectGoodEnd(model, *other);
  }
}

HOST_TEST(IpcUnitTest, BreachTowardsTheParentKillsAndIsReportedAndHarmsNobodyElse) {
  for (const bool is_by_endpoint : {true, false}) {
    ModelTest model(server);
    const auto other = Launch(model, ProcessType::kIpcUnitTest);
    const auto breaker = Launch(model, ProcessType::kIpcUnitTest);
    if (is_by_endpoint) {
      RunWith(model, testing::kBreachCase, *breaker);
    } else {
      ASSERT_TRUE(breaker->Send(testing::TellALie{}).ok());
    }
    model.Until([&] { return breaker->end.has_value(); });
    const std::string why = is_by_endpoint ? "Line Note field 1: the message ends in it"
                                           : "IpcUnitTest Lie: that is not so";
    EXPECT_EQ(breaker->end->ToString(), "killed by SIGKILL, for " + why);
    model.Until([&] { return !model.log().empty(); });
    ASSERT_EQ(model.log().size(), 1u);
    EXPECT_EQ(model.log()[0], breaker->Name() + ": killed, for " + why);
    ExpectGoodEnd(model, *other);
  }
}

// It is one child's word against another's: nobody is killed for it.
HOST_TEST(IpcUnitTest, BreachBetweenChildrenEndsTheirActorsOnly) {
  ModelTest model(server);
  const auto one = Launch(model, ProcessType::kIpcUnitTest);
  const auto breaker = Launch(model, ProcessType::kIpcUnitTest);
  ExpectHoldsBetween(model, testing::kBreachCase, *one, *breaker);
  ExpectHoldsBetween(model, "OrderIsKept", *one, *breaker);
  ExpectGoodEnd(model, *one);
  ExpectGoodEnd(model, *breaker);
}

HOST_TEST(IpcUnitTest, SandboxedProcessesAreNoDifferent) {
  ModelTest model(server, kSandboxed);
  const auto content = Launch(model, ProcessType::kContent);
  const auto utility = Launch(model, ProcessType::kUtility);
  for (const IpcUnitTestHost* host : {content.get(), utility.get()}) {
    ASSERT_NE(host->process()->sandbox, nullptr);
    EXPECT_EQ(host->process()->sandbox->policy, FindProcessType(host->type())->sandbox);
    EXPECT_TRUE((*host->process()->sandbox)[SandboxLayer::kSystemCallFilter].holds());
  }
  for (const auto& cases : {testing::MessageCases(), testing::EndCases()}) {
    for (const testing::ActorCase& one : cases) {
      ExpectHoldsWith(model, one.name, *content);
      ExpectHoldsWith(model, one.name, *utility);
      ExpectHoldsBetween(model, one.name, *content, *utility);
    }
  }
}

}  // namespace
}  // namespace forkserver
