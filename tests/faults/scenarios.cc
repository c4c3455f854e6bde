#include "tests/faults/scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "preload/prefs/prefs_store.h"
#include "tests/faults/model_scenario.h"
#include "tests/faults/records_scenario.h"
#include "tests/faults/scenario_folder.h"
#include "tests/faults/scenario_hosts.h"
#include "tests/faults/scenario_steps.h"
#include "tests/faults/seam.h"
#include "tests/faults/strangers_scenario.h"
#include "tests/faults/victim_program.h"

namespace forkserver::testing {
namespace {

void StartAndLaunch(ForkServer& server, Round& round) {
  WaitUntilServing(server, round);
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kIpcUnitTest, {"exit", "3"}));
  round.Note("ping", server.Ping(kPatience));
}

void LaunchWithEverything(ForkServer& server, Round& round) {
  PrefsStore store;
  std::ofstream(Folder() + "/prefs.js") << "pref(\"test.a\", 1);\n";
  PrefsGeneration prefs;
  if (round.Note("load prefs", store.LoadFile(Folder() + "/prefs.js").status())) {
    const absl::StatusOr<PrefsGeneration> published = store.Publish();
    if (round.Note("publish prefs", published.status())) {
      prefs = *published;
      server.SetPrefs(prefs);
    }
  }

  const UniqueFd file(
      static_cast<int>(CallPastTheSeam(SYS_openat, AT_FDCWD, (long)"/dev/zero", O_RDONLY, 0)));
  LaunchOptions options = Launching(ProcessType::kIpcUnitTest, {"report"});
  options.set_environment = {"A=1", "B=2"};
  options.unset_environment = {"HOME"};
  options.stdio = {Stdio::Null(), Stdio{}, Stdio::Descriptor(file.get())};
  options.Map(file.get(), 7).Map(file.get(), 9, OnExec::kInherit);
  options.working_directory = "/";
  options.name = "renamed";
  options.title = "a title";
  options.limits = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 64, 64}};
  options.nice = 1;
  options.senders = Senders::kTold;
  const std::vector<uint8_t> bytes(16, 1);
  const int descriptors[] = {file.get()};
  const FirstPacket first[] = {
      {.frame = {.type = kFirstApplicationType}, .payload = bytes, .descriptors = descriptors}};
  options.first_packets = first;
  LaunchAndCompare(server, round, "launch", options, prefs);
  options.way = LaunchWay::kExec;
  LaunchAndCompare(server, round, "launch by exec", options, prefs);
}

void LaunchManyArguments(ForkServer& server, Round& round) {
  LaunchOptions options = Launching(ProcessType::kIpcUnitTest, {"exit", "0"});
  options.argv.push_back(std::string(kLongArgumentBytes, kLongArgumentByte));
  LaunchAndEnd(server, round, "launch", options);
}

void LaunchAsynchronously(ForkServer& server, Round& round) {
  int over = 0;
  for (const char* what : {"crash", "exit"}) {
    server.LaunchAsync(Launching(ProcessType::kIpcUnitTest, {what, "0"}),
                       [&, what](absl::StatusOr<LaunchedChild> child) {
                         if (!round.Note(std::string("launch ") + what, child.status())) {
                           ++over;
                           return;
                         }
                         server.ReapAsync(std::move(child->process),
                                          [&, what](const absl::StatusOr<ExitStatus>& status) {
                                            ++over;
                                            round.Note(std::string("reap ") + what,
                                                       status.status());
                                          });
                       });
  }
  const absl::Time patience = absl::Now() + kPatience;
  while (over < 2 && absl::Now() < patience) server.Dispatch(absl::Milliseconds(100));
  round.Note("all callbacks", over == 2
                                  ? absl::OkStatus()
                                  : absl::DeadlineExceededError("a callback was never called"));
}

void KillTheRoot(ForkServer& server, Round& round) {
  WaitUntilServing(server, round);
  KillTemplate(server, kRootTemplate);
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kIpcUnitTest, {"exit", "0"}));
  WaitUntilServing(server, round);
}

// The root dies when it has been asked for a template and has not answered: that one's process is
// never known.
void KillAParent(ForkServer& server, Round& round) {
  WaitUntilServing(server, round);
  SignalTemplate(server, kRootTemplate, SIGSTOP);
  bool is_over = false;
  server.LaunchAsync(Launching(ProcessType::kContent, {"exit", "0"}),
                     [&](absl::StatusOr<LaunchedChild> child) {
                       is_over = true;
                       round.Note("launch", child.status());
                     });
  KillTemplate(server, kRootTemplate);
  const absl::Time patience = absl::Now() + kPatience;
  while (!is_over && absl::Now() < patience) server.Dispatch(absl::Milliseconds(100));
  round.Note("the callback",
             is_over ? absl::OkStatus() : absl::DeadlineExceededError("it was never called"));
}

