// Launches that somebody waits for and that no blank could serve: forks and execs that are not
// Ready yet. Pools are not refilled meanwhile, since the fork of a blank would take the processor,
// and the template, from a launch that is wanted now.
//
//     launches.Began(NowNanos());  ...  launches.Ended();
//     if (launches.AreInTheWay(NowNanos())) ...refill later...
//
// A launch that takes long (its child is stopped, or debugged) keeps pools empty for a moment only.
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_IMMEDIATE_LAUNCHES_H_
#define FORKSERVER_HOST_IMMEDIATE_LAUNCHES_H_

#include <stddef.h>
#include <stdint.h>

#include "transceiver/clock.h"

namespace forkserver {

class ImmediateLaunches {
 public:
  // A hundred times what a fork takes.
  static constexpr int64_t kLongest = 50 * kNanosPerMilli;

  void Began(int64_t now) {
    ++under_way_;
    last_began_ = now;
  }
  // Ready, or failed.
  void Ended() { --under_way_; }

  bool AreInTheWay(int64_t now) const { return under_way_ > 0 && now < last_began_ + kLongest; }

 private:
  size_t under_way_ = 0;
  int64_t last_began_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_IMMEDIATE_LAUNCHES_H_
