#include "forkserver/report/telemetry_record.h"

#include <string.h>

#include <algorithm>
#include <memory>

#include "child/flight/flight_record.h"
#include "forkserver/report/read_at.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

absl::Status ReadRecord(int fd, size_t offset, void* to, size_t bytes) {
  const int error = ReadAt(fd, to, bytes, offset);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "pread memfd flight-record");
}

// The ring as plain words, as a copy of it comes.
struct SlotWords {
  uint64_t sequence;
  int64_t at;
  uint64_t about;
  char text[EventSlot::kTextBytes];
};
static_assert(sizeof(SlotWords) == sizeof(EventSlot));

using Ring = std::vector<SlotWords>;

absl::Status ReadRing(int fd, Ring& ring) {
  ring.resize(TelemetryArea::kEvents);
  return ReadRecord(fd, offsetof(FlightRecord, telemetry) + offsetof(TelemetryArea, events),
                    ring.data(), ring.size() * sizeof(SlotWords));
}

}  // namespace

absl::StatusOr<ProcessCounts> ReadProcessCounts(int fd, const MetricTable& table) {
  ProcessCounts counts;
  uint32_t magic = 0;
  absl::Status read = ReadRecord(fd, offsetof(FlightRecord, magic), &magic, sizeof(magic));
  if (!read.ok()) return read;
  counts.was_mapped = magic == FlightRecord::kMagic;
  static_assert(offsetof(TelemetryArea, misused) == 0);
  static_assert(offsetof(TelemetryArea, next_event) == 8);
  static_assert(offsetof(TelemetryArea, cells) == 16);
  std::vector<uint64_t> words(2 + table.cells());
  read = ReadRecord(fd, offsetof(FlightRecord, telemetry), words.data(),
                    words.size() * sizeof(uint64_t));
  if (!read.ok()) return read;
  counts.misused = words[0];
  counts.next_event = words[1];
  counts.cells.assign(words.begin() + 2, words.end());
  return counts;
}

bool HasRecordedCrash(int fd) {
  uint32_t state = CrashArea::kNone;
  constexpr size_t kOffset = offsetof(FlightRecord, crash) + offsetof(CrashArea, state);
  return ReadRecord(fd, kOffset, &state, sizeof(state)).ok() && state != CrashArea::kNone;
}

absl::StatusOr<EventReader::Batch> EventReader::Read(int fd, const MetricTable& table,
                                                     uint64_t next_event, EventsAfter after) {
  Batch batch;
  // What the ring may still have; all before that and not yet seen is gone.
  const uint64_t kept =
      next_event > TelemetryArea::kEvents ? next_event - TelemetryArea::kEvents : 0;
  if (kept > seen_) batch.lost = kept - seen_;
  while (!waiting_.empty() && *waiting_.begin() < kept) {
    waiting_.erase(waiting_.begin());
    ++batch.lost;
  }
  for (uint64_t number = std::max(kept, seen_); number < next_event; ++number) {
    waiting_.insert(number);
  }
  seen_ = std::max(seen_, next_event);
  if (waiting_.empty()) return batch;

  // The bytes are those of one event where its sequence is the same before and after.
  Ring before;
  Ring ring;
  Ring behind;
  for (Ring* const copy : {&before, &ring, &behind}) {
    if (absl::Status read = ReadRing(fd, *copy); !read.ok()) return read;
  }
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const size_t i = *it % TelemetryArea::kEvents;
    const uint64_t wanted = 2 * *it + 2;
    const SlotWords& slot = ring[i];
    const auto metric = static_cast<MetricId>(slot.about);
    if (before[i].sequence == wanted && behind[i].sequence == wanted &&
        table.Find(metric, MetricKind::kEvent) != nullptr) {
      const size_t bytes = std::min<uint64_t>(slot.about >> 16, EventSlot::kTextBytes);
      batch.events.push_back(
          {.at = slot.at, .metric = metric, .text = std::string(slot.text, bytes)});
    } else if (after == EventsAfter::kMoreToCome && behind[i].sequence < wanted) {
      ++it;
      continue;
    } else {
      ++batch.lost;
    }
    it = waiting_.erase(it);
  }
  return batch;
}

}  // namespace forkserver
