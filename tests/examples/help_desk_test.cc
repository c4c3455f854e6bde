// Who gets a hotline in examples/dummy_process, and when its dummy process ends.
#include "examples/dummy_process/help_desk.h"

#include <gtest/gtest.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/dummy_process/dummy_child.h"
#include "forkserver/model/process_templates.h"
#include "tests/testing/host_test.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kDummy, MakeChildProgram<dummy_process::DummyChild>}};
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

namespace {

using dummy_process::CallersEnd;
using dummy_process::DummyHost;
using dummy_process::HelpDesk;

class Desk {
 public:
  explicit Desk(ForkServer& server)
      : loop_(*EventLoop::Create()),
        parent_(*ParentProcess::Create({.server = server, .loop = *loop_})),
        desk_(*parent_, [this](const DummyHost&, const ProcessEnd& end) {
          ends_.push_back(end.ToString());
        }) {}

  HelpDesk& desk() { return desk_; }
  ParentProcess& parent() { return *parent_; }
  const std::vector<std::string>& ends() const { return ends_; }

  void Until(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
    while (!done() && NowNanos() < deadline) loop_->Run(deadline);
    EXPECT_TRUE(done());
  }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ParentProcess> parent_;
  std::vector<std::string> ends_;
  HelpDesk desk_;
};

HOST_TEST(HelpDesk, CallerWhoDropsTheLineEndsTheDummyProcess) {
  Desk desk(server);
  std::optional<absl::StatusOr<CallersEnd>> line;
  desk.desk().GetAssistanceForParent([&](auto end) { line = std::move(end); });
  desk.Until([&] { return line.has_value(); });
  ASSERT_TRUE(line->ok()) << line->status();
  EXPECT_EQ(desk.desk().busy(), 1u);
  line.reset();
  desk.Until([&] { return desk.desk().busy() == 0; });
  EXPECT_EQ(desk.ends(), std::vector<std::string>{"exited with status 0"});
}

HOST_TEST(HelpDesk, CallerWhoIsGoneWhenTheDummyProcessIsThereGetsNoLine) {
  Desk desk(server);
  auto caller = std::make_unique<DummyHost>(desk.parent(), nullptr);
  std::optional<absl::StatusOr<CallersEnd>> line;
  desk.desk().GetAssistance(*caller, [&](auto end) { line = std::move(end); });
  caller.reset();
  desk.Until([&] { return desk.desk().busy() == 0; });
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->status(), absl::FailedPreconditionError("the caller is gone"));
  EXPECT_EQ(desk.ends(), std::vector<std::string>{"exited with status 0"});
}

// Children that keep their lines leave some to others, and the parent's own are beside them.
HOST_TEST(HelpDesk, ChildrenHaveTheirShareAndNoMore) {
  Desk desk(server);
  std::list<DummyHost> callers;
  std::vector<absl::StatusOr<CallersEnd>> lines;
  const auto keep = [&](auto end) { lines.push_back(std::move(end)); };
  constexpr size_t kCallers = HelpDesk::kMostAtOnce / HelpDesk::kMostOfOneChild;
  for (size_t i = 0; i <= kCallers; ++i) {
    DummyHost& caller = callers.emplace_back(desk.parent(), nullptr);
    for (size_t j = 0; j < HelpDesk::kMostOfOneChild; ++j) {
      desk.desk().GetAssistance(caller, keep);
      if (i == kCallers) break;
    }
  }
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].status(), absl::ResourceExhaustedError("all dummy processes are busy"));
  lines.clear();
  desk.desk().GetAssistance(callers.front(), keep);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].status(), absl::ResourceExhaustedError(callers.front().Name() +
                                                            " has 2 dummy processes already"));
  lines.clear();
  std::optional<absl::StatusOr<CallersEnd>> parents;
  desk.desk().GetAssistanceForParent([&](auto end) { parents = std::move(end); });
  desk.Until([&] { return lines.size() == HelpDesk::kMostAtOnce && parents.has_value(); });
  EXPECT_TRUE(parents->ok()) << parents->status();
  lines.clear();
  parents.reset();
  desk.Until([&] { return desk.desk().busy() == 0; });
  EXPECT_EQ(desk.ends().size(), HelpDesk::kMostAtOnce + 1);
}

}  // namespace
}  // namespace forkserver
