// What content processes count, and the host writes with --telemetry.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_METRICS_H_
#define EXAMPLES_BROWSER_HOST_PAGE_METRICS_H_

#include <vector>

#include "child/telemetry/metric_table.h"

namespace browser_host {

enum PageMetric : forkserver::MetricId {
  kPagesRead,
  kPageTextBytes,  // of what is left of a page without its markup
  kPageFailed,     // with the reason
};

// The same in each process, whatever it was started with.
std::vector<forkserver::MetricRow> PageMetrics();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_METRICS_H_
