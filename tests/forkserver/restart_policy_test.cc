#include "forkserver/host/restart_policy.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "transceiver/clock.h"

namespace forkserver {
namespace {

constexpr RestartOptions kOptions = {.first_delay = absl::Milliseconds(100),
                                     .longest_delay = absl::Seconds(1),
                                     .jitter = 0.5,
                                     .settled_after = absl::Seconds(10),
                                     .most_deaths = 0};

constexpr int64_t Milliseconds(int64_t count) { return count * kNanosPerMilli; }

// What happens to a template, and when, by the clock that the policy is given.
struct Step {
  enum class What : uint8_t { kServes, kDies };

  int64_t at;  // ms
  What what;
  double random = 0;
  int64_t may_start_at = 0;  // ms, from then on
  int deaths = 0;
};
constexpr Step::What kServes = Step::What::kServes;
constexpr Step::What kDies = Step::What::kDies;

struct Case {
  const char* name;
  RestartOptions options;
  std::vector<Step> steps;
};

TEST(RestartPolicy, SaysWhenATemplateMayStartAgain) {
  RestartOptions at_once = kOptions;
  at_once.first_delay = absl::ZeroDuration();
  RestartOptions for_ever = kOptions;
  for_ever.settled_after = absl::InfiniteDuration();
  RestartOptions never = kOptions;
  never.first_delay = never.longest_delay = absl::InfiniteDuration();
  RestartOptions thrice = kOptions;
  thrice.most_deaths = 3;
  const Case cases[] = {
      {"it has not died", kOptions, {{5, kServes, 0, 0, 0}}},
      {"the first time costs no wait", kOptions, {{5, kServes, 0, 0, 0}, {7, kDies, 0, 7, 1}}},
      {"nor where it never served", kOptions, {{7, kDies, 0, 7, 1}}},
      {"each death in a row waits twice as long, up to the longest",
       kOptions,
       {{10, kDies, 0, 10, 1},
        {20, kDies, 0, 120, 2},
        {130, kServes, 0, 120, 2},
        {200, kDies, 0, 400, 3},
        {500, kDies, 0, 900, 4},
        {1000, kDies, 0, 1800, 5},
        {2000, kDies, 0, 3000, 6},
        {4000, kDies, 0, 5000, 7}}},
      {"jitter shortens a wait, by half at most",
       kOptions,
       {{0, kDies, 1, 0, 1},
        {0, kDies, 1, 50, 2},
        {0, kDies, 0.5, 150, 3},
        {0, kDies, 0, 400, 4},
        {0, kDies, 1, 400, 5},
        {0, kDies, 1, 500, 6}}},
      {"random numbers that are none are the nearest that are",
       kOptions,
       {{0, kDies, 0, 0, 1}, {0, kDies, 7, 50, 2}, {0, kDies, -7, 200, 3}}},
      {"one that served for long starts from the beginning",
       kOptions,
       {{0, kDies, 0, 0, 1},
        {0, kDies, 0, 100, 2},
        {100, kServes, 0, 100, 2},
        {10'100, kDies, 0, 10'100, 1},
        {10'100, kDies, 0, 10'200, 2}}},
      {"and one that served for a moment less does not",
       kOptions,
       {{0, kDies, 0, 0, 1}, {100, kServes, 0, 0, 1}, {10'099, kDies, 0, 10'199, 2}}},
      {"time in which it did not serve does not count",
       kOptions,
       {{1, kServes, 0, 0, 0}, {2, kDies, 0, 2, 1}, {60'000, kDies, 0, 60'100, 2}}},
      {"without a first delay there is none",
       at_once,
       {{0, kDies, 0, 0, 1}, {1, kDies, 0, 1, 2}, {2, kDies, 0, 2, 3}}},
      {"none may serve for long enough",
       for_ever,
       {{0, kDies, 0, 0, 1}, {1, kServes, 0, 0, 1}, {9'000'000, kDies, 0, 9'000'100, 2}}},
      {"for ever is for ever",
       never,
       {{1, kDies, 0, 1, 1}, {2, kDies, 0, kNever / kNanosPerMilli, 2}}},
      {"the last death that it may have gives it up",
       thrice,
       {{0, kDies, 0, 0, 1}, {0, kDies, 0, 100, 2}, {100, kDies, 0, kNever / kNanosPerMilli, 3}}},
      {"only those in a row count for that",
       thrice,
       {{0, kDies, 0, 0, 1},
        {0, kDies, 0, 100, 2},
        {100, kServes, 0, 100, 2},
        {20'000, kDies, 0, 20'000, 1},
        {20'000, kDies, 0, 20'100, 2},
        {20'100, kDies, 0, kNever / kNanosPerMilli, 3}}},
  };
  for (const Case& one : cases) {
    RestartPolicy policy(one.options);
    for (size_t i = 0; i < one.steps.size(); ++i) {
      SCOPED_TRACE(std::string(one.name) + ", step " + std::to_string(i));
      const Step& step = one.steps[i];
      if (step.what == kServes) {
        policy.OnServing(Milliseconds(step.at));
      } else {
        policy.OnDeath(Milliseconds(step.at), step.random);
      }
      EXPECT_EQ(policy.may_start_at() / kNanosPerMilli, step.may_start_at);
      EXPECT_EQ(policy.deaths(), step.deaths);
    }
  }
}

TEST(RestartPolicy, ThousandsOfDeathsWaitNoLongerThanTheLongest) {
  RestartPolicy policy(kOptions);
  for (int i = 0; i < 5000; ++i) policy.OnDeath(Milliseconds(1), 0);
  EXPECT_EQ(policy.may_start_at(), Milliseconds(1001));
}

TEST(RestartPolicy, OptionsThatCannotBeAreInvalidAndNamed) {
  EXPECT_EQ(CheckRestartOptions({}), absl::OkStatus());
  EXPECT_EQ(CheckRestartOptions(kOptions), absl::OkStatus());
  const absl::Duration below_zero = -absl::Nanoseconds(1);
  const std::pair<RestartOptions, const char*> cases[] = {
      {{.first_delay = below_zero}, "start: restart: first_delay is below zero"},
      {{.first_delay = absl::Seconds(2), .longest_delay = absl::Seconds(1)},
       "start: restart: longest_delay is shorter than first_delay"},
      {{.jitter = 1.1}, "start: restart: jitter is not from 0 to 1"},
      {{.jitter = -0.1}, "start: restart: jitter is not from 0 to 1"},
      {{.jitter = std::numeric_limits<double>::quiet_NaN()},
       "start: restart: jitter is not from 0 to 1"},
      {{.settled_after = below_zero}, "start: restart: settled_after is below zero"},
      {{.most_deaths = -1}, "start: restart: most_deaths is below zero"},
      {{.longest_silence = absl::ZeroDuration()},
       "start: restart: longest_silence is not above zero"},
      {{.longest_start = absl::ZeroDuration()}, "start: restart: longest_start is not above zero"},
  };
  for (const auto& [options, expected] : cases) {
    const absl::Status status = CheckRestartOptions(options);
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_EQ(status.message(), expected);
  }
}

}  // namespace
}  // namespace forkserver