void UseAPool(ForkServer& server, Round& round) {
  round.Note("set the pool", server.SetPool(kRootTemplate, {.min = 1, .max = 2}));
  WaitUntilServing(server, round);
  WaitForBlank(server, kRootTemplate);
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kUtility, {"exit", "0"}));
  absl::StatusOr<LaunchedChild> waits = server.Launch(Launching(ProcessType::kUtility, {"wait"}));
  round.Note("launch one that waits", waits.status());
  round.Note("empty the pool", server.SetPool(kRootTemplate, {.min = 0, .max = 0}));
  server.Dispatch(absl::Milliseconds(1));
}

// Its blanks have their pages before they are asked for.
void UseAWarmPool(ForkServer& server, Round& round) {
  round.Note("set the pool", server.SetPool(kRootTemplate, {.min = 1, .max = 1}));
  WaitForBlank(server, kRootTemplate);
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kUtility, {"exit", "0"}));
  round.Note("empty the pool", server.SetPool(kRootTemplate, {.min = 0, .max = 0}));
}

void StartATemplateTwice(ForkServer& server, Round& round) {
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kContent, {"exit", "0"}));
  KillTemplate(server, "nested");
  LaunchOptions again = Launching(ProcessType::kContent, {"exit", "0"});
  again.way = LaunchWay::kTemplate;
  LaunchAndEnd(server, round, "launch again", again);
}

void LaunchAfterEviction(ForkServer& server, Round& round) {
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kContent, {"exit", "0"}));
  const absl::Time patience = absl::Now() + kPatience;
  while (HasProcess(server, "nested") && absl::Now() < patience) {
    server.Dispatch(absl::Milliseconds(100));
  }
  round.Note("eviction", HasProcess(server, "nested")
                             ? absl::DeadlineExceededError("the template is not evicted")
                             : absl::OkStatus());
  LaunchOptions again = Launching(ProcessType::kContent, {"exit", "0"});
  again.way = LaunchWay::kTemplate;
  LaunchAndEnd(server, round, "launch again", again);
}

void LaunchSandboxed(ForkServer& server, Round& round) {
  LaunchOptions options = Launching(ProcessType::kContent, {"files", Folder()});
  LaunchAndEnd(server, round, "launch", options);
}

void LaunchConnected(ForkServer& server, Round& round) {
  DropConnections();
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kContent, {"connect", Folder()}));
}

void LaunchSandboxedByExec(ForkServer& server, Round& round) {
  LaunchOptions options = Launching(ProcessType::kContent, {"files", Folder()});
  options.way = LaunchWay::kExec;
  LaunchAndEnd(server, round, "launch", options);
}

void LaunchSandboxedFromPool(ForkServer& server, Round& round) {
  round.Note("set the pool", server.SetPool("sandboxed", {.min = 1, .max = 1}));
  WaitUntilServing(server, round, "sandboxed");
  WaitForBlank(server, "sandboxed");
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kContent, {"exit", "0"}));
}

void LaunchInEachLayout(ForkServer& server, Round& round) {
  WaitUntilServing(server, round);
  for (const char* what : {"launch", "launch again"}) {
    LaunchAndEnd(server, round, what, Launching(ProcessType::kIpcUnitTest, {"exit", "0"}));
  }
}

void OpenAPageOfTheModel(ForkServer& server, Round& round) { OpenAPage(server, round, kPatience); }

void ReportACrash(ForkServer& server, Round& round) { CrashAndReport(server, round, kPatience); }

void LaunchFromEachTemplate(ForkServer& server, Round& round) {
  LaunchAndEnd(server, round, "launch", Launching(ProcessType::kIpcUnitTest, {"exit", "0"}));
  LaunchAndEnd(server, round, "launch nested", Launching(ProcessType::kContent, {"exit", "0"}));
  LaunchAndEnd(server, round, "launch sandboxed",
               Launching(ProcessType::kUtility, {"files", Folder()}));
}

void CloseWhatWasLeft(ForkServer& server, Round& round) {
  CloseWhatAChildLeft(server, round, kPatience);
}

