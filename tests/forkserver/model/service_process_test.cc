// The one process of a type: when it is launched, who shares it, what comes after its ends.
#include "forkserver/model/service_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "forkserver/model/process_templates.h"
#include "tests/forkserver/model/model_program.h"
#include "transceiver/clock.h"

namespace forkserver {

// Of vr there is no program here.
testing::HostSetup testing::SetUpHost(const std::string&) {
  HostSetup setup = ModelHost();
  for (const ProcessType type :
       {ProcessType::kGpu, ProcessType::kSocket, ProcessType::kDataDecoder}) {
    setup.options.programs.push_back({type, PlainProgram()});
  }
  setup.options.templates = ProcessTemplates(setup.options.programs);
  return setup;
}

namespace {

using testing::Ask;
using testing::ModelTest;
using testing::PlainHost;
using testing::Said;

constexpr std::string_view kPrefs =
    "pref(\"security.sandbox.gpu.level\", 0); pref(\"security.sandbox.socket.level\", 0);"
    "pref(\"security.sandbox.data-decoder.level\", 0); pref(\"security.sandbox.vr.level\", 0);"
    "pref(\"security.sandbox.utility.level\", 0);";

// Threads of this process of that name. The kernel's own, which io_uring makes, have others.
size_t CountThreads(std::string_view name) {
  size_t count = 0;
  DIR* const tasks = opendir("/proc/self/task");
  while (const dirent* const task = readdir(tasks)) {
    std::string comm;
    std::getline(std::ifstream(std::string("/proc/self/task/") + task->d_name + "/comm"), comm);
    if (comm == name) ++count;
  }
  closedir(tasks);
  return count;
}

// A thread that was joined is listed until the kernel has taken it off.
bool ComesToHaveNoThread(std::string_view name) {
  const int64_t deadline = NowNanos() + 10 * kNanosPerSecond;
  while (CountThreads(name) > 0) {
    if (NowNanos() > deadline) return false;
    sched_yield();
  }
  return true;
}

// A service of plain processes, and what it reported.
class Service : public ServiceProcess<PlainHost> {
 public:
  Service(ModelTest& model, ProcessType type, std::vector<std::string> arguments = {"blue"})
      : Service(model, type, std::move(arguments), std::make_unique<Reports>()) {}

  struct Report {
    std::optional<RunsIn> runs_in;  // nothing: it has ended
    std::string why;
    size_t processes;  // that the parent has then
  };
  using Reports = std::vector<Report>;
  const Reports& reports() const { return *reports_; }

  PlainHost* NeedNow() {
    const absl::StatusOr<PlainHost*> host = Need();
    EXPECT_TRUE(host.ok()) << host.status();
    return host.ok() ? *host : nullptr;
  }
  std::string Asked(std::string_view what, std::string_view about = {}) {
    PlainHost* const host = NeedNow();
    return host != nullptr ? model_.AskOf(*host, what, about) : "";
  }
  // Each time the one that is needed then ends, without having been asked to.
  void EndTimes(int times) {
    for (int i = 0; i < times; ++i) {
      const int before = ends();
      Asked("exit", "3");
      model_.Until([&] { return ends() > before; });
    }
  }
  std::string WhyNot() {
    const absl::StatusOr<PlainHost*> host = Need();
    return host.ok() ? "it is there" : std::string(host.status().message());
  }

 private:
  Service(ModelTest& model, ProcessType type, std::vector<std::string> arguments,
          std::unique_ptr<Reports> reports)
      : ServiceProcess(
            model.parent(), type,
            [type](ParentProcess& parent) { return std::make_unique<PlainHost>(parent, type); },
            {.fallback_program = testing::PlainProgram(),
             .launch = {.arguments = std::move(arguments)},
             .on_change =
                 [&model, reports = reports.get()](const ProcessHandle* process,
                                                   const absl::Status& why) {
                   Report report = {.runs_in = std::nullopt,
                                    .why = std::string(why.message()),
                                    .processes = model.parent().processes().size()};
                   if (process != nullptr) report.runs_in = process->runs_in;
                   reports->push_back(report);
                 }}),
        model_(model),
        reports_(std::move(reports)) {}

