// The one clock of the project: CLOCK_MONOTONIC in nanoseconds.
//
// Host, templates and children read the same clock, so that the timestamps of a launch can be
// subtracted from each other. Safe anywhere, also between fork and Ready: it is a read of the
// vDSO's page, no system call and no memory of ours.
#ifndef TRANSCEIVER_CLOCK_H_
#define TRANSCEIVER_CLOCK_H_

#include <stdint.h>
#include <time.h>

namespace forkserver {

inline constexpr int64_t kNanosPerSecond = 1'000'000'000;
inline constexpr int64_t kNanosPerMilli = 1'000'000;

// A point in time that never comes.
inline constexpr int64_t kNever = INT64_MAX;

inline int64_t NowNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNanosPerSecond + now.tv_nsec;
}

// `nanos` later than `start`, which NowNanos has told, or `start` where that is earlier; kNever
// where no time is that late. So the nanoseconds of any absl::Duration may be given,
// InfiniteDuration included.
inline int64_t DeadlineAfter(int64_t start, int64_t nanos) {
  if (nanos <= 0) return start;
  return nanos > kNever - start ? kNever : start + nanos;
}

}  // namespace forkserver

#endif  // TRANSCEIVER_CLOCK_H_
