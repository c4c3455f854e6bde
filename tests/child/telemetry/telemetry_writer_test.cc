// What a writer leaves in its area.
#include "child/telemetry/telemetry_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace forkserver {
namespace {

enum Metric : MetricId { kCount, kSizes, kHappened };

const MetricTable& Table() {
  static const MetricTable* const table =
      new MetricTable(*MetricTable::Make({{kCount, MetricKind::kCounter, "count"},
                                          {kSizes, MetricKind::kHistogram, "sizes", {10, 100}},
                                          {kHappened, MetricKind::kEvent, "happened"}}));
  return *table;
}

class TelemetryWriterTest : public ::testing::Test {
 protected:
  static std::string TextOf(const EventSlot& slot) {
    std::string text;
    for (const auto& word : slot.text) {
      const uint64_t bytes = word;
      text.append(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
    }
    text.resize(slot.about >> 16);
    return text;
  }
  std::string TextOf(uint64_t event) const {
    const EventSlot& slot = area_->events[event % TelemetryArea::kEvents];
    EXPECT_EQ(slot.sequence, 2 * event + 2);
    EXPECT_EQ(slot.about % 65536, kHappened);
    return TextOf(slot);
  }

  const std::unique_ptr<TelemetryArea> area_ = std::make_unique<TelemetryArea>();
  const TelemetryWriter writer_{area_.get(), &Table()};
};

TEST_F(TelemetryWriterTest, AddsAndSorts) {
  writer_.Add(kCount);
  writer_.Add(kCount, 41);
  for (const uint64_t value : {10, 11, 100, 101, 1000}) writer_.Record(kSizes, value);
  EXPECT_EQ(area_->cells[0], 42u);
  EXPECT_EQ(area_->cells[1], 1u);
  EXPECT_EQ(area_->cells[2], 2u);
  EXPECT_EQ(area_->cells[3], 2u);
  EXPECT_EQ(area_->cells[4], 1222u);
  EXPECT_EQ(area_->misused, 0u);
}

TEST_F(TelemetryWriterTest, CountsWhatNamesNoMetricOfItsKind) {
  writer_.Add(kSizes);
  writer_.Record(kHappened, 1);
  writer_.Event(kCount);
  writer_.Add(3);
  writer_.Add(UINT16_MAX);
  EXPECT_EQ(area_->misused, 5u);
  EXPECT_EQ(area_->next_event, 0u);
  for (const auto& cell : area_->cells) EXPECT_EQ(cell, 0u);
}

TEST_F(TelemetryWriterTest, DoesNothingWithoutAnAreaOrATable) {
  for (const TelemetryWriter& writer : {TelemetryWriter(), TelemetryWriter(nullptr, &Table()),
                                        TelemetryWriter(area_.get(), nullptr)}) {
    writer.Add(kCount);
    writer.Record(kSizes, 1);
    writer.Event(kHappened, "x");
  }
  EXPECT_EQ(area_->cells[0], 0u);
  EXPECT_EQ(area_->misused, 0u);
}

TEST_F(TelemetryWriterTest, KeepsTheLastEventsAndCountsAll) {
  constexpr uint64_t kAll = 2 * TelemetryArea::kEvents + 3;
  for (uint64_t i = 0; i < kAll; ++i) writer_.Event(kHappened, std::to_string(i));
  EXPECT_EQ(area_->cells[5], kAll);
  EXPECT_EQ(area_->next_event, kAll);
  for (uint64_t i = kAll - TelemetryArea::kEvents; i < kAll; ++i) {
    EXPECT_EQ(TextOf(i), std::to_string(i));
  }
}

TEST_F(TelemetryWriterTest, CutsAnEventsText) {
  writer_.Event(kHappened, std::string(1000, 'x'));
  writer_.Event(kHappened);
  EXPECT_EQ(TextOf(0), std::string(EventSlot::kTextBytes, 'x'));
  EXPECT_EQ(TextOf(1), "");
}

// As one that a killed thread, or a slow one, has left.
TEST_F(TelemetryWriterTest, PassesOverASlotThatSomebodyIsIn) {
  area_->events[1].sequence = 1;
  for (const char* text : {"zero", "one", "two"}) writer_.Event(kHappened, text);
  EXPECT_EQ(TextOf(0), "zero");
  EXPECT_EQ(area_->events[1].sequence, 1u);
  EXPECT_EQ(TextOf(2), "two");
  EXPECT_EQ(area_->cells[5], 3u);
}

TEST_F(TelemetryWriterTest, LosesNothingOfSeveralThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      const std::string text(EventSlot::kTextBytes, static_cast<char>('a' + i));
      for (int n = 0; n < kEach; ++n) {
        writer_.Add(kCount);
        writer_.Record(kSizes, 7);
        writer_.Event(kHappened, text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(area_->cells[0], uint64_t{kThreads * kEach});
  EXPECT_EQ(area_->cells[1], uint64_t{kThreads * kEach});
  EXPECT_EQ(area_->cells[4], uint64_t{7 * kThreads * kEach});
  EXPECT_EQ(area_->cells[5], uint64_t{kThreads * kEach});
  for (const EventSlot& slot : area_->events) {
    EXPECT_EQ(slot.sequence % 2, 0u);
    const std::string text = TextOf(slot);
    EXPECT_EQ(text, std::string(EventSlot::kTextBytes, text.empty() ? '?' : text[0]));
  }
}

}  // namespace
}  // namespace forkserver
