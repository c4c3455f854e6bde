// A ProcessReport for programs.
//
//     puts(ToJson(report).c_str());
//
// One object: "taken_at_ns" (CLOCK_MONOTONIC), "took_ns", "processes": an array in the order of the
// report, each with "role", "pid", "below" (the pid that it stands below in the tree; null),
// "name", "type", "remote_type", "template", "layout", "state", "cpu_share", "cpu_ns", "user_ns",
// "system_ns", "minor_faults", "major_faults", "threads", "descriptors", "uptime_ns", "memory" (in
// bytes: "private", "shared", "proportional", "resident", "swapped"), "child_id", "own" (what it
// has said itself, in bytes: "malloc_arenas", "malloc_in_use", "malloc_free", "left_out",
// "figures": an array of "path" and "bytes") and "missing": an object that has the reason for each
// figure which is null, but was asked for. And "templates": an array with, for each that was
// measured, "name", "pid", "children", "dirtied_bytes", "replaced_bytes", "missing" and "regions":
// "of", "section", "start" and "end" (of what has no name; else null), "children", "dirtied_bytes",
// "swapped_bytes", "compared_bytes", "changed_bytes", "variables" (name to changed bytes).
// Text that is not UTF-8 has U+FFFD in it.
#ifndef FORKSERVER_REPORT_PROCESS_JSON_H_
#define FORKSERVER_REPORT_PROCESS_JSON_H_

#include <span>
#include <string>

#include "forkserver/report/process_report.h"
#include "forkserver/report/template_memory.h"

namespace forkserver {

// Without a newline at its end.
std::string ToJson(const ProcessReport& report, std::span<const TemplateMemory> templates = {});

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_PROCESS_JSON_H_
