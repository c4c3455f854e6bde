// A watch over somebody's silence, on a loop as the host has it.
#include "forkserver/host/silence_watch.h"

#include <functional>
#include <memory>
#include <optional>

#include "gtest/gtest.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

constexpr absl::Duration kLongest = absl::Milliseconds(20);
// Far enough that only a failing test gets there.
constexpr absl::Duration kVeryLong = absl::Hours(1);

class SilenceWatchTest : public ::testing::Test {
 protected:
  SilenceWatchTest() {
    watch_.emplace(*loop_, SilenceWatch::Handlers{.is_owed =
                                                      [this] {
                                                        ++looks_;
                                                        if (on_look_) on_look_();
                                                        return is_owed_;
                                                      },
                                                  .on_silence =
                                                      [this] {
                                                        ++silences_;
                                                        if (on_silence_) on_silence_();
                                                      }});
  }

  // False if that does not come about within five seconds.
  bool RunUntil(const std::function<bool()>& done) {
    const int64_t deadline = NowNanos() + 5 * kNanosPerSecond;
    while (!done()) {
      if (NowNanos() >= deadline) return false;
      loop_->Run(deadline);
    }
    return true;
  }
  bool RunUntilSilence() {
    return RunUntil([this, before = silences_] { return silences_ > before; });
  }
  bool RunUntilLook(int number) {
    return RunUntil([this, number] { return looks_ >= number; });
  }
  // Nobody else has one on this loop.
  bool HasTimer() const { return loop_->HasDueTimer(kNever); }

  const std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  bool is_owed_ = true;
  std::function<void()> on_look_;
  std::function<void()> on_silence_;
  int looks_ = 0;
  int silences_ = 0;
  std::optional<SilenceWatch> watch_;
};

TEST_F(SilenceWatchTest, IsSaidAtTheSecondLookAndNotBeforeItsTime) {
  const int64_t begin = NowNanos();
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_GE(NowNanos() - begin, absl::ToInt64Nanoseconds(kLongest));
  EXPECT_EQ(looks_, 2);
  EXPECT_EQ(silences_, 1);
  EXPECT_FALSE(HasTimer());
}

// A host that was itself stopped has not read what came meanwhile.
TEST_F(SilenceWatchTest, IsNotSaidAtTheFirstLookHoweverLateThatIs) {
  watch_->Begin(absl::Milliseconds(2));
  const int64_t late = NowNanos() + 4 * kNanosPerMilli;
  while (NowNanos() < late) {
  }
  loop_->Run(0);
  EXPECT_EQ(looks_, 1);
  EXPECT_EQ(silences_, 0);
  EXPECT_TRUE(HasTimer());
}

TEST_F(SilenceWatchTest, AWordPutsItOffByTwoMoreLooks) {
  watch_->Begin(kLongest);
  watch_->Heard();
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 3);
}

TEST_F(SilenceWatchTest, WordsThatAreReadInALookCount) {
  on_look_ = [this] {
    if (looks_ <= 3) watch_->Heard();
  };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 5);
}

TEST_F(SilenceWatchTest, AWordBetweenTwoSilentLooksMakesThemNoSilence) {
  on_look_ = [this] {
    if (looks_ == 2) watch_->Heard();
  };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 4);
}

// What was heard before it began is of what was owed before.
TEST_F(SilenceWatchTest, AWordFromBeforeItsBeginDoesNotCount) {
  watch_->Heard();
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 2);
}

TEST_F(SilenceWatchTest, RestsWhileNothingIsOwedAndBeginsAnew) {
  is_owed_ = false;
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilLook(1));
  EXPECT_FALSE(HasTimer());
  is_owed_ = true;
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  // A silent look from before the rest is none of these.
  EXPECT_EQ(looks_, 3);
}

TEST_F(SilenceWatchTest, OneThatRunsGoesOnAsItIs) {
  watch_->Begin(kLongest);
  watch_->Begin(kVeryLong);
  watch_->Begin(absl::InfiniteDuration());
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 2);
  EXPECT_FALSE(HasTimer());
}

