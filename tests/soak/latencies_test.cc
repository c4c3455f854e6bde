#include "tests/soak/latencies.h"

#include <gtest/gtest.h>

namespace forkserver::soak {
namespace {

TEST(Latencies, HaveTheirMedianToHalfAPerCent) {
  Latencies latencies;
  for (int micros = 100; micros <= 2100; ++micros) latencies.Add(absl::Microseconds(micros));
  EXPECT_EQ(latencies.count(), 2001u);
  EXPECT_NEAR(latencies.MedianMicros(), 1100, 1100 * 0.005);
}

TEST(Latencies, TellATenthMoreFromTheSame) {
  Latencies first;
  Latencies last;
  for (int i = 0; i < 100; ++i) {
    first.Add(absl::Microseconds(1000));
    last.Add(absl::Microseconds(1110));
  }
  EXPECT_GT(last.MedianMicros() / first.MedianMicros(), 1.10);
}

TEST(Latencies, TakeWhatIsShorterOrLongerThanAllSteps) {
  Latencies latencies;
  latencies.Add(absl::ZeroDuration());
  EXPECT_NEAR(latencies.MedianMicros(), 1, 0.01);
  Latencies endless;
  endless.Add(absl::Hours(100));
  EXPECT_GT(endless.MedianMicros(), 3.5e9);
}

TEST(Latencies, OfNoneAreNone) { EXPECT_EQ(Latencies().MedianMicros(), 0); }

}  // namespace
}  // namespace forkserver::soak
