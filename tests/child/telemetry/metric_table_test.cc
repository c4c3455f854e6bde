// Which tables of metrics there can be, and where their cells lie.
#include "child/telemetry/metric_table.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string WhyNot(std::vector<MetricRow> rows) {
  const absl::StatusOr<MetricTable> table = MetricTable::Make(std::move(rows));
  EXPECT_TRUE(table.ok() || absl::IsInvalidArgument(table.status()));
  return table.ok() ? "ok" : std::string(table.status().message());
}

TEST(MetricTable, GivesEachMetricCellsOfItsOwn) {
  const absl::StatusOr<MetricTable> table =
      MetricTable::Make({{0, MetricKind::kCounter, "a"},
                         {1, MetricKind::kHistogram, "b", {10, 20}},
                         {2, MetricKind::kEvent, "c"}});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->Find(0, MetricKind::kCounter)->first_cell, 0);
  EXPECT_EQ(table->Find(1, MetricKind::kHistogram)->first_cell, 1);
  EXPECT_EQ(table->Find(2, MetricKind::kEvent)->first_cell, 5);
  EXPECT_EQ(table->cells(), 6u);
  EXPECT_EQ(table->Find(1, MetricKind::kCounter), nullptr);
  EXPECT_EQ(table->Find(3, MetricKind::kCounter), nullptr);
}

TEST(MetricTable, PutsAValueIntoTheBucketThatItIsNotAbove) {
  const absl::StatusOr<MetricTable> table =
      MetricTable::Make({{0, MetricKind::kHistogram, "a", {0, 10, UINT64_MAX - 1}}});
  ASSERT_TRUE(table.ok()) << table.status();
  const MetricTable::Place& place = *table->Find(0, MetricKind::kHistogram);
  EXPECT_EQ(table->BucketOf(place, 0), 0u);
  EXPECT_EQ(table->BucketOf(place, 1), 1u);
  EXPECT_EQ(table->BucketOf(place, 10), 1u);
  EXPECT_EQ(table->BucketOf(place, 11), 2u);
  EXPECT_EQ(table->BucketOf(place, UINT64_MAX), 3u);
}

TEST(MetricTable, RefusesARowThatCannotBeAndNamesIt) {
  EXPECT_EQ(WhyNot({}), "ok");
  EXPECT_EQ(WhyNot({{1, MetricKind::kCounter, "a"}}),
            "metric 0 'a': its id is 1, and not its place");
  EXPECT_THAT(WhyNot({{0, MetricKind::kCounter, ""}}), HasSubstr("it has no name"));
  EXPECT_THAT(WhyNot({{0, MetricKind::kCounter, std::string(64, 'a')}}), HasSubstr("longer than"));
  EXPECT_THAT(WhyNot({{0, MetricKind::kCounter, "a"}, {1, MetricKind::kEvent, "a"}}),
              HasSubstr("metric 1 'a': another one has its name"));
  EXPECT_THAT(WhyNot({{0, MetricKind::kCounter, "a", {1}}}), HasSubstr("only a histogram"));
  EXPECT_THAT(WhyNot({{0, MetricKind::kHistogram, "a", {1, 2, 2}}}),
              HasSubstr("bound 2 does not ascend"));
  EXPECT_THAT(WhyNot({{0, MetricKind::kHistogram, "a", std::vector<uint64_t>(63)}}),
              HasSubstr("more than 62 bounds"));
  EXPECT_THAT(WhyNot(std::vector<MetricRow>(257)), HasSubstr("there can be 256, not 257"));
  std::vector<MetricRow> large;
  for (MetricId id = 0; id < 17; ++id) {
    large.push_back({id, MetricKind::kHistogram, absl::StrCat("m", id), DoublingBounds(1, 62)});
  }
  EXPECT_THAT(WhyNot(large), HasSubstr("metric 16 'm16': there is room for 1024 cells"));
  large.pop_back();
  EXPECT_EQ(WhyNot(large), "ok");
}

TEST(MetricTable, DoublesBoundsAsFarAsTheyGo) {
  EXPECT_THAT(DoublingBounds(3, 3), ElementsAre(3, 6, 12));
  EXPECT_EQ(DoublingBounds(1, 100).size(), 64u);
  EXPECT_TRUE(DoublingBounds(0, 5).empty());
}

}  // namespace
}  // namespace forkserver