void LaunchOftenFromTheRoot(ForkServer& server, Round& round) {
  round.Note("no pool", server.SetPool(kRootTemplate, {.min = 0, .max = 0}));
  for (int i = 0; i < 12; ++i) {
    LaunchAndEnd(server, round, "launch early", Launching(ProcessType::kUtility, {"exit", "0"}));
  }
}

// The first children of a template are looked at more closely than later ones, and it unmaps what
// it learns from them when it has learned enough.
void LaunchOften(ForkServer& server, Round& round) {
  for (int i = 0; i < 12; ++i) {
    for (const ProcessType type :
         {ProcessType::kIpcUnitTest, ProcessType::kContent, ProcessType::kUtility}) {
      LaunchAndEnd(server, round, "launch early", Launching(type, {"exit", "0"}));
    }
  }
  LaunchFromEachTemplate(server, round);
}

}  // namespace

const Scenario kScenarios[] = {
    {.name = "Epoll", .options = Options, .run = StartAndLaunch},
    {.name = "IoUring", .options = OptionsOverIoUring, .run = StartAndLaunch},
    {.name = "OwnThread", .options = OptionsWithOwnThread, .run = StartAndLaunch},
    {.name = "NoClone3",
     .options = Options,
     .run = StartAndLaunch,
     .lacks = "clone3",
     .error = ENOSYS},
    {.name = "Everything", .options = Options, .run = LaunchWithEverything},
    {.name = "ManyArguments", .options = OptionsOverIoUring, .run = LaunchManyArguments},
    {.name = "Async", .options = OptionsOverIoUring, .run = LaunchAsynchronously},
    {.name = "DeadRoot", .options = Options, .run = KillTheRoot},
    {.name = "Pool", .options = OptionsOverIoUring, .run = UseAPool},
    {.name = "Nested", .options = OptionsWithTemplate, .run = StartATemplateTwice},
    {.name = "Sandbox", .options = OptionsWithSandbox, .run = LaunchSandboxed},
    {.name = "SandboxByExec", .options = OptionsWithSandbox, .run = LaunchSandboxedByExec},
    {.name = "SandboxedPool", .options = OptionsWithSandbox, .run = LaunchSandboxedFromPool},
    {.name = "Layouts", .options = OptionsOfTwoLayouts, .run = LaunchInEachLayout},
    {.name = "Eviction", .options = OptionsWithEviction, .run = LaunchAfterEviction},
    {.name = "Services", .options = OptionsWithServices, .run = LaunchConnected},
    {.name = "Model", .options = OptionsOfTheModel, .run = OpenAPageOfTheModel},
    {.name = "SmallFiles",
     .options = OptionsOfSmallFiles,
     .run = StartAndLaunch,
     .records_births = false},
    {.name = "DeadParent", .options = OptionsWithTemplate, .run = KillAParent},
    {.name = "WarmPool",
     .options = Options,
     .run = UseAWarmPool,
     .prepare = LaunchOftenFromTheRoot},
    {.name = "Strangers",
     .options = Options,
     .run = CloseWhatWasLeft,
     .prepare = LaunchOftenFromTheRoot,
     .all_errors = true},
    // Where there can be no thread it closes them itself.
    {.name = "NoThreads",
     .options = Options,
     .run = CloseWhatWasLeft,
     .prepare = LaunchOftenFromTheRoot,
     .lacks = "__clone",
     .error = EAGAIN,
     .all_errors = true},
    {.name = "Records", .options = OptionsWithRecords, .run = ReportACrash},
    {.name = "Steady",
     .options = OptionsWithTemplates,
     .run = LaunchFromEachTemplate,
     .prepare = LaunchOften},
};
const int kScenarioCount = sizeof(kScenarios) / sizeof(kScenarios[0]);

const Scenario* FindScenario(std::string_view name) {
  for (const Scenario& one : kScenarios) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

absl::Status LaunchFromAll(ForkServer& server) {
  for (const TemplateStatus& one : server.templates()) {
    if (one.starts == 0) continue;
    // One that has just died may not be started at once, and a launch would say so.
    server.Dispatch();
    const absl::Status serving = server.WaitUntilServing(one.name, kPatience).status();
    if (!serving.ok()) return serving;
    LaunchOptions options = Launching(ProcessType::kIpcUnitTest, {"exit", "0"});
    options.template_name = one.name;
    options.way = LaunchWay::kFork;
    const absl::Status status = EndOf(options, server.Launch(options));
    if (!status.ok()) return NameLaunch("template " + one.name, status);
  }
  return absl::OkStatus();
}

}  // namespace forkserver::testing
