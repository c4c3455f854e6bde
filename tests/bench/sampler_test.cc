// Processes that take samples on request.
#include "bench/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "bench/growth.h"
#include "bench/sampler_modes.h"

namespace bench {
namespace {

using ::testing::HasSubstr;

constexpr char kProgram[] = "bench/launch_bench";

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(Sampler, AnswersWithWhatTheProgramSays) {
  const auto sampler =
      Sampler::Start({"sh", "-c", "echo ok; read a; echo 1.5; read a; echo error: it broke"});
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  EXPECT_EQ(*(*sampler)->Sample("x"), 1.5);
  EXPECT_EQ(Message((*sampler)->Sample("x").status()), "sh: error: it broke");
  EXPECT_FALSE((*sampler)->Sample("x").ok()) << "it has ended";
}

TEST(Sampler, NamesTheProgramThatIsNotThereAndTheOneThatRefuses) {
  EXPECT_TRUE(absl::IsUnavailable(Sampler::Start({"no-such-program"}).status()));
  EXPECT_EQ(Message(Sampler::Start({"sh", "-c", "echo error: no heap"}).status()),
            "sh: error: no heap");
  EXPECT_EQ(Message(Sampler::Start({"true"}).status()), "true: ended");
}

TEST(SharedSampler, IsNotStartedWhereMemoryIsShort) {
  SharedSampler sampler({"true"}, Mebibytes{int64_t{1} << 40});
  EXPECT_TRUE(absl::IsUnavailable(sampler.Start()));
}

TEST(SamplerModes, ForksAndLaunchesOfAHeapAnswerEveryRequest) {
  for (const SamplerMode mode : {SamplerMode::kFork, SamplerMode::kLaunch}) {
    const auto sampler = Sampler::Start(SamplerCommand(mode, Mebibytes{16}, kProgram));
    ASSERT_TRUE(sampler.ok()) << sampler.status();
    for (const char* request : {"ready", "work", "work"}) {
      const auto sample = (*sampler)->Sample(request);
      ASSERT_TRUE(sample.ok()) << sample.status();
      EXPECT_GT(*sample, 0);
    }
    EXPECT_THAT(Message((*sampler)->Sample("dance").status()), HasSubstr("no such request: dance"));
  }
}

TEST(SamplerModes, RatesAreOfEveryLaunchThatIsReaped) {
  const auto sampler = Sampler::Start(SamplerCommand(SamplerMode::kLaunch, Mebibytes{0}, kProgram));
  ASSERT_TRUE(sampler.ok()) << sampler.status();
  for (const char* request : {"rate 1", "rate 4", "rate 64", "threads 8"}) {
    // A machine that stalls for the whole window of a rate counts none in it.
    double best = 0;
    for (int i = 0; i < 20 && best <= 10; ++i) {
      const auto sample = (*sampler)->Sample(request);
      ASSERT_TRUE(sample.ok()) << request << ": " << sample.status();
      best = std::max(best, *sample);
    }
    EXPECT_GT(best, 10) << request;
  }
  EXPECT_FALSE((*sampler)->Sample("rate 0").ok());
  EXPECT_FALSE((*sampler)->Sample("rate much").ok());
}

TEST(Growth, MeasuresForkAndLaunchOfOneSize) {
  const auto point = MeasureGrowth(Mebibytes{16}, {.max_rounds = 3}, kProgram);
  ASSERT_TRUE(point.ok()) << point.status();
  EXPECT_EQ(point->fork.n, 3u);
  EXPECT_EQ(point->launch.n, 3u);
  EXPECT_GT(point->fork.p50, 0);
  EXPECT_GT(point->launch.p50, 0);
}

TEST(Growth, SizesGoUpToTheLargestThatIsAskedFor) {
  EXPECT_EQ(GrowthSizes({15}).size(), 0u);
  EXPECT_EQ(GrowthSizes({64}).size(), 2u);
  EXPECT_EQ(GrowthSizes({1 << 20}).back().count, 4096);
}

}  // namespace
}  // namespace bench
