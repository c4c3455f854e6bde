// The same clock as NowNanos (clock.h), read without the C library: for the launch path.
//
//     const LaunchClock clock = LaunchClock::Find();      // once, before the first fork
//     const int64_t now = clock.Now();
//
// libc's clock_gettime is on a page of its own, goes through two tables on others, and ends in the
// vDSO: four faults of a fresh child before its first timestamp. This is the vDSO's function
// itself. Copyable; a child inherits it. Where there is no vDSO it is libc's.
#ifndef TRANSCEIVER_LAUNCH_CLOCK_H_
#define TRANSCEIVER_LAUNCH_CLOCK_H_

#include <stdint.h>
#include <time.h>

#include "transceiver/clock.h"

namespace forkserver {

class LaunchClock {
 public:
  static LaunchClock Find();

  int64_t Now() const {
    timespec now;
    clock_gettime_(CLOCK_MONOTONIC, &now);
    return now.tv_sec * kNanosPerSecond + now.tv_nsec;
  }

 private:
  using ClockGettime = int (*)(clockid_t, timespec*);

  ClockGettime clock_gettime_ = clock_gettime;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_LAUNCH_CLOCK_H_
