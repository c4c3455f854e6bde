// Rows for what overlaps: things on one row of a trace nest, and launches do not. Each takes the
// lowest row that is free, and gives it back.
//
//     const size_t lane = lanes.Take();     // 0, unless that is taken
//     lanes.GiveBack(lane);
//
// As many rows as there ever were at once. Threads: one at a time.
#ifndef FORKSERVER_REPORT_LANES_H_
#define FORKSERVER_REPORT_LANES_H_

#include <stddef.h>

#include <algorithm>
#include <vector>

namespace forkserver {

class Lanes {
 public:
  size_t Take() {
    const auto free = std::find(taken_.begin(), taken_.end(), false);
    const size_t lane = static_cast<size_t>(free - taken_.begin());
    if (free == taken_.end()) taken_.push_back(false);
    taken_[lane] = true;
    return lane;
  }
  void GiveBack(size_t lane) { taken_[lane] = false; }
  // That were ever taken.
  size_t count() const { return taken_.size(); }

 private:
  std::vector<bool> taken_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_LANES_H_
