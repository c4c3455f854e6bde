// The end of everything: in turns, asked first, forced where that does not help, and reported.
#include "forkserver/model/end_processes.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "forkserver/model/process_templates.h"
#include "forkserver/model/service_process.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/clock.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = ModelHost();
  for (const ProcessType type : {ProcessType::kGpu, ProcessType::kSocket}) {
    setup.options.programs.push_back({type, PlainProgram()});
  }
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

namespace {

using testing::ModelTest;
using testing::PlainHost;

constexpr std::string_view kPrefs =
    "pref(\"security.sandbox.gpu.level\", 0); pref(\"security.sandbox.socket.level\", 0);"
    "pref(\"security.sandbox.utility.level\", 0); pref(\"security.sandbox.content.level\", 0);";

// Writes down when it ended.
class Mortal : public PlainHost {
 public:
  Mortal(ModelTest& model, ProcessType type, std::vector<std::string>& ends)
      : PlainHost(model.parent(), type), ends_(ends) {
    Launch({});
    bool is_launched = false;
    WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) {
      EXPECT_TRUE(process.ok()) << process.status();
      is_launched = true;
    });
    model.Until([&] { return is_launched; });
  }
  void OnEnd(const ProcessEnd& end) override {
    PlainHost::OnEnd(end);
    ends_.emplace_back(ProcessTypeName(type()));
  }

 private:
  std::vector<std::string>& ends_;
};

HOST_TEST(EndProcesses, WhoUsesOthersEndsBeforeThem) {
  ModelTest model(server, kPrefs);
  std::vector<std::string> ends;
  const Mortal socket(model, ProcessType::kSocket, ends);
  const Mortal utility(model, ProcessType::kUtility, ends);
  const auto content = model.Open("https://a.test/");
  const ChildId id = content->process->id();
  const EndReport report = EndProcesses(model.parent());
  EXPECT_EQ(report.ended, 3u);
  EXPECT_TRUE(report.forced.empty()) << report.ToString();
  EXPECT_EQ(model.ends().at(id).ToString(), "exited with status 0");
  EXPECT_EQ(ends, (std::vector<std::string>{"utility", "socket"}));
  EXPECT_EQ(socket.end->ToString(), "exited with status 0");
  EXPECT_TRUE(model.parent().processes().empty());
}

HOST_TEST(EndProcesses, WhatWasSentIsHandledFirst) {
  ModelTest model(server, kPrefs);
  const auto utility = model.Launch(ProcessType::kUtility);
  std::string answer;
  ASSERT_TRUE(utility
                  ->Call(testing::Ask{.what = "child id"},
                         [&](absl::StatusOr<testing::Said> said) {
                           answer = said.ok() ? said->text.str() : said.status().ToString();
                         })
                  .ok());
  EndProcesses(model.parent());
  EXPECT_EQ(answer, std::to_string(utility->id()));
}

// Asserts all but the time that the call took, and returns that.
absl::Duration EndTwentyIdleOnes(ForkServer& server) {
  ModelTest model(server, kPrefs);
  std::vector<std::unique_ptr<PlainHost>> hosts;
  for (int i = 0; i < 20; ++i) hosts.push_back(model.Launch(ProcessType::kUtility));
  const int64_t begin = NowNanos();
  const EndReport report = EndProcesses(model.parent());
  const absl::Duration took = absl::Nanoseconds(NowNanos() - begin);
  EXPECT_EQ(report.ended, 20u);
  EXPECT_FALSE(report.was_forced()) << report.ToString();
  // The seed, the root and the one that they came from.
  EXPECT_EQ(report.server.templates, 3u) << report.ToString();
  // It is the whole of it that is reported.
  EXPECT_LE(report.took + report.server.took, took);
  for (const auto& host : hosts) EXPECT_EQ(host->end->ToString(), "exited with status 0");
  return took;
}

// A tenth of that is what it takes on a machine that is idle. One that is not has more rounds.
HOST_TEST(EndProcesses, TwentyIdleOnesNeedNoForceAndNoFifthOfASecond) {
  constexpr absl::Duration kLongest = absl::Milliseconds(200);
  constexpr int kMostRounds = 3;
  absl::Duration took = EndTwentyIdleOnes(server);
  EXPECT_EQ(testing::CountChildren(), 0u);
  for (int round = 2; round <= kMostRounds && took >= kLongest; ++round) {
    char name[] = "next-host";
    char* argv[] = {name, nullptr};
    auto next = ForkServer::Start(1, argv, std::move(testing::SetUpHost("").options));
    ASSERT_TRUE(next.ok()) << next.status();
    took = std::min(took, EndTwentyIdleOnes(**next));
    EXPECT_EQ(testing::CountChildren(), 0u);
  }
  EXPECT_LT(took, kLongest);
}

