// The same seed plans the same launches, and every kind comes.
#include "tests/soak/mix.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace forkserver::soak {
namespace {

std::vector<std::string> Plans(uint64_t seed, int count) {
  Mix mix(seed);
  std::vector<std::string> plans;
  for (int i = 0; i < count; ++i) plans.push_back(mix.Next().ToString());
  return plans;
}

TEST(Mix, IsTheSameForTheSameSeed) {
  EXPECT_EQ(Plans(7, 1000), Plans(7, 1000));
  EXPECT_NE(Plans(7, 1000), Plans(8, 1000));
}

TEST(Mix, HasEveryConductFromEveryOriginWithAndWithoutASandbox) {
  const std::vector<std::string> plans = Plans(1, 1000);
  EXPECT_EQ(std::set<std::string>(plans.begin(), plans.end()).size(),
            4 * static_cast<size_t>(Conduct::kCount));
}

}  // namespace
}  // namespace forkserver::soak
