#include "examples/browser_host/process_rows.h"

#include <unistd.h>

#include <optional>
#include <set>
#include <utility>

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

ProcessRow Ended(const EndedProcess& process) {
  const bool is_content = !process.remote_type.empty();
  const absl::Duration launch = process.handle.times.ToReady();
  return {.pid = process.handle.pid,
          .type = process.type,
          .remote_type = is_content ? process.remote_type : "-",
          .by = forkserver::LaunchedByName(process.handle.by),
          .pages = is_content ? std::to_string(process.pages) : "-",
          .private_memory = Kib(process.private_kib),
          .launch = absl::StrFormat("%d us", absl::ToInt64Microseconds(launch)),
          .end = process.end.ToString()};
}

std::vector<ProcessRow> RowsOfServer(const forkserver::ForkServer& server) {
  std::vector<ProcessRow> rows = {Running(getpid(), "parent")};
  if (const std::optional<pid_t> seed = server.seed_pid()) rows.push_back(Running(*seed, "seed"));
  for (const forkserver::TemplateStatus& one : server.templates()) {
    const std::string of = one.name == forkserver::kRootTemplate ? "-" : one.name;
    if (one.pid) rows.push_back(Running(*one.pid, "forkserver", of));
    if (one.init_pid) rows.push_back(Running(*one.init_pid, "init", of));
  }
  return rows;
}

class Tree {
 public:
  explicit Tree(const BrowserResult& result) : result_(result) {}

  void Add(ProcessRow row, size_t depth) {
    row.depth = depth;
    rows_.push_back(std::move(row));
  }
  // Those of a template's children that no other process is in between of.
  void AddChildrenOf(const std::string& template_name, size_t depth) {
    for (const EndedProcess& process : result_.processes) {
      const bool is_its = process.embedder == 0 && process.handle.template_name == template_name;
      if (is_its) AddWithFrames(process, depth);
    }
  }
  // With those of templates that are no more.
  std::vector<ProcessRow> Take() && {
    for (const EndedProcess& process : result_.processes) {
      if (!added_.contains(process.handle.id)) Add(Ended(process), 1);
    }
    return std::move(rows_);
  }

 private:
  // Processes of frames have none themselves.
  void AddWithFrames(const EndedProcess& process, size_t depth) {
    Add(Ended(process), depth);
    added_.insert(process.handle.id);
    for (const EndedProcess& other : result_.processes) {
      if (other.embedder == 0 || other.embedder != process.handle.id) continue;
      Add(Ended(other), depth + 1);
      added_.insert(other.handle.id);
    }
  }

  const BrowserResult& result_;
  std::vector<ProcessRow> rows_;
  std::set<forkserver::ChildId> added_;
};

}  // namespace

std::vector<ProcessRow> ProcessRows(const BrowserResult& result,
                                    const forkserver::ForkServer& server) {
  std::vector<ProcessRow> rows = RowsOfServer(server);
  for (const EndedProcess& process : result.processes) rows.push_back(Ended(process));
  return rows;
}

std::vector<ProcessRow> ProcessTree(const BrowserResult& result,
                                    const forkserver::ForkServer& server) {
  Tree tree(result);
  tree.Add(Running(getpid(), "parent"), 0);
  tree.AddChildrenOf("", 1);
  if (const std::optional<pid_t> seed = server.seed_pid()) tree.Add(Running(*seed, "seed"), 1);
  for (const forkserver::TemplateStatus& one : server.templates()) {
    const bool is_root = one.name == forkserver::kRootTemplate;
    // Of this program's templates each is the root's child.
    const size_t depth = is_root ? 2 : 3;
    if (one.pid) tree.Add(Running(*one.pid, "forkserver", is_root ? "-" : one.name), depth);
    if (one.init_pid) tree.Add(Running(*one.init_pid, "init", one.name), depth + 1);
    tree.AddChildrenOf(one.name, depth + 1);
  }
  return std::move(tree).Take();
}

}  // namespace browser_host
