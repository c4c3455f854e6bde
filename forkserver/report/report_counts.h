// What became of the reports of a host's deaths, since its start.
#ifndef FORKSERVER_REPORT_REPORT_COUNTS_H_
#define FORKSERVER_REPORT_REPORT_COUNTS_H_

#include <stdint.h>

#include <map>

#include "child/process_types.h"

namespace forkserver {

struct ReportCounts {
  uint64_t written = 0;
  uint64_t failed = 0;   // CrashReporterOptions::on_report has heard why
  uint64_t dropped = 0;  // too many waited, or no thread could be started

  bool operator==(const ReportCounts&) const = default;
};

// kTypeIsOpen: blanks.
using ReportCountsByType = std::map<ProcessType, ReportCounts>;

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_REPORT_COUNTS_H_
