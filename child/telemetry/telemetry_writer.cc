#include "child/telemetry/telemetry_writer.h"

#include <algorithm>

#include "transceiver/clock.h"
#include "transceiver/raw_bytes.h"

namespace forkserver {

void TelemetryWriter::Event(MetricId event, std::string_view text) const {
  const MetricTable::Place* const place = Find(event, MetricKind::kEvent);
  if (place == nullptr) return;
  AddTo(place->first_cell, 1);
  const uint64_t number = area_->next_event.fetch_add(1, std::memory_order_relaxed);
  EventSlot& slot = area_->events[number % TelemetryArea::kEvents];
  // Another thread is still in it, or was overtaken by a whole ring: nobody waits for that.
  uint64_t before = slot.sequence.load(std::memory_order_relaxed);
  if (before % 2 != 0 || before > 2 * number) return;
  if (!slot.sequence.compare_exchange_strong(before, 2 * number + 1)) return;
  uint64_t words[EventSlot::kTextWords] = {};
  const size_t bytes = std::min(text.size(), EventSlot::kTextBytes);
  CopyBytes(words, text.data(), bytes);
  slot.at.store(NowNanos(), std::memory_order_release);
  slot.about.store(event | uint64_t{bytes} << 16, std::memory_order_release);
  for (size_t i = 0; 8 * i < bytes; ++i) slot.text[i].store(words[i], std::memory_order_release);
  slot.sequence.store(2 * number + 2, std::memory_order_release);
}

}  // namespace forkserver
