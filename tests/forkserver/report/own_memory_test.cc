// What processes say of their own memory: in a sandbox, too much of it, too late, and not at all.
#include "child/process/own_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "child/process/child_process.h"
#include "forkserver/model/process_host.h"
#include "forkserver/model/process_templates.h"
#include "forkserver/report/model_children.h"
#include "forkserver/report/own_memory_round.h"
#include "forkserver/report/process_json.h"
#include "forkserver/report/process_table.h"
#include "tests/forkserver/model/model_program.h"

namespace forkserver {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

struct Hang {
  static constexpr std::string_view kName = "Hang";
  static constexpr SentBy kSentBy = SentBy::kParent;
  auto Fields() { return std::tie(); }
};
struct ReportingProtocol {
  static constexpr std::string_view kName = "Reporting";
  using Messages = TopLevelMessages<Hang>;
};

// Its argument says what it reports.
class ReportingChild : public ChildProcess<ReportingChild, ReportingProtocol> {
 public:
  using ChildProcess::ChildProcess;
  using ChildProcess::Receive;

  absl::Status Receive(Hang&) {
    for (;;) pause();
  }

 protected:
  absl::Status Init() override {
    // In small pieces, and so on the heap: what a single one costs would be a mapping.
    for (int i = 0; What() == "large" && i < 160; ++i) {
      blocks_.push_back(std::make_unique<char[]>(64 << 10));
    }
    return absl::OkStatus();
  }
  void ReportMemory(MemoryReporter& report) override {
    if (What() == "evil") return report.Add("explicit/\x1b[2J\n", UINT64_MAX);
    if (What() == "many") report.Add(std::string(kMaxFigurePathBytes + 1, 'x'), 1);
    for (int i = 0; What() == "many" && i < 100; ++i) report.Add(absl::StrCat("explicit/", i), 1);
    report.Add("explicit/dom/documents", 64 * 1024 * blocks_.size());
  }

 private:
  std::string What() const { return arguments().extra.empty() ? "" : arguments().extra.front(); }

  std::vector<std::unique_ptr<char[]>> blocks_;
};

class ReportingHost : public ProcessHost<ReportingHost, ReportingProtocol> {
 public:
  ReportingHost(ParentProcess& parent, std::string what)
      : ProcessHost(parent, ProcessType::kUtility) {
    Launch({.arguments = {std::move(what)}});
  }
  void OnEnd(const ProcessEnd&) override {}
};

class Reporting {
 public:
  // The sandbox is on.
  explicit Reporting(ForkServer& server) : server_(server), model_(server, "") {}
  ~Reporting() { hosts_.clear(); }

  ReportingHost& Start(const std::string& what) {
    hosts_.push_back(std::make_unique<ReportingHost>(model_.parent(), what));
    ReportingHost& host = *hosts_.back();
    model_.Until([&] { return host.process() != nullptr; });
    return host;
  }

  OwnMemoryRound::Answers Ask(absl::Duration patience = absl::Seconds(30)) {
    std::optional<OwnMemoryRound::Answers> answers;
    const auto round =
        OwnMemoryRound::Start(model_.parent(), patience, [&](const auto& all) { answers = all; });
    EXPECT_FALSE(answers.has_value());
    model_.Until([&] { return answers.has_value(); });
    return answers.value_or(OwnMemoryRound::Answers());
  }

  ProcessReport Report(const OwnMemoryRound::Answers& answers) {
    ProcessReport report = TakeProcessReport(server_, ChildrenOf(model_.parent()));
    AddOwnFigures(answers, report);
    return report;
  }

  testing::ModelTest& model() { return model_; }

 private:
  ForkServer& server_;
  testing::ModelTest model_;
  std::vector<std::unique_ptr<ReportingHost>> hosts_;
};

}  // namespace

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = {.options = TestOptions()};
  setup.options.programs = {{ProcessType::kUtility, MakeChildProgram<ReportingChild>}};
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

