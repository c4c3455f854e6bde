#include "examples/browser_host/process_rows.h"

#include <unistd.h>

#include <optional>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "examples/browser_host/ended_process.h"
#include "forkserver/host/launched_by.h"

namespace browser_host {
namespace {

std::string Kib(int64_t kib) { return kib < 0 ? "-" : absl::StrFormat("%d KiB", kib); }

ProcessRow Running(pid_t pid, std::string_view type, const std::string& of = "-") {
  return {.pid = pid, .type = type, .remote_type = of, .private_memory = Kib(PrivateKib(pid))};
}

}  // namespace

std::vector<ProcessRow> ProcessRows(const BrowserResult& result,
                                    const forkserver::ForkServer& server) {
  std::vector<ProcessRow> rows = {Running(getpid(), "parent")};
  if (const std::optional<pid_t> seed = server.seed_pid()) rows.push_back(Running(*seed, "seed"));
  for (const forkserver::TemplateStatus& one : server.templates()) {
    const std::string of = one.name == forkserver::kRootTemplate ? "-" : one.name;
    if (one.pid) rows.push_back(Running(*one.pid, "forkserver", of));
    if (one.init_pid) rows.push_back(Running(*one.init_pid, "init", of));
  }
  for (const EndedProcess& process : result.processes) {
    const absl::Duration launch = process.handle.times.ToReady();
    const bool is_content = !process.remote_type.empty();
    rows.push_back({.pid = process.handle.pid,
                    .type = process.type,
                    .remote_type = is_content ? process.remote_type : "-",
                    .by = forkserver::LaunchedByName(process.handle.by),
                    .pages = is_content ? std::to_string(process.pages) : "-",
                    .private_memory = Kib(process.private_kib),
                    .launch = absl::StrFormat("%d us", absl::ToInt64Microseconds(launch)),
                    .end = process.end.ToString()});
  }
  return rows;
}

}  // namespace browser_host
