// What flight records say of the process model's children.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <optional>
#include <vector>

#include "forkserver/host/flight_recorder.h"
#include "tests/forkserver/model/model_program.h"

namespace forkserver {
namespace {

using ::testing::Contains;
using ::testing::Pair;
using ::testing::StartsWith;

// On the host's only thread, which reaps.
std::vector<FlightEnd>& Ends() {
  static auto* const ends = new std::vector<FlightEnd>;
  return *ends;
}

// Null: it has not been told.
const FlightEnd* EndOf(pid_t pid) {
  for (const FlightEnd& end : Ends()) {
    if (end.who.pid == pid) return &end;
  }
  return nullptr;
}

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = ModelHost();
  setup.options.flight_recorder.on_end = [](FlightEnd end) {
    end.record.reset();
    Ends().push_back(std::move(end));
  };
  return setup;
}

namespace {

using testing::ModelTest;

HOST_TEST(ModelDeaths, ProcessThatDoesNotEndWhenItIsAskedToHasMissedADeadline) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  const pid_t pid = host->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(pid, SIGSTOP).ok());
  host->ShutDown(absl::Milliseconds(20));
  model.Until([&] { return host->end.has_value(); });
  const FlightEnd* const end = EndOf(pid);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->missed_deadline, "it was asked to end 20ms ago");
  EXPECT_EQ(end->status.ToString(), "killed by SIGKILL");
}

HOST_TEST(ModelDeaths, ProcessThatIsKilledForSomethingElseHasNot) {
  ModelTest model(server);
  const auto host = model.Launch(ProcessType::kUtility);
  const pid_t pid = host->process()->pid;
  host->Kill(absl::InvalidArgumentError("it lies"));
  model.Until([&] { return host->end.has_value(); });
  const FlightEnd* const end = EndOf(pid);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->missed_deadline, "");
  EXPECT_THAT(end->who.annotations, Contains(Pair("name", StartsWith("utility "))));
}

HOST_TEST(ModelDeaths, ContentSaysItsRemoteType) {
  ModelTest model(server);
  const auto opened = model.Open("https://a.test/");
  ASSERT_TRUE(opened.ok()) << opened.status();
  model.Until([&] { return opened->process->is_running(); });
  const pid_t pid = opened->process->process()->pid;
  const ChildId id = opened->process->id();
  ASSERT_TRUE(testing::SignalProcess(pid, SIGKILL).ok());
  model.WaitForEnd(id);
  const FlightEnd* const end = EndOf(pid);
  ASSERT_NE(end, nullptr);
  EXPECT_THAT(end->who.annotations, Contains(Pair("remote type", "webIsolated=https://a.test")));
  EXPECT_FALSE(end->WasSent(SIGKILL));
}

// Also one that never was Ready.
HOST_TEST(ModelDeaths, LaunchThatFailsHasItsAnnotations) {
  LaunchOptions options = {.type = ProcessType::kUtility,
                           .working_directory = "/no/such/folder",
                           .annotations = {{"remote type", "webIsolated=https://b.test"}}};
  for (const LaunchWay way : {LaunchWay::kFork, LaunchWay::kExec}) {
    Ends().clear();
    options.way = way;
    EXPECT_FALSE(server.Launch(options).ok());
    const auto annotated = [] {
      for (const FlightEnd& end : Ends()) {
        if (end.who.annotations.count("remote type") > 0) return true;
      }
      return false;
    };
    for (int i = 0; i < 100 && !annotated(); ++i) server.Dispatch(absl::Milliseconds(50));
    EXPECT_TRUE(annotated());
    for (const FlightEnd& end : Ends()) EXPECT_FALSE(end.who.was_ready);
  }
}

}  // namespace
}  // namespace forkserver
