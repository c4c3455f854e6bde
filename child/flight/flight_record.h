// What a process leaves behind: memory that it shares with the host alone, which the host reads
// when it likes, and still has when the process is dead.
//
//     FlightRecord* record = nullptr;                                  // in the child, once
//     if (MapFlightRecord(fd, record).ok()) record->annotations.Set("url", "https://a.test/");
//
// The file is made by the host for each process, sparse, sealed against being made shorter or
// longer, and never used for another process. It goes with the Fork, so that it is there from the
// child's first instruction on; a child of the child does not have it (MADV_DONTFORK).
//
// Everything here is written by a process that may be broken or hostile: the host copies a record
// before it looks at it, believes no number, and ends every text itself
// (forkserver/report/crash_record.h, forkserver/report/telemetry_record.h). Writers never wait for
// anybody. Offsets are the same in all builds with the same build id, and a process of another one
// is refused by its Ready.
#ifndef CHILD_FLIGHT_FLIGHT_RECORD_H_
#define CHILD_FLIGHT_FLIGHT_RECORD_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <type_traits>

#include "child/flight/annotations.h"
#include "child/flight/crash_area.h"
#include "child/flight/watch_error.h"
#include "child/telemetry/telemetry_area.h"

namespace forkserver {

// In place of a record's descriptor.
inline constexpr int kNobodyKeepsRecords = -1;
// This process's could not be made; those that come of it may have theirs, so it sets the handlers.
inline constexpr int kHasNoRecord = -2;

struct FlightRecord {
  static constexpr uint32_t kMagic = 0x464c5452;  // "FLTR"

  // What the process was doing: the last step of its launch that it had begun (LaunchStep), or
  // kReady once its program runs. Its host's word is better where they differ.
  std::atomic<uint32_t> magic;
  std::atomic<uint32_t> step;
  // A WatchError, packed: there will be nothing in `crash`, or not of each thread. It is there
  // without the magic where the process could not map this.
  std::atomic<uint32_t> unwatched;
  // Whose it is, in its own pid namespace (SetCrashRecord). Who has another number and comes here
  // borrows its memory, as a child of vfork(2) does until its exec.
  std::atomic<int32_t> owner;
  AnnotationTable annotations;
  CrashArea crash;
  TelemetryArea telemetry;
};

// Maps the record that is in the file behind `fd`, which stays the caller's. It stays mapped for
// the rest of the process's life. Where that fails the file says so. No allocation: raw system
// calls only.
WatchError MapFlightRecord(int fd, FlightRecord*& record);

static_assert(std::is_standard_layout_v<FlightRecord>);
static_assert(std::atomic<uint32_t>::is_always_lock_free);

}  // namespace forkserver

#endif  // CHILD_FLIGHT_FLIGHT_RECORD_H_
