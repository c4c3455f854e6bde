#include "transceiver/clock.h"

#include <gtest/gtest.h>

namespace forkserver {
namespace {

TEST(DeadlineAfter, IsTheSumOfTheTwo) {
  EXPECT_EQ(DeadlineAfter(1000, 234), 1234);
  EXPECT_EQ(DeadlineAfter(1000, 0), 1000);
}

TEST(DeadlineAfter, IsNowWhereTheTimeIsOver) {
  EXPECT_EQ(DeadlineAfter(1000, -2000), 1000);
  EXPECT_EQ(DeadlineAfter(1000, INT64_MIN), 1000);
}

TEST(DeadlineAfter, IsNeverWhereNoTimeIsThatLate) {
  EXPECT_EQ(DeadlineAfter(1000, INT64_MAX - 1001), INT64_MAX - 1);
  EXPECT_EQ(DeadlineAfter(1000, INT64_MAX - 1000), kNever);
  EXPECT_EQ(DeadlineAfter(1000, INT64_MAX - 999), kNever);
  EXPECT_EQ(DeadlineAfter(1000, INT64_MAX), kNever);
  EXPECT_EQ(DeadlineAfter(0, INT64_MAX), kNever);
}

}  // namespace
}  // namespace forkserver
