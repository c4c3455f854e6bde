#include "transceiver/launch_clock.h"

#include <gtest/gtest.h>

#include "transceiver/clock.h"

namespace forkserver {
namespace {

void ExpectTheSameClock(const LaunchClock& clock) {
  for (int i = 0; i < 10'000; ++i) {
    const int64_t before = NowNanos();
    const int64_t now = clock.Now();
    const int64_t after = NowNanos();
    ASSERT_LE(before, now);
    ASSERT_LE(now, after);
  }
}

TEST(LaunchClock, IsTheClockOfEverybodyElse) { ExpectTheSameClock(LaunchClock::Find()); }

TEST(LaunchClock, CopyIsTheSameClock) {
  LaunchClock copy;
  {
    const LaunchClock found = LaunchClock::Find();
    copy = found;
  }
  ExpectTheSameClock(copy);
}

// As where there is no vDSO.
TEST(LaunchClock, IsRightBeforeTheVdsosFunctionIsFound) { ExpectTheSameClock(LaunchClock()); }

}  // namespace
}  // namespace forkserver
