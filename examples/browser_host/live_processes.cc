#include "examples/browser_host/live_processes.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "child/process_types.h"
#include "examples/browser_host/ended_process.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {
namespace {

AboutProcess Running(pid_t pid, std::string_view type, const std::string& of = "") {
  return {.pid = pid,
          .type = std::string(type),
          .remote_type = of,
          .state = "running",
          .private_kib = PrivateKib(pid)};
}

}  // namespace

std::vector<AboutProcess> LiveProcesses(const forkserver::ParentProcess& parent) {
  const forkserver::ForkServer& server = parent.server();
  std::vector<AboutProcess> rows = {Running(getpid(), "parent")};
  if (const std::optional<pid_t> seed = server.seed_pid()) rows.push_back(Running(*seed, "seed"));
  for (const forkserver::TemplateStatus& one : server.templates()) {
    const std::string of = one.name == forkserver::kRootTemplate ? "" : one.name;
    if (one.pid) rows.push_back(Running(*one.pid, "forkserver", of));
    if (one.init_pid) rows.push_back(Running(*one.init_pid, "init", of));
  }
  for (const forkserver::ProcessHostCore* host : parent.processes()) {
    const std::string_view type = forkserver::FindProcessType(host->type())->name;
    const std::string remote_type =
        host->type() == forkserver::ProcessType::kContent ? host->remote_type().ToString() : "";
    const forkserver::ProcessHandle* const process = host->process();
    if (process == nullptr) {
      rows.push_back({.type = std::string(type), .remote_type = remote_type, .state = "launching"});
      continue;
    }
    AboutProcess row = Running(process->pid, type, remote_type);
    row.launch_micros = absl::ToInt64Microseconds(process->times.ToReady());
    if (process->runs_in == forkserver::RunsIn::kParentThread) row.state = "a thread of the parent";
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace browser_host
