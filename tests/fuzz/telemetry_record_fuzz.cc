// Flight records of processes that lie about what they have counted: whatever is in one, each
// number is the process's own, each event is one of the table with a text that ends, and what is
// taken of a ring is never more than it has room for.
//
// The input is a list of patches {offset in the telemetry, 2 bytes; size, 1 byte; bytes} of a
// record that is good; after each of them the record is read again, as of a process that lives.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "child/flight/flight_record.h"
#include "child/telemetry/telemetry_writer.h"
#include "forkserver/report/telemetry_record.h"
#include "tests/fuzz/require.h"
#include "transceiver/byte_order.h"
#include "transceiver/unique_fd.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace forkserver {
namespace {

const MetricTable& Table() {
  static const MetricTable* const table =
      new MetricTable(*MetricTable::Make({{0, MetricKind::kCounter, "count"},
                                          {1, MetricKind::kHistogram, "sizes", {10, 100}},
                                          {2, MetricKind::kEvent, "said"}}));
  return *table;
}

const FlightRecord& GoodRecord() {
  static FlightRecord* const record = [] {
    auto* const made = new FlightRecord();
    made->magic = FlightRecord::kMagic;
    const TelemetryWriter writer(&made->telemetry, &Table());
    writer.Add(0, 7);
    writer.Record(1, 70);
    for (size_t i = 0; i < TelemetryArea::kEvents + 3; ++i) writer.Event(2, "said");
    return made;
  }();
  return *record;
}

void ReadOnce(int fd, EventReader& reader, EventsAfter after) {
  const absl::StatusOr<ProcessCounts> counts = ReadProcessCounts(fd, Table());
  Require(counts.ok() && counts->was_mapped && counts->cells.size() == Table().cells());
  const absl::StatusOr<EventReader::Batch> batch =
      reader.Read(fd, Table(), counts->next_event, after);
  Require(batch.ok() && batch->events.size() <= TelemetryArea::kEvents);
  for (const RecordedEvent& event : batch->events) {
    Require(event.metric == 2 && event.text.size() <= EventSlot::kTextBytes);
  }
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forkserver;
  static const UniqueFd file(memfd_create("flight-record", MFD_CLOEXEC));
  Require(pwrite(file.get(), &GoodRecord(), sizeof(FlightRecord), 0) ==
          static_cast<ssize_t>(sizeof(FlightRecord)));
  EventReader reader;
  ReadOnce(file.get(), reader, EventsAfter::kMoreToCome);
  std::span<const uint8_t> input(data, size);
  while (input.size() > 3) {
    ByteReader in(input);
    const size_t offset = in.U16() % sizeof(TelemetryArea);
    const size_t bytes =
        std::min({size_t{in.U8()}, input.size() - 3, sizeof(TelemetryArea) - offset});
    const auto at = static_cast<off_t>(offsetof(FlightRecord, telemetry) + offset);
    Require(pwrite(file.get(), input.data() + 3, bytes, at) == static_cast<ssize_t>(bytes));
    input = input.subspan(3 + bytes);
    ReadOnce(file.get(), reader, EventsAfter::kMoreToCome);
  }
  ReadOnce(file.get(), reader, EventsAfter::kNoMore);
  return 0;
}
