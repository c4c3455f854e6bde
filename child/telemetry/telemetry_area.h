// The part of a flight record in which a process counts. Sparse as the rest of it: a process that
// counts nothing touches none of it, and one with a few counters a single page.
//
// Counts are 64 bits, and go round. The host reads them whenever it likes, and once more when the
// process is dead; what has been added is there, however it died.
#ifndef CHILD_TELEMETRY_TELEMETRY_AREA_H_
#define CHILD_TELEMETRY_TELEMETRY_AREA_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "child/telemetry/metric_table.h"

namespace forkserver {

// A slot of the ring of events. All of it is words that are stored with release, so that whoever
// finds a new one in it finds the odd sequence too.
struct EventSlot {
  static constexpr size_t kTextWords = 13;
  static constexpr size_t kTextBytes = 8 * kTextWords;

  // Of the event with number t, from 0 on: 2t + 1 while it is written, 2t + 2 from then on. Less:
  // an older one's, or 0.
  std::atomic<uint64_t> sequence;
  std::atomic<int64_t> at;      // NowNanos
  std::atomic<uint64_t> about;  // its MetricId, and from bit 16 on the bytes of its text
  std::atomic<uint64_t> text[kTextWords];
};
static_assert(sizeof(EventSlot) == 128);

struct alignas(64) TelemetryArea {
  // What a process can say between two looks of the host at it; what is more replaces the oldest.
  static constexpr size_t kEvents = 128;

  // Calls that named a metric that is not in the table, or of another kind.
  std::atomic<uint64_t> misused;
  std::atomic<uint64_t> next_event;
  std::atomic<uint64_t> cells[MetricTable::kMostCells];
  EventSlot events[kEvents];
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

}  // namespace forkserver

#endif  // CHILD_TELEMETRY_TELEMETRY_AREA_H_
