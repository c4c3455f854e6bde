// What one process has counted, copied out of its flight record and checked. What it says may be a
// lie, where the process is hostile: every number is one that it could have counted itself, and
// every text ends.
#ifndef FORKSERVER_REPORT_TELEMETRY_RECORD_H_
#define FORKSERVER_REPORT_TELEMETRY_RECORD_H_

#include <stddef.h>
#include <stdint.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "child/telemetry/metric_table.h"

namespace forkserver {

struct ProcessCounts {
  // False: no instruction of the process has come as far as that.
  bool was_mapped = false;
  uint64_t misused = 0;
  uint64_t next_event = 0;
  std::vector<uint64_t> cells = {};  // as the table lays them out
};

// Reads the record behind `fd`, which stays the caller's. Fails as pread(2) does. Threads: any.
absl::StatusOr<ProcessCounts> ReadProcessCounts(int fd, const MetricTable& table);

// Whether its crash handler has begun to write; false where that cannot be read.
bool HasRecordedCrash(int fd);

struct RecordedEvent {
  int64_t at = 0;  // NowNanos, by the process's own word
  MetricId metric = 0;
  std::string text = {};
};

enum class EventsAfter : uint8_t { kMoreToCome, kNoMore };

// Takes each event of one process once.
class EventReader {
 public:
  struct Batch {
    std::vector<RecordedEvent> events = {};
    // Replaced before they were read, left half written, or of no event that there is.
    uint64_t lost = 0;
  };

  // `next_event` is ProcessCounts'. After kNoMore there is no other call. An event that is being
  // written is taken the next time.
  absl::StatusOr<Batch> Read(int fd, const MetricTable& table, uint64_t next_event,
                             EventsAfter after);

 private:
  uint64_t seen_ = 0;           // all below, but those that wait
  std::set<uint64_t> waiting_;  // at most the ring's size
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_TELEMETRY_RECORD_H_
