// What the processes of a program count, as one table that all of them have.
//
//     enum Metric : MetricId { kPages, kPageBytes, kOddPage };
//     const std::vector<MetricRow> kMetrics = {
//         {kPages, MetricKind::kCounter, "pages"},
//         {kPageBytes, MetricKind::kHistogram, "page_bytes", DoublingBounds(1024, 12)},
//         {kOddPage, MetricKind::kEvent, "odd_page"}};
//
// A metric is its place in the table, so that adding to it looks nothing up. The table goes with
// StartOptions and must be the same in each process, as the programs must: a template inherits it,
// and an exec'ed process makes it again.
//
// Immutable once made. Find allocates nothing: usable anywhere, also between fork and Ready.
#ifndef CHILD_TELEMETRY_METRIC_TABLE_H_
#define CHILD_TELEMETRY_METRIC_TABLE_H_

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace forkserver {

using MetricId = uint16_t;

enum class MetricKind : uint8_t {
  kCounter,    // a sum
  kHistogram,  // how many values are in which range, and their sum
  kEvent,      // what happened when, in a few words; how often is counted
};

struct MetricRow {
  MetricId id;  // its place in the table
  MetricKind kind = MetricKind::kCounter;
  std::string name = {};
  // Of a histogram: the greatest value of each bucket, ascending. One more bucket has all above.
  std::vector<uint64_t> bounds = {};
};

// `first`, its double, and so on, `count` of them or as many as 64 bits have room for.
std::vector<uint64_t> DoublingBounds(uint64_t first, size_t count);

class MetricTable {
 public:
  static constexpr size_t kMostMetrics = 256;
  static constexpr size_t kMostBounds = 62;
  static constexpr size_t kMostNameBytes = 63;
  // A counter and an event have one each, a histogram one for each bucket and one for the sum.
  static constexpr size_t kMostCells = 1024;

  struct Place {
    MetricKind kind;
    uint8_t bound_count;
    uint16_t first_bound;
    uint16_t first_cell;
  };

  MetricTable() = default;
  // InvalidArgument names the row that cannot be: its id is not its place; it has no name, a long
  // one, or another row's; bounds that do not ascend; too much for a process's memory.
  static absl::StatusOr<MetricTable> Make(std::vector<MetricRow> rows);

  // Null: there is no such metric, or it is of another kind.
  const Place* Find(MetricId id, MetricKind kind) const {
    if (id >= places_.size() || places_[id].kind != kind) return nullptr;
    return &places_[id];
  }

  std::span<const uint64_t> BoundsOf(const Place& place) const {
    return std::span(bounds_).subspan(place.first_bound, place.bound_count);
  }

  // The bucket of a value, counted from the first cell; bound_count + 1 is the sum's.
  size_t BucketOf(const Place& place, uint64_t value) const {
    const std::span<const uint64_t> bounds = BoundsOf(place);
    return static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                               bounds.begin());
  }

  const std::vector<MetricRow>& rows() const { return rows_; }
  const std::vector<Place>& places() const { return places_; }
  size_t cells() const { return cells_; }

 private:
  std::vector<MetricRow> rows_;
  std::vector<Place> places_;
  std::vector<uint64_t> bounds_;
  size_t cells_ = 0;
};

}  // namespace forkserver

#endif  // CHILD_TELEMETRY_METRIC_TABLE_H_
