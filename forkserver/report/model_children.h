// The children of a program with the process model, as reports name them: content processes by
// their site, others by their type and title.
//
//     ProcessReport report = TakeProcessReport(parent.server(), ChildrenOf(parent));
//
// Those that are Ready and not reaped, and what runs on a thread of the parent's.
// Threads: that of the parent's loop.
#ifndef FORKSERVER_REPORT_MODEL_CHILDREN_H_
#define FORKSERVER_REPORT_MODEL_CHILDREN_H_

#include <vector>

#include "forkserver/model/parent_process.h"
#include "forkserver/report/process_report.h"

namespace forkserver {

std::vector<ReportedChild> ChildrenOf(const ParentProcess& parent);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_MODEL_CHILDREN_H_
