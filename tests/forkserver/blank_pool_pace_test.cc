// How many blanks there are over the seconds. Each of these takes its ten seconds, and runs in a
// shard of its own.
#include <time.h>

#include <atomic>
#include <cmath>
#include <random>
#include <string>
#include <vector>

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
constexpr int kArrivals = 220;

// When launches arrive, in nanoseconds from the start: exponential gaps, the same in each run.
std::vector<int64_t> PoissonArrivals() {
  std::mt19937_64 random(20250301);
  std::vector<int64_t> arrivals;
  double at = 0;
  for (int i = 0; i < kArrivals; ++i) {
    const double uniform = (static_cast<double>(random() >> 11) + 1) / 9007199254740993.0;
    at += -std::log(uniform) / kArrivalsASecond;
    arrivals.push_back(static_cast<int64_t>(at * static_cast<double>(kNanosPerSecond)));
  }
  return arrivals;
}

// Launches on schedule; `wait_until` spends the time between. The share that took a blank.
template <typename WaitUntil>
double LaunchOnSchedule(ForkServer& server, WaitUntil wait_until) {
  const int64_t start = NowNanos();
  int hits = 0;
  std::atomic<int> reaped = 0;
  for (const int64_t arrival : PoissonArrivals()) {
    wait_until(start + arrival);
    absl::StatusOr<LaunchedChild> child = server.Launch(Pooled({"exit", "0"}));
    EXPECT_TRUE(child.ok()) << child.status();
    if (!child.ok()) return 0;
    hits += child->by == LaunchedBy::kPool ? 1 : 0;
    server.ReapAsync(std::move(child->process), [&](absl::StatusOr<ExitStatus>) { ++reaped; });
    EXPECT_LE(IdleBlanks(server), 3u);
  }
  EXPECT_TRUE(testing::DispatchUntil(server, [&] { return reaped == kArrivals; }));
  return static_cast<double>(hits) / kArrivals;
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
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(server.Launch(Pooled({"exit", "0"})).ok());
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
