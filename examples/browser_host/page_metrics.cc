#include "examples/browser_host/page_metrics.h"

#include <stdint.h>

namespace browser_host {

using forkserver::MetricKind;

std::vector<forkserver::MetricRow> PageMetrics() {
  constexpr uint64_t kSmallestPage = 64;
  constexpr size_t kSizes = 16;  // up to 2 MiB
  return {{kPagesRead, MetricKind::kCounter, "pages_read"},
          {kPageTextBytes, MetricKind::kHistogram, "page_text_bytes",
           forkserver::DoublingBounds(kSmallestPage, kSizes)},
          {kPageFailed, MetricKind::kEvent, "page_failed"}};
}

}  // namespace browser_host
