// Time since it was made.
#ifndef BENCH_STOPWATCH_H_
#define BENCH_STOPWATCH_H_

#include <stdint.h>

#include "transceiver/clock.h"

namespace bench {

class Stopwatch {
 public:
  int64_t Nanos() const { return forkserver::NowNanos() - start_; }
  double Micros() const { return static_cast<double>(Nanos()) / 1000; }
  double Seconds() const { return static_cast<double>(Nanos()) / 1e9; }

 private:
  int64_t start_ = forkserver::NowNanos();
};

}  // namespace bench

#endif  // BENCH_STOPWATCH_H_
