#include "child/process_type_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace forkserver {
namespace {

using ::testing::ElementsAre;

constexpr ProcessTypeSet kBoth = {ProcessType::kVr, ProcessType::kContent};

static_assert(kBoth.contains(ProcessType::kVr), "usable in constants");

std::vector<ProcessType> TypesOf(ProcessTypeSet set) {
  std::vector<ProcessType> types;
  for (const ProcessType type : set) types.push_back(type);
  return types;
}

TEST(ProcessTypeSet, IsEmptyUnlessTypesAreNamed) {
  EXPECT_TRUE(ProcessTypeSet().empty());
  EXPECT_EQ(ProcessTypeSet().size(), 0u);
  EXPECT_FALSE(ProcessTypeSet().contains(ProcessType::kParent));
  EXPECT_FALSE(kBoth.empty());
}

TEST(ProcessTypeSet, HasWhatWasNamedAndNothingElse) {
  EXPECT_EQ(kBoth.size(), 2u);
  EXPECT_TRUE(kBoth.contains(ProcessType::kContent));
  EXPECT_TRUE(kBoth.contains(ProcessType::kVr));
  EXPECT_FALSE(kBoth.contains(ProcessType::kGpu));
  EXPECT_FALSE(kBoth.contains(ProcessType::kParent));
}

TEST(ProcessTypeSet, GoesThroughItsTypesInTheOrderOfTheirNumbers) {
  EXPECT_THAT(TypesOf(kBoth), ElementsAre(ProcessType::kContent, ProcessType::kVr));
  EXPECT_THAT(TypesOf({}), ElementsAre());
  EXPECT_EQ(TypesOf(ProcessTypeSet::All()).size(), kProcessTypeCount);
}

TEST(ProcessTypeSet, JoinsCutsAndTakesAway) {
  constexpr ProcessTypeSet kOther = {ProcessType::kContent, ProcessType::kGpu};
  EXPECT_THAT(TypesOf(kBoth | kOther),
              ElementsAre(ProcessType::kContent, ProcessType::kGpu, ProcessType::kVr));
  EXPECT_THAT(TypesOf(kBoth & kOther), ElementsAre(ProcessType::kContent));
  EXPECT_THAT(TypesOf(kBoth - kOther), ElementsAre(ProcessType::kVr));
}

TEST(ProcessTypeSet, DoesNotHaveANumberThatIsNoType) {
  for (const unsigned number : {unsigned{kProcessTypeCount}, 31u, 32u, 64u, 65535u}) {
    const auto none = static_cast<ProcessType>(number);
    EXPECT_FALSE(ProcessTypeSet::All().contains(none)) << number;
    EXPECT_TRUE(ProcessTypeSet({none}).empty()) << number;
  }
}

}  // namespace
}  // namespace forkserver
