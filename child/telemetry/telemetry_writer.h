// Counts what a process does, in memory that its host reads also when the process is dead.
//
//     context.telemetry.Add(kPages);
//     context.telemetry.Record(kPageBytes, html.size());
//     context.telemetry.Event(kOddPage, "no title");
//
// Nothing waits, allocates or makes a system call: Add is one atomic add, Record a search among at
// most MetricTable::kMostBounds bounds and two of them, Event a copy of a few bytes. A metric that
// is not in the table, or is of another kind, is counted as misused and nothing else. Where the
// host keeps no telemetry all of them do nothing.
//
// What has returned is not lost, however the process dies. Of a Record that is under way its sum
// may lack the value; an event can be replaced before the host has looked (TelemetryArea::kEvents),
// and is then counted, and missing.
//
// Threads: any. A copy is as good as the original. After a fork of the process's own: the memory is
// not there in the child, which must use a TelemetryWriter() in its place.
#ifndef CHILD_TELEMETRY_TELEMETRY_WRITER_H_
#define CHILD_TELEMETRY_TELEMETRY_WRITER_H_

#include <stdint.h>

#include <atomic>
#include <string_view>

#include "child/telemetry/metric_table.h"
#include "child/telemetry/telemetry_area.h"

namespace forkserver {

class TelemetryWriter {
 public:
  TelemetryWriter() = default;
  // Both borrowed; without one of them it does nothing.
  TelemetryWriter(TelemetryArea* area, const MetricTable* table)
      : area_(table != nullptr ? area : nullptr), table_(table) {}

  void Add(MetricId counter, uint64_t n = 1) const {
    if (const auto* place = Find(counter, MetricKind::kCounter)) AddTo(place->first_cell, n);
  }

  void Record(MetricId histogram, uint64_t value) const {
    const auto* place = Find(histogram, MetricKind::kHistogram);
    if (place == nullptr) return;
    AddTo(place->first_cell + table_->BucketOf(*place, value), 1);
    AddTo(place->first_cell + place->bound_count + size_t{1}, value);
  }

  // `text` is cut to EventSlot::kTextBytes.
  void Event(MetricId event, std::string_view text = {}) const;

 private:
  // Null: there is nothing to add to.
  const MetricTable::Place* Find(MetricId id, MetricKind kind) const {
    if (area_ == nullptr) return nullptr;
    const MetricTable::Place* const place = table_->Find(id, kind);
    if (place == nullptr) area_->misused.fetch_add(1, std::memory_order_relaxed);
    return place;
  }
  void AddTo(size_t cell, uint64_t n) const {
    area_->cells[cell].fetch_add(n, std::memory_order_relaxed);
  }

  TelemetryArea* area_ = nullptr;
  const MetricTable* table_ = nullptr;
};

}  // namespace forkserver

#endif  // CHILD_TELEMETRY_TELEMETRY_WRITER_H_