HOST_TEST(OwnMemory, SandboxedProcessSaysWhatItHas) {
  Reporting reporting(server);
  const ReportingHost& small = reporting.Start("");
  const ReportingHost& large = reporting.Start("large");
  ASSERT_NE(large.process()->sandbox, nullptr);
  EXPECT_NE(large.process()->sandbox->level, kSandboxOff);
  const OwnMemoryRound::Answers answers = reporting.Ask();
  ASSERT_EQ(answers.size(), 2u);
  ASSERT_TRUE(answers.at(small.id()).ok()) << answers.at(small.id()).status();
  ASSERT_TRUE(answers.at(large.id()).ok()) << answers.at(large.id()).status();
  const OwnFigures& little = *answers.at(small.id());
  const OwnFigures& much = *answers.at(large.id());
  EXPECT_GE(much.malloc_in_use, little.malloc_in_use + 10 * kMiB);
  EXPECT_LE(much.malloc_in_use, little.malloc_in_use + 11 * kMiB);
  EXPECT_GE(much.malloc_arenas, much.malloc_in_use);
  EXPECT_EQ(much.malloc_arenas, much.malloc_in_use + much.malloc_free);
  EXPECT_THAT(much.figures, ::testing::ElementsAre(std::pair("explicit/dom/documents", 10 * kMiB)));
  EXPECT_THAT(little.figures, ::testing::ElementsAre(std::pair("explicit/dom/documents", 0)));

  // Beside what the kernel says of the same process.
  const ProcessReport report = reporting.Report(answers);
  const ReportedProcess* found = nullptr;
  for (const ReportedProcess& one : report.processes) {
    if (one.child_id == large.id()) found = &one;
  }
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->pid, large.process()->pid);
  ASSERT_TRUE(found->own.has_value() && found->own->ok());
  EXPECT_GE(found->sample.memory->private_bytes(), 10 * kMiB);
  EXPECT_THAT(ToOwnText(report), HasSubstr("explicit/dom/documents 10.0M\n"));
  const nlohmann::json document = nlohmann::json::parse(ToJson(report));
  int seen = 0;
  for (const nlohmann::json& one : document["processes"]) {
    if (one["child_id"] != large.id()) {
      EXPECT_EQ(one["own"].is_null(), one["child_id"] != small.id()) << one;
      continue;
    }
    ++seen;
    EXPECT_EQ(one["own"]["malloc_in_use"], much.malloc_in_use);
    EXPECT_EQ(one["own"]["figures"][0]["path"], "explicit/dom/documents");
    EXPECT_EQ(one["own"]["figures"][0]["bytes"], 10 * kMiB);
  }
  EXPECT_EQ(seen, 1);
}

HOST_TEST(OwnMemory, WhoHangsIsInTheReportAsSuch) {
  Reporting reporting(server);
  const ReportingHost& good = reporting.Start("");
  ReportingHost& hanging = reporting.Start("");
  ASSERT_TRUE(hanging.Send(Hang()).ok());
  OwnMemoryRound::Answers answers = reporting.Ask(absl::Milliseconds(300));
  EXPECT_TRUE(answers.at(good.id()).ok());
  EXPECT_EQ(answers.at(hanging.id()).status().message(), "has not answered within 300ms");
  // It has the one question in its queue, and gets no second one.
  answers = reporting.Ask();
  EXPECT_TRUE(answers.at(good.id()).ok());
  EXPECT_EQ(answers.at(hanging.id()).status().message(), "has not answered the last time yet");
  const ProcessReport report = reporting.Report(answers);
  EXPECT_THAT(ToOwnText(report), HasSubstr("): has not answered the last time yet\n"));
  EXPECT_THAT(ToJson(report), HasSubstr("\"own\": \"has not answered the last time yet\""));
}

HOST_TEST(OwnMemory, ProcessThatEndsMeanwhileHasNone) {
  Reporting reporting(server);
  const ReportingHost& good = reporting.Start("");
  ReportingHost& ending = reporting.Start("");
  ASSERT_TRUE(ending.Send(Hang()).ok());
  std::optional<OwnMemoryRound::Answers> answers;
  const auto round = OwnMemoryRound::Start(reporting.model().parent(), absl::Seconds(30),
                                           [&](const auto& all) { answers = all; });
  ending.Kill(absl::AbortedError("of the test"));
  reporting.model().Until([&] { return answers.has_value(); });
  EXPECT_TRUE(answers->at(good.id()).ok());
  EXPECT_FALSE(answers->at(ending.id()).ok());
}

HOST_TEST(OwnMemory, FiguresAreBoundedAndWhatIsLeftOutIsCounted) {
  Reporting reporting(server);
  const ReportingHost& host = reporting.Start("many");
  const OwnMemoryRound::Answers answers = reporting.Ask();
  ASSERT_TRUE(answers.at(host.id()).ok()) << answers.at(host.id()).status();
  EXPECT_EQ(answers.at(host.id())->figures.size(), kMostOwnFigures);
  // The long one, 100 and the last one were told.
  EXPECT_EQ(answers.at(host.id())->left_out, 102 - kMostOwnFigures);
}

HOST_TEST(OwnMemory, TextOfAProcessGivesNoOrders) {
  Reporting reporting(server);
  const ReportingHost& host = reporting.Start("evil");
  const OwnMemoryRound::Answers answers = reporting.Ask();
  ASSERT_TRUE(answers.at(host.id()).ok()) << answers.at(host.id()).status();
  EXPECT_EQ(answers.at(host.id())->figures[0].first, "explicit/\\x1b[2J\\x0a");
  EXPECT_THAT(ToOwnText(reporting.Report(answers)),
              AllOf(HasSubstr("16.0E"), Not(HasSubstr("\x1b"))));
}

HOST_TEST(OwnMemory, RoundOfNobodyAndOneThatIsGivenUpAreNoHarm) {
  Reporting reporting(server);
  EXPECT_TRUE(reporting.Ask().empty());
  const ReportingHost& host = reporting.Start("");
  bool was_told = false;
  OwnMemoryRound::Start(reporting.model().parent(), absl::Seconds(30), [&](const auto&) {
    was_told = true;
  }).reset();
  // The answer to it comes, and is for nobody; then it may be asked again.
  reporting.model().Until([&] { return reporting.Ask().at(host.id()).ok(); });
  EXPECT_FALSE(was_told);
}

}  // namespace
}  // namespace forkserver