TEST_F(SilenceWatchTest, OfInfiniteDurationIsNone) {
  watch_->Begin(absl::InfiniteDuration());
  EXPECT_FALSE(HasTimer());
  watch_->Begin(kLongest);
  EXPECT_TRUE(HasTimer());
}

// It would keep the loop from all else.
TEST_F(SilenceWatchTest, OfNoTimeAtAllLooksEachMillisecond) {
  const int64_t begin = NowNanos();
  watch_->Begin(absl::ZeroDuration());
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_GE(NowNanos() - begin, 2 * kNanosPerMilli);
}

TEST_F(SilenceWatchTest, EndsAndMayBeginAgain) {
  watch_->End();
  watch_->Begin(kVeryLong);
  watch_->End();
  EXPECT_FALSE(HasTimer());
  watch_->End();
  watch_->Begin(kLongest);
  EXPECT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 2);
}

TEST_F(SilenceWatchTest, EndsInALookThatReadsOfTheEnd) {
  on_look_ = [this] { watch_->End(); };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilLook(1));
  EXPECT_FALSE(HasTimer());
  EXPECT_EQ(silences_, 0);
}

// The second look would say it.
TEST_F(SilenceWatchTest, EndInALookComesBeforeTheSilenceThatItFinds) {
  on_look_ = [this] {
    if (looks_ == 2) watch_->End();
  };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilLook(2));
  EXPECT_EQ(silences_, 0);
  EXPECT_FALSE(HasTimer());
}

TEST_F(SilenceWatchTest, HasOneTimerAfterALookThatBeganIt) {
  on_look_ = [this] {
    if (looks_ == 1) watch_->Begin(kLongest);
  };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilLook(1));
  EXPECT_TRUE(HasTimer());
  watch_->End();
  EXPECT_FALSE(HasTimer());
}

// A start that is over, and what is asked for from then on: another time, and all of it.
TEST_F(SilenceWatchTest, EndedAndBegunInALookItGoesByTheNewTime) {
  int64_t begun = 0;
  on_look_ = [&] {
    if (looks_ != 2) return;
    watch_->End();
    begun = NowNanos();
    watch_->Begin(kLongest);
  };
  watch_->Begin(absl::Milliseconds(2));
  ASSERT_TRUE(RunUntilLook(2));
  EXPECT_EQ(silences_, 0);
  EXPECT_TRUE(HasTimer());
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_EQ(looks_, 4);
  EXPECT_GE(NowNanos() - begun, absl::ToInt64Nanoseconds(kLongest));
  EXPECT_FALSE(HasTimer());
}

TEST_F(SilenceWatchTest, MayBeginAgainWhereItIsSaid) {
  on_silence_ = [this] {
    if (silences_ == 1) watch_->Begin(kLongest);
  };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntil([this] { return silences_ == 2; }));
  EXPECT_EQ(looks_, 4);
  EXPECT_FALSE(HasTimer());
}

TEST_F(SilenceWatchTest, MayEndWhereItIsSaid) {
  on_silence_ = [this] { watch_->End(); };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_FALSE(HasTimer());
}

TEST_F(SilenceWatchTest, MayBeDestroyedWhereItIsSaid) {
  on_silence_ = [this] { watch_.reset(); };
  watch_->Begin(kLongest);
  ASSERT_TRUE(RunUntilSilence());
  EXPECT_FALSE(watch_.has_value());
  EXPECT_FALSE(HasTimer());
}

TEST_F(SilenceWatchTest, DestroyedItLeavesNoTimer) {
  watch_->Begin(absl::ZeroDuration());
  watch_.reset();
  EXPECT_FALSE(HasTimer());
  bool later = false;
  loop_->AddTimer(NowNanos() + 2 * kNanosPerMilli, [&] { later = true; });
  ASSERT_TRUE(RunUntil([&] { return later; }));
  EXPECT_EQ(looks_, 0);
}

}  // namespace
}  // namespace forkserver