// The one is stopped: no signal but SIGKILL ends it.
HOST_TEST(EndProcesses, WhoDoesNotListenIsForcedAndReported) {
  ModelTest model(server, kPrefs);
  const auto stopped = model.Launch(ProcessType::kUtility);
  const auto idle = model.Launch(ProcessType::kUtility);
  const pid_t pid = stopped->process()->pid;
  ASSERT_TRUE(testing::SignalProcess(pid, SIGSTOP).ok());
  const EndReport report = EndProcesses(model.parent(), {.to_goodbye = absl::Milliseconds(100),
                                                         .to_sigterm = absl::Milliseconds(20)});
  EXPECT_EQ(report.ended, 2u);
  ASSERT_EQ(report.forced.size(), 1u) << report.ToString();
  EXPECT_EQ(report.forced[0].name, stopped->Name());
  EXPECT_EQ(report.forced[0].signal, SIGKILL);
  EXPECT_EQ(stopped->end->ToString(), "killed by SIGKILL, for it did not end when it was asked to");
  EXPECT_EQ(idle->end->ToString(), "exited with status 0");
  EXPECT_EQ(report.ToString().substr(0, 18), "2 processes ended ");
  EXPECT_NE(report.ToString().find("; forced: utility 1 by SIGKILL"), std::string::npos)
      << report.ToString();
}

// It is busy, and listens to nobody: SIGTERM does.
HOST_TEST(EndProcesses, SigtermIsTriedBeforeSigkill) {
  ModelTest model(server, kPrefs);
  const auto busy = model.Launch(ProcessType::kUtility);
  ASSERT_TRUE(busy->Call(testing::Ask{.what = "hang"}, [](absl::StatusOr<testing::Said>) {}).ok());
  const EndReport report = EndProcesses(model.parent(), {.to_goodbye = absl::Milliseconds(100),
                                                         .to_sigterm = absl::InfiniteDuration()});
  ASSERT_EQ(report.forced.size(), 1u) << report.ToString();
  EXPECT_EQ(report.forced[0].signal, SIGTERM);
  EXPECT_EQ(busy->end->exit->ToString(), "killed by SIGTERM");
}

HOST_TEST(EndProcesses, NothingIsLaunchedAnyMore) {
  ModelTest model(server, kPrefs);
  PlainHost launching(model.parent(), ProcessType::kUtility);
  launching.Launch({});
  ServiceProcess<PlainHost> gpu(
      model.parent(), ProcessType::kGpu,
      [](ParentProcess& parent) { return std::make_unique<PlainHost>(parent, ProcessType::kGpu); },
      {.fallback_program = testing::PlainProgram()});
  EndProcesses(model.parent());
  EXPECT_TRUE(launching.has_ended());
  EXPECT_FALSE(gpu.Need().ok());
  PlainHost late(model.parent(), ProcessType::kUtility);
  late.Launch({});
  ASSERT_TRUE(late.end.has_value());
  EXPECT_EQ(late.end->exit.status(), absl::CancelledError("the program is ending"));
  int told = 0;
  model.content().Open({.load = {.url = *Url::Parse("https://a.test/")}},
                       [&](absl::StatusOr<OpenedBrowser>) { ++told; });
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(model.content().processes().empty());
  model.Until([&] { return server.in_flight() == 0; });
}

HOST_TEST(EndProcesses, OwnersOfHostsMayBeDestroyedMeanwhile) {
  ModelTest model(server, kPrefs);
  const PublicSuffixList suffixes = *PublicSuffixList::Load();
  std::unique_ptr<ContentProcesses> content;
  content = std::make_unique<ContentProcesses>(
      model.parent(), suffixes,
      [](ParentProcess& parent, ContentProcesses& siblings) {
        return std::make_unique<testing::TestContent>(parent, siblings);
      },
      ContentEvents{.on_process_end = [&](const ContentProcess&, const ProcessEnd&,
                                          const std::vector<BrowserId>&) { content.reset(); }});
  for (const char* url : {"https://a.test/", "https://b.test/"}) {
    content->Open({.load = {.url = *Url::Parse(url)}}, [](absl::StatusOr<OpenedBrowser>) {});
  }
  EndProcesses(model.parent());
  EXPECT_EQ(content, nullptr);
  EXPECT_TRUE(model.parent().processes().empty());
}

}  // namespace
}  // namespace forkserver
