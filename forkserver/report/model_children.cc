#include "forkserver/report/model_children.h"

#include <string>

#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "forkserver/report/remote_type_name.h"

namespace forkserver {
namespace {

std::string NameOf(const ProcessHostCore& host, pid_t pid) {
  if (host.type() == ProcessType::kContent) return UserFacingName(host.remote_type(), pid);
  if (host.title().empty()) return "";
  return absl::StrFormat("%s: %s (%d)", FindProcessType(host.type())->user_facing_name,
                         host.title(), pid);
}

}  // namespace

std::vector<ReportedChild> ChildrenOf(const ParentProcess& parent) {
  std::vector<ReportedChild> children;
  for (const ProcessHostCore* const host : parent.processes()) {
    const ProcessHandle* const handle = host->process();
    if (handle == nullptr) continue;
    const bool is_content = host->type() == ProcessType::kContent;
    children.push_back({.role = handle->runs_in == RunsIn::kParentThread ? ProcessRole::kThread
                                                                         : ProcessRole::kChild,
                        .pid = handle->pid,
                        .type = host->type(),
                        .name = NameOf(*host, handle->pid),
                        .remote_type = is_content ? host->remote_type().ToString() : "",
                        .template_name = handle->template_name,
                        .layout = handle->layout,
                        .by = handle->by,
                        .child_id = host->id()});
  }
  return children;
}

}  // namespace forkserver
