// How many blanks there are over the seconds. Each of these takes its ten seconds (the first two
// take more where the machine stalls), and runs in a shard of its own.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <string>

#include "tests/testing/host_test.h"
#include "tests/testing/pool_host.h"
#include "transceiver/clock.h"

namespace forkserver {

testing::HostSetup testing::SetUpHost(const std::string& test) {
  HostSetup setup = PoolHost();
  if (test.find("OwnThread") != test.npos) setup.options.driving = Driving::kOwnThread;
  return setup;
}

namespace {

using testing::BlankPids;
using testing::IdleBlanks;
using testing::Pooled;

constexpr double kArrivalsASecond = 20;
// So many launches are judged, ten seconds of them, and so many are made at most to get there.
constexpr int kJudged = 200;
constexpr int kMostArrivals = 1800;

// A machine that stalls makes one burst of the arrivals it has missed, which no pool of three can
// serve. So a launch is judged only where, for half a second, none began or ended that much late.
constexpr int64_t kLate = 20 * kNanosPerMilli;
constexpr int64_t kRecovery = kNanosPerSecond / 2;

// When launches arrive: exponential gaps, the same in each run.
class PoissonArrivals {
 public:
  int64_t Next() {
    const double uniform = (static_cast<double>(random_() >> 11) + 1) / 9007199254740993.0;
    at_ += -std::log(uniform) / kArrivalsASecond;
    return start_ + static_cast<int64_t>(at_ * static_cast<double>(kNanosPerSecond));
  }

 private:
  const int64_t start_ = NowNanos();
  std::mt19937_64 random_{20250301};
  double at_ = 0;
};

// Launches on schedule; `wait_until` spends the time between. The share that took a blank, of those
// that are judged.
template <typename WaitUntil>
double LaunchOnSchedule(ForkServer& server, WaitUntil wait_until) {
  PoissonArrivals arrivals;
  int64_t disturbed_until = 0;
  int launched = 0;
  int judged = 0;
  int hits = 0;
  std::atomic<int> reaped = 0;
  for (; judged < kJudged && launched < kMostArrivals; ++launched) {
    const int64_t due = arrivals.Next();
    wait_until(due);
    const int64_t begun = NowNanos();
    absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    const int64_t ended = NowNanos();
    EXPECT_TRUE(child.ok()) << child.status();
    if (!child.ok()) return 0;
    if (begun - due > kLate || ended - begun > kLate) disturbed_until = ended + kRecovery;
    if (begun >= disturbed_until) {
      ++judged;
      hits += child->by == LaunchedBy::kPool ? 1 : 0;
    }
    server.ReapAsync(std::move(child->process), [&](absl::StatusOr<ExitStatus>) { ++reaped; });
    EXPECT_LE(IdleBlanks(server), 3u);
  }
  EXPECT_TRUE(testing::DispatchUntil(server, [&] { return reaped == launched; }));
  EXPECT_EQ(judged, kJudged) << "of " << launched << " launches: this machine stalls all the time";
  return static_cast<double>(hits) / std::max(judged, 1);
}

HOST_TEST(BlankPoolPace, NineteenOfTwentyPoissonArrivalsHitIt) {
  const double hits = LaunchOnSchedule(server, [&](int64_t when) {
    for (int64_t now; (now = NowNanos()) < when;) server.Dispatch(absl::Nanoseconds(when - now));
  });
  EXPECT_GE(hits, 0.95);
}

// Nobody dispatches: the thread refills.
HOST_TEST(BlankPoolPace, NineteenOfTwentyHitItOnItsOwnThread) {
  const double hits = LaunchOnSchedule(server, [](int64_t when) {
    const timespec at = {.tv_sec = when / kNanosPerSecond, .tv_nsec = when % kNanosPerSecond};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
    }
  });
  EXPECT_GE(hits, 0.95);
}

HOST_TEST(BlankPoolPace, AtItsMinimumAfterTenSecondsOfIdleness) {
  testing::ArriveInABurst(server, Pooled({"exit", "0"}));
  ASSERT_TRUE(testing::ComesToHold(server, 3));
  const int64_t idle_since = NowNanos();
  for (int64_t left; (left = idle_since + 10 * kNanosPerSecond - NowNanos()) > 0;) {
    server.Dispatch(absl::Nanoseconds(left));
  }
  EXPECT_EQ(IdleBlanks(server), 1u);
  EXPECT_EQ(BlankPids(server).size(), 1u);
  EXPECT_EQ(server.Launch(Pooled({"exit", "0"}))->by, LaunchedBy::kPool);
}

}  // namespace
}  // namespace forkserver
