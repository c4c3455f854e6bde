#include "tests/faults/scenario_steps.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "child/run_child.h"
#include "tests/faults/asked_and_given.h"
#include "tests/faults/scenario_folder.h"
#include "tests/faults/seam.h"
#include "transceiver/errno_status.h"

namespace forkserver::testing {
namespace {

// What the launch's report says that the child's sandbox lacks.
std::string RefusedLayers(const SandboxReport* report) {
  std::string text;
  for (size_t i = 0; report != nullptr && i < kSandboxLayerCount; ++i) {
    const LayerState& layer = (*report)[static_cast<SandboxLayer>(i)];
    if (layer.outcome == LayerOutcome::kRefused) text += LayerStateText(layer) + ": ";
  }
  return text;
}

bool HasIdleBlank(const ForkServer& server, std::string_view name) {
  for (const TemplateStatus& one : server.templates()) {
    if (one.name == name && !one.idle_blanks.empty()) return true;
  }
  return false;
}

}  // namespace

LaunchOptions Launching(ProcessType type, std::vector<std::string> argv) {
  return {.type = type, .argv = std::move(argv), .timeout = kPatience};
}

absl::Status EndOf(const LaunchOptions& options, absl::StatusOr<LaunchedChild> child) {
  if (!child.ok()) return child.status();
  const absl::StatusOr<ExitStatus> end = child->process.Wait(kPatience);
  if (!end.ok()) return end.status();
  const bool is_exit = options.argv[0] == "exit";
  const int code = is_exit ? atoi(options.argv[1].c_str()) : 0;
  if (end->kind == ExitStatus::Kind::kExited && end->code == code) return absl::OkStatus();
  // The program's statuses are errnos, this one is the fork server's.
  const bool is_its_own = end->code != kExitNotRefreshed;
  if (!is_exit && end->kind == ExitStatus::Kind::kExited && is_its_own) {
    return ErrnoStatus(end->code, RefusedLayers(child->sandbox.get()) + "a call of the child's");
  }
  return absl::InternalError("the child " + end->ToString());
}

void LaunchAndEnd(ForkServer& server, Round& round, const char* what,
                  const LaunchOptions& options) {
  RemoveWhatIsLeftOfFiles();
  round.Note(what, EndOf(options, server.Launch(options)));
}

void LaunchAndCompare(ForkServer& server, Round& round, const char* what,
                      const LaunchOptions& options, const PrefsGeneration& prefs) {
  absl::StatusOr<LaunchedChild> child = server.Launch(options);
  // A template says whether its children know their thread's id; an exec'ed one does.
  const HelloMessage root = server.templates().front().hello;
  const bool knows_its_id =
      options.way == LaunchWay::kExec || (root.capabilities & kKeepsThreadIds) != 0;
  const std::string difference =
      child.ok() ? DifferenceTo(options, prefs, knows_its_id, *child) : std::string();
  // One that dies may have said nothing.
  if (round.Note(what, EndOf(options, std::move(child))) && !difference.empty()) {
    absl::StrAppend(&round.wrong, " ", what, ": Ok, but", difference);
  }
}

bool WaitUntilServing(ForkServer& server, Round& round, std::string_view name) {
  return round.Note("wait for " + std::string(name),
                    server.WaitUntilServing(name, kPatience).status());
}

bool HasProcess(const ForkServer& server, std::string_view name) {
  for (const TemplateStatus& one : server.templates()) {
    if (one.name == name && one.pid) return true;
  }
  return false;
}

void WaitForBlank(ForkServer& server, std::string_view name) {
  for (int i = 0; i < 40 && !HasIdleBlank(server, name); ++i) {
    server.Dispatch(absl::Milliseconds(25));
  }
}

void SignalTemplate(ForkServer& server, std::string_view name, int signal) {
  for (const TemplateStatus& one : server.templates()) {
    if (one.name != name || !one.pid) continue;
    const long pidfd = CallPastTheSeam(SYS_pidfd_open, *one.pid);
    if (pidfd < 0) return;
    CallPastTheSeam(SYS_pidfd_send_signal, pidfd, signal);
    CallPastTheSeam(SYS_close, pidfd);
  }
}

void KillTemplate(ForkServer& server, std::string_view name) {
  SignalTemplate(server, name, SIGKILL);
}

}  // namespace forkserver::testing
