#include "forkserver/report/template_memory.h"

namespace forkserver {

std::vector<TemplateMemory> MeasureTemplates(const ProcessReport& report) {
  std::vector<TemplateMemory> all;
  for (const ReportedProcess& one : report.processes) {
    if (one.role != ProcessRole::kTemplate || !one.sample.stat.ok()) continue;
    std::vector<pid_t> children;
    for (const ReportedProcess& child : report.processes) {
      const bool is_child = child.role == ProcessRole::kChild || child.role == ProcessRole::kBlank;
      if (is_child && child.sample.stat.ok() && child.template_name == one.template_name &&
          child.layout == one.layout) {
        children.push_back(child.pid);
      }
    }
    if (!children.empty()) all.push_back({one.name, MeasureDirtiedMemory(one.pid, children)});
  }
  return all;
}

}  // namespace forkserver