  ModelTest& model_;
  const std::unique_ptr<Reports> reports_;
};

HOST_TEST(ServiceProcess, OfAnAtOnceTypeRunsWithoutAnybodysAsking) {
  ModelTest model(server, kPrefs);
  const Service gpu(model, ProcessType::kGpu);
  model.Until([&] { return gpu.process() != nullptr; });
  EXPECT_EQ(gpu.process()->runs_in, RunsIn::kProcess);
  EXPECT_NE(gpu.process()->pid, getpid());
  EXPECT_EQ(CountThreads("gpu"), 0u);
}

HOST_TEST(ServiceProcess, OfAnOnDemandTypeIsNotLaunchedUntilItIsNeeded) {
  ModelTest model(server, kPrefs);
  Service decoder(model, ProcessType::kDataDecoder);
  // Whatever was begun before this one is launched by then.
  const auto other = model.Launch(ProcessType::kUtility);
  EXPECT_EQ(model.parent().processes().size(), 1u);
  EXPECT_EQ(decoder.Asked("argument", "0"), "blue");
  EXPECT_EQ(model.parent().processes().size(), 2u);
}

HOST_TEST(ServiceProcess, IsSharedByAllWhoNeedIt) {
  ModelTest model(server, kPrefs);
  Service decoder(model, ProcessType::kDataDecoder);
  PlainHost* const first = decoder.NeedNow();
  EXPECT_EQ(decoder.NeedNow(), first) << "while it is launched";
  EXPECT_EQ(decoder.Asked("child id"), std::to_string(first->id()));
  EXPECT_EQ(decoder.NeedNow(), first) << "while it runs";
  EXPECT_EQ(model.parent().processes().size(), 1u);
}

HOST_TEST(ServiceProcess, ThatEndedIsLaunchedAgainByTheNextWhoNeedsIt) {
  ModelTest model(server, kPrefs);
  Service socket(model, ProcessType::kSocket);
  const std::string first = socket.Asked("child id");
  socket.EndTimes(1);
  const auto other = model.Launch(ProcessType::kUtility);
  EXPECT_EQ(model.parent().processes().size(), 1u) << "nobody has needed it since";
  EXPECT_NE(socket.Asked("child id"), first);
  ASSERT_EQ(socket.reports().size(), 3u);
  EXPECT_EQ(socket.reports()[1].runs_in, std::nullopt);
  EXPECT_EQ(socket.reports()[1].why, "exited with status 3");
  EXPECT_EQ(socket.reports()[2].runs_in, RunsIn::kProcess);
}

HOST_TEST(ServiceProcess, NeededWhileItEndsIsNotLaunchedBesideItself) {
  ModelTest model(server, kPrefs);
  Service socket(model, ProcessType::kSocket);
  const std::string first = socket.Asked("child id");
  ASSERT_TRUE(testing::SignalProcess(socket.process()->pid, SIGSTOP).ok());
  socket.NeedNow()->ShutDown(absl::Milliseconds(50));
  EXPECT_NE(socket.Asked("child id"), first);
  ASSERT_EQ(socket.reports().size(), 3u);
  EXPECT_EQ(socket.reports()[1].processes, 0u);
  EXPECT_EQ(socket.reports()[2].processes, 1u);
}

HOST_TEST(ServiceProcess, EndsThatWereAskedForAreNotCounted) {
  ModelTest model(server, kPrefs);
  Service socket(model, ProcessType::kSocket);
  for (int i = 0; i <= Service::kMostEnds; ++i) {
    EXPECT_EQ(socket.Asked("argument", "0"), "blue");
    socket.NeedNow()->ShutDown();
  }
  EXPECT_EQ(socket.Asked("argument", "0"), "blue");
  EXPECT_EQ(socket.ends(), 0);
}

HOST_TEST(ServiceProcess, WithoutFallbackIsGivenUpByName) {
  ModelTest model(server, kPrefs);
  Service socket(model, ProcessType::kSocket);
  socket.EndTimes(Service::kMostEnds);
  EXPECT_EQ(socket.WhyNot(), "socket: gave up after 3 ends: exited with status 3");
  EXPECT_TRUE(absl::IsUnavailable(socket.Need().status()));
  EXPECT_TRUE(model.parent().processes().empty());
}

// The process that it waits behind was the last one.
HOST_TEST(ServiceProcess, CallsThatWaitForTheNextOneAreToldWhenThereIsNone) {
  ModelTest model(server, kPrefs);
  Service socket(model, ProcessType::kSocket);
  socket.EndTimes(Service::kMostEnds - 1);
  socket.Asked("child id");
  ASSERT_TRUE(testing::SignalProcess(socket.process()->pid, SIGSTOP).ok());
  socket.NeedNow()->ShutDown(absl::Milliseconds(50));
  EXPECT_EQ(socket.Asked("child id").rfind("Plain Ask: socket: gave up after 3 ends: killed by", 0),
            0u);
}

HOST_TEST(ServiceProcess, LaunchesThatFailAreCounted) {
  ModelTest model(server, kPrefs);
  Service vr(model, ProcessType::kVr);
  for (int i = 0; i < Service::kMostEnds; ++i) {
    const int before = vr.ends();
    const absl::StatusOr<PlainHost*> host = vr.Need();
    if (host.ok()) {
      EXPECT_NE(model.AskOf(**host, "child id").find("launch of vr"), std::string::npos);
    }
    model.Until([&] { return vr.ends() > before; });
  }
  EXPECT_EQ(vr.WhyNot().rfind("vr: gave up after 3 ends: launch of vr", 0), 0u) << vr.WhyNot();
}

HOST_TEST(ServiceProcess, WorkOfTheGpuGoesOnInTheCompositingThread) {
  ModelTest model(server, kPrefs);
  {
    Service gpu(model, ProcessType::kGpu);
    const std::vector<std::pair<std::string, std::string>> questions = {
        {"argument", "0"},
        {"parent", ""},
        {"pref", "colour"},
        {"component", "broker-client"},
        {"component", "no.such"},
        {"fail", ""},
        {"component", "decoder.text"}};
    std::vector<std::string> before;
    for (const auto& [what, about] : questions) before.push_back(gpu.Asked(what, about));
    EXPECT_NE(gpu.Asked("pid"), std::to_string(getpid()));
    gpu.EndTimes(Service::kMostEnds);
    EXPECT_EQ(CountThreads("gpu"), 0u) << "nobody has needed it since";

    std::vector<std::string> after;
    for (const auto& [what, about] : questions) after.push_back(gpu.Asked(what, about));
    EXPECT_EQ(after, before);
    EXPECT_EQ(gpu.Asked("pid"), std::to_string(getpid()));
    EXPECT_EQ(gpu.process()->runs_in, RunsIn::kParentThread);
    EXPECT_EQ(gpu.reports().back().runs_in, RunsIn::kParentThread);
    EXPECT_EQ(CountThreads("gpu"), 1u);

    model.SetPrefs("user_pref(\"colour\", \"green\");");
    EXPECT_EQ(gpu.Asked("pref", "colour"), "green");
    EXPECT_EQ(gpu.ends(), Service::kMostEnds);
  }
  EXPECT_TRUE(ComesToHaveNoThread("gpu"));
  EXPECT_TRUE(model.parent().processes().empty());
}

HOST_TEST(ServiceProcess, ThreadThatWasAskedToEndIsMadeAgain) {
  ModelTest model(server, kPrefs);
  Service gpu(model, ProcessType::kGpu);
  gpu.EndTimes(Service::kMostEnds);
  const std::string first = gpu.Asked("child id");
  gpu.NeedNow()->ShutDownWhenDelivered();
  EXPECT_NE(gpu.Asked("child id"), first);
  EXPECT_EQ(gpu.reports()[gpu.reports().size() - 2].why, "");
  EXPECT_EQ(CountThreads("gpu"), 1u);
}

HOST_TEST(ServiceProcess, ThreadThatIsKilledEndsAndIsTheLast) {
  ModelTest model(server, kPrefs);
  Service gpu(model, ProcessType::kGpu);
  gpu.EndTimes(Service::kMostEnds);
  gpu.Asked("child id");
  gpu.NeedNow()->Kill(absl::InternalError("enough"));
  model.Until([&] { return gpu.process() == nullptr; });
  EXPECT_TRUE(ComesToHaveNoThread("gpu"));
  EXPECT_EQ(gpu.WhyNot(),
            "gpu: gave up after 3 ends: exited with status 3; its thread of the parent: exited "
            "with status 122, for enough");
}

HOST_TEST(ServiceProcess, ThreadWhoseProgramDoesNotStartIsTheLast) {
  ModelTest model(server, kPrefs);
  Service gpu(model, ProcessType::kGpu, {"fail to start"});
  for (int i = 0; i < Service::kMostEnds; ++i) {
    gpu.NeedNow();
    model.Until([&] { return gpu.ends() > i; });
  }
  gpu.NeedNow();
  model.Until([&] {
    return gpu.reports().back().why.find("status 121") != std::string::npos &&
           model.parent().processes().empty() && CountThreads("gpu") == 0;
  });
  const std::string why = "exited with status 121, start failed: init: as it was told";
  EXPECT_EQ(gpu.WhyNot(),
            "gpu: gave up after 3 ends: " + why + "; its thread of the parent: " + why);
}

class Caller : public Actor<Caller, testing::AskLine, Side::kParent> {
 public:
  void ActorDestroy(const ActorEnd& end) override { this->end.emplace(end); }
  std::optional<ActorEnd> end;
};

// The parent's own end believes the kernel about who sends: a thread of its own passes.
HOST_TEST(ServiceProcess, EndpointToItWorksAndEndsWhereverItRuns) {
  ModelTest model(server, kPrefs);
  Service gpu(model, ProcessType::kGpu);
  for (const RunsIn runs_in : {RunsIn::kProcess, RunsIn::kParentThread}) {
    if (runs_in == RunsIn::kParentThread) gpu.EndTimes(Service::kMostEnds - 1);
    gpu.Asked("child id");
    PlainHost& host = *gpu.NeedNow();
    ASSERT_EQ(host.process()->runs_in, runs_in);
    auto ends = model.parent().CreateEndpointsWith<testing::AskLine>(host);
    ASSERT_TRUE(ends.ok()) << ends.status();
    ASSERT_TRUE(host.Send(testing::TakeAskLine{.end = std::move(ends->child)}).ok());
    Caller caller;
    ASSERT_TRUE(caller.Bind(model.parent().loop(), std::move(ends->parent)).ok());
    EXPECT_EQ(model.AskOf(caller, "pid"), std::to_string(host.process()->pid));
    EXPECT_FALSE(caller.end.has_value());
    host.Kill(absl::InternalError("enough"));
    model.Until([&] { return caller.end.has_value(); });
    EXPECT_FALSE(caller.end->is_normal());
    model.Until([&] { return gpu.process() == nullptr; });
  }
}

// The Goodbye finds no room, and waits for a loop that stands still.
HOST_TEST(ServiceProcess, DestructionDoesNotWaitForAGoodbyeThatCannotBeSent) {
  ModelTest model(server, kPrefs);
  int gate[2];
  ASSERT_EQ(pipe2(gate, O_CLOEXEC), 0);
  const UniqueFd gate_out(gate[0]);
  const UniqueFd gate_in(gate[1]);
  auto gpu = std::make_unique<Service>(model, ProcessType::kGpu);
  gpu->EndTimes(Service::kMostEnds);
  PlainHost& host = *gpu->NeedNow();
  const auto ignore = [](absl::StatusOr<Said>) {};
  ASSERT_TRUE(host.Call(Ask{.what = "read", .about = std::to_string(gate_out.get())}, ignore).ok());
  while (host.Call(Ask{.what = "fail", .about = std::string(4000, 'x')}, ignore).ok()) {
  }
  ASSERT_GT(host.queued_messages(), 0u);
  host.ShutDown();
  ASSERT_EQ(write(gate_in.get(), "x", 1), 1);
  gpu.reset();
  EXPECT_TRUE(ComesToHaveNoThread("gpu"));
}

HOST_TEST(ServiceProcess, MayBeDestroyedWhileItIsLaunchedAndByWhoHearsOfItsEnd) {
  ModelTest model(server, kPrefs);
  auto launching = std::make_unique<Service>(model, ProcessType::kGpu);
  launching.reset();
  for (const int ends : {0, Service::kMostEnds - 1, Service::kMostEnds}) {
    SCOPED_TRACE(ends);
    auto gpu = std::make_unique<Service>(model, ProcessType::kGpu);
    gpu->EndTimes(ends);
    PlainHost& host = *gpu->NeedNow();
    ASSERT_TRUE(host.Call(Ask{.what = "child id"},
                          [&](absl::StatusOr<Said>) {
                            host.ShutDownWhenDelivered();
                            gpu.reset();
                          })
                    .ok());
    model.Until([&] { return gpu == nullptr; });
  }
  model.Until([&] { return server.in_flight() == 0; });
  EXPECT_TRUE(ComesToHaveNoThread("gpu"));
  EXPECT_TRUE(model.parent().processes().empty());
}

// In the middle of its Need, where nothing can be launched any more; or of a report.
HOST_TEST(ServiceProcess, MayBeDestroyedInAReport) {
  ModelTest model(server, kPrefs);
  for (const auto& [type, ends] : {std::pair(ProcessType::kGpu, 0),
                                   {ProcessType::kGpu, 1},
                                   {ProcessType::kGpu, Service::kMostEnds},
                                   {ProcessType::kSocket, Service::kMostEnds}}) {
    SCOPED_TRACE(ends);
    std::unique_ptr<ServiceProcess<PlainHost>> service;
    const auto make = [type = type](ParentProcess& parent) {
      return std::make_unique<PlainHost>(parent, type);
    };
    int left = ends;
    service = std::make_unique<ServiceProcess<PlainHost>>(
        model.parent(), type, make,
        ServiceOptions{.fallback_program = testing::PlainProgram(),
                       .launch = {.arguments = {"blue"}},
                       .on_change = [&](const ProcessHandle* process, const absl::Status& why) {
                         if (left == 0) return service.reset();
                         if (process == nullptr && !why.ok()) --left;
                       }});
    while (service != nullptr) {
      const absl::StatusOr<PlainHost*> host = service->Need();
      if (service == nullptr) {
        EXPECT_TRUE(host.ok() || absl::IsUnavailable(host.status())) << host.status();
        break;
      }
      ASSERT_TRUE(host.ok()) << host.status();
      const int before = left;
      ASSERT_TRUE(
          (*host)->Call(Ask{.what = "exit", .about = "3"}, [](absl::StatusOr<Said>) {}).ok());
      model.Until([&] { return service == nullptr || left < before; });
    }
  }
  model.Until([&] { return server.in_flight() == 0; });
  EXPECT_TRUE(ComesToHaveNoThread("gpu"));
  EXPECT_TRUE(model.parent().processes().empty());
}

HOST_TEST(ServiceProcess, WhoHearsOfItsDestructionGetsNoOther) {
  ModelTest model(server, kPrefs);
  auto gpu = std::make_unique<Service>(model, ProcessType::kGpu);
  gpu->EndTimes(Service::kMostEnds);
  ServiceProcess<PlainHost>& service = *gpu;
  std::string why;
  ASSERT_TRUE(gpu->NeedNow()
                  ->Call(Ask{.what = "child id"},
                         [&](absl::StatusOr<Said> said) {
                           EXPECT_FALSE(said.ok());
                           why = std::string(service.Need().status().message());
                         })
                  .ok());
  gpu.reset();
  EXPECT_EQ(why, "gpu: is being closed");
}

}  // namespace
}  // namespace forkserver
