// A ProcessReport as a table for people.
//
//     fputs(ToTable(report, 80).c_str(), stdout);
//
// Lines of at most `width` columns, which have no control character but their newline. Where the
// terminal is narrow, columns are left out from the right of this list, and then the name is cut:
// NAME PID CPU PRIVATE PSS FAULTS STATE UPTIME SHARED FDS THR TIME. A character is taken for one
// column wide. Templates that were never started are left out.
//
//     CPU      share of one processor since the report before; - in the first
//     TIME     processor time in all
//     PRIVATE  memory of this process alone; SHARED  with others; PSS  its part of both
//     FAULTS   page faults since its fork, minor/major
//     FDS THR  open descriptors, threads
//     UPTIME   since its fork
//
// K, M and G are of 1024. `-` is what could not be read; below the table is the reason, once for
// each.
#ifndef FORKSERVER_REPORT_PROCESS_TABLE_H_
#define FORKSERVER_REPORT_PROCESS_TABLE_H_

#include <stddef.h>

#include <string>

#include "forkserver/report/process_report.h"

namespace forkserver {

// `width`: 0 for as wide as it needs.
std::string ToTable(const ProcessReport& report, size_t width = 0);

// What processes have said of their own memory, a line for each; empty where none was asked.
//
//     https://a.test (102): malloc 312K of 400K; explicit/dom 12K
std::string ToOwnText(const ProcessReport& report, size_t width = 0);

// At most `columns` of a text that is UTF-8, with its last one a `…` where it was longer.
std::string CutToColumns(const std::string& text, size_t columns);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_PROCESS_TABLE_H_
