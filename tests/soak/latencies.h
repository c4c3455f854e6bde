// The median of any number of latencies, in memory that does not grow with their number:
//
//     Latencies first;
//     first.Add(child.times.ToReady());
//     first.MedianMicros()
//
// They are sorted into steps of half a per cent, up to an hour, and a median is exact to that.
#ifndef TESTS_SOAK_LATENCIES_H_
#define TESTS_SOAK_LATENCIES_H_

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/time/time.h"

namespace forkserver::soak {

class Latencies {
 public:
  void Add(absl::Duration latency) {
    const double micros = std::max(1.0, absl::ToDoubleMicroseconds(latency));
    const size_t step = static_cast<size_t>(std::log(micros) / kLogOfStep);
    ++counts_[std::min(step, kSteps - 1)];
    ++total_;
  }

  size_t count() const { return total_; }

  // The latency that `percent` of them do not exceed; 0 where there are none.
  double Micros(size_t percent) const {
    size_t below = 0;
    for (size_t step = 0; step < kSteps; ++step) {
      below += counts_[step];
      if (total_ > 0 && 100 * below >= percent * total_) {
        return std::exp((static_cast<double>(step) + 0.5) * kLogOfStep);
      }
    }
    return 0;
  }
  double MedianMicros() const { return Micros(50); }

 private:
  static constexpr double kLogOfStep = 0.005;
  static constexpr size_t kSteps = 4400;  // e^22 us

  std::array<uint32_t, kSteps> counts_ = {};
  size_t total_ = 0;
};

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_LATENCIES_H_
