// Launches that a test has under way, and what each was told: once by its callback, and once its
// child's status.
//
//     LaunchesInFlight launches(server);
//     const Told& one = launches.Begin(options);
//     ASSERT_TRUE(launches.AllEnd());
//     EXPECT_TRUE(launches.EachWasToldOnce());
//
// A child that becomes Ready is hung up on at once, and seen to its end by the server.
#ifndef TESTS_DEATHS_LAUNCHES_IN_FLIGHT_H_
#define TESTS_DEATHS_LAUNCHES_IN_FLIGHT_H_

#include <gtest/gtest.h>
#include <stdint.h>

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "tests/testing/host_test.h"
#include "transceiver/clock.h"

namespace forkserver::testing {

// Of one launch.
struct Told {
  std::string what;
  absl::Duration timeout;
  int64_t begun_at = 0;
  int64_t told_at = 0;
  int times = 0;
  absl::Status launch;  // once `times` is 1
  LaunchedBy by = LaunchedBy::kFork;
  int statuses = 0;
  absl::StatusOr<ExitStatus> status = ExitStatus();

  bool IsReady() const { return times > 0 && launch.ok(); }
  absl::Duration Took() const { return absl::Nanoseconds(told_at - begun_at); }
  bool HasEnded() const { return times > 0 && (!launch.ok() || statuses > 0); }
};

class LaunchesInFlight {
 public:
  explicit LaunchesInFlight(ForkServer& server) : server_(server) {}

  Told& Begin(const LaunchOptions& options) {
    Told& told = all_.emplace_back();
    told.timeout = options.timeout;
    told.begun_at = NowNanos();
    server_.LaunchAsync(options, [this, &told](absl::StatusOr<LaunchedChild> child) {
      ++told.times;
      told.told_at = NowNanos();
      told.launch = child.status();
      if (!child.ok()) return;
      told.by = child->by;
      SeeToItsEnd(told, std::move(child->process));
    });
    return told;
  }

  // From here on its status is told.
  void SeeToItsEnd(Told& told, Process process) {
    server_.ReapAsync(std::move(process), [&told](absl::StatusOr<ExitStatus> status) {
      ++told.statuses;
      told.status = std::move(status);
    });
  }

  bool Dispatches(const std::function<bool()>& until) { return DispatchUntil(server_, until); }

  bool AllEnd() {
    return DispatchUntil(server_, [this] {
      for (const Told& told : all_) {
        if (!told.HasEnded()) return false;
      }
      return true;
    });
  }

  // And was not told of anything that it has not.
  bool EachWasToldOnce() const {
    for (const Told& told : all_) {
      if (told.times != 1 || told.statuses != (told.launch.ok() ? 1 : 0)) return false;
    }
    return true;
  }

  // Both, and nobody held the host up.
  void ExpectEndWithin(absl::Duration patience) {
    const int64_t start = NowNanos();
    EXPECT_TRUE(AllEnd());
    EXPECT_LT(absl::Nanoseconds(NowNanos() - start), patience) << "the host was held up";
    EXPECT_TRUE(EachWasToldOnce());
  }

  const std::deque<Told>& all() const { return all_; }

 private:
  ForkServer& server_;
  std::deque<Told> all_;
};

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_LAUNCHES_IN_FLIGHT_H_
