// How often something may be done, at once and in the long run.
#include "transceiver/token_bucket.h"

#include <gtest/gtest.h>

namespace forkserver {
namespace {

constexpr TokenRate kRate = {.burst = 3, .per_second = 2};

TEST(TokenBucket, GivesTheBurstAtOnceAndThenSoManyASecond) {
  TokenBucket bucket;
  const int64_t start = 5 * kNanosPerSecond;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(kRate, start));
  EXPECT_FALSE(bucket.Take(kRate, start));
  EXPECT_FALSE(bucket.Take(kRate, start + kNanosPerSecond / 2 - 1));
  EXPECT_TRUE(bucket.Take(kRate, start + kNanosPerSecond / 2));
  EXPECT_FALSE(bucket.Take(kRate, start + kNanosPerSecond / 2));
}

TEST(TokenBucket, IsNeverFullerThanTheBurst) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take(kRate, 0));
  const int64_t late = 1000 * kNanosPerSecond;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(kRate, late));
  EXPECT_FALSE(bucket.Take(kRate, late));
}

TEST(TokenBucket, ClockThatGoesBackGivesNothing) {
  TokenBucket bucket;
  const int64_t start = 5 * kNanosPerSecond;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(kRate, start));
  EXPECT_FALSE(bucket.Take(kRate, start - 4 * kNanosPerSecond));
}

TEST(TokenBucket, WithoutARateTheBurstIsAll) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Take({.burst = 1, .per_second = 0}, 0));
  EXPECT_FALSE(bucket.Take({.burst = 1, .per_second = 0}, 1000 * kNanosPerSecond));
}

}  // namespace
}  // namespace forkserver
