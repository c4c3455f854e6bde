// What of each template's memory its children have dirtied (dirtied_memory.h), for the templates of
// a report.
//
//     for (const TemplateMemory& one : MeasureTemplates(report)) puts(ToText(one.memory,
//     one.name)...
//
// Children are the processes right below the template, its blanks too; templates below it are not:
// they have frozen again what they dirtied, for their own children. Price: MeasureDirtiedMemory's.
#ifndef FORKSERVER_REPORT_TEMPLATE_MEMORY_H_
#define FORKSERVER_REPORT_TEMPLATE_MEMORY_H_

#include <string>
#include <vector>

#include "forkserver/report/dirtied_memory.h"
#include "forkserver/report/process_report.h"

namespace forkserver {

struct TemplateMemory {
  std::string name = {};  // as the report has it
  DirtiedMemory memory = {};
};

// In the order of the report; those that have no children are left out.
std::vector<TemplateMemory> MeasureTemplates(const ProcessReport& report);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_TEMPLATE_MEMORY_H_
