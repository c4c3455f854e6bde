// What an open costs that the broker answers, beside one that the kernel answers; and with it what
// a registration costs. Prints; it is no gate:
//
//     bazel build --config=opt //tests/forkserver/broker:open_cost
//     taskset -c 1 bazel-bin/tests/forkserver/broker/open_cost
//
// Without taskset an open's figure has in it how long a processor takes to wake from idle, twice;
// notification_listener.h has the reason.
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "forkserver/host/broker/broker.h"
#include "gtest/gtest.h"
#include "tests/forkserver/broker/victim.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

constexpr uint32_t kTimes = 5000;
constexpr int kRounds = 9;
constexpr char kFile[] = "/usr/share/common-licenses/BSD";

template <typename Round>
double MedianOf(Round round) {
  std::vector<double> figures;
  for (int i = 0; i < kRounds; ++i) figures.push_back(round());
  std::nth_element(figures.begin(), figures.begin() + kRounds / 2, figures.end());
  return figures[kRounds / 2];
}

double PlainOpen() {
  const int64_t start = NowNanos();
  for (uint32_t i = 0; i < kTimes; ++i) {
    close(static_cast<int>(syscall(SYS_openat, AT_FDCWD, kFile, O_RDONLY)));
  }
  return static_cast<double>(NowNanos() - start) / kTimes;
}

TEST(OpenCost, IsPrinted) {
  BrokerRules rules;
  rules.calls.Ask({SYS_openat, SYS_newfstatat}).Refuse(EPERM, {SYS_setpriority});
  rules.files = {{"/usr/share", FileReach::kBeneath, kMayRead}};
  const absl::StatusOr<std::unique_ptr<Broker>> broker = Broker::Start({});
  ASSERT_TRUE(broker.ok()) << broker.status();
  testing::Victim victim;
  const absl::StatusOr<ListenerId> id = (*broker)->Serve(victim.TakeListener(), {rules});
  ASSERT_TRUE(id.ok()) << id.status();
  const absl::StatusOr<ChildRegistration> child =
      (*broker)->Register(*id, victim.pid(), 0, ProcessType::kContent);
  ASSERT_TRUE(child.ok()) << child.status();

  const double plain = MedianOf(PlainOpen);
  const double brokered = MedianOf([&] {
    return victim.Time(SYS_openat, {AT_FDCWD, kFile, O_RDONLY}, kTimes);
  });
  const double with_dots = MedianOf([&] {
    return victim.Time(SYS_openat, {AT_FDCWD, "/usr/share/../share/common-licenses/BSD", O_RDONLY},
                       kTimes);
  });
  const double stat = MedianOf([&] {
    return victim.Time(SYS_newfstatat, {AT_FDCWD, kFile, testing::VictimArgument::Room{256}, 0},
                       kTimes);
  });
  const double registration = MedianOf([&] {
    const int64_t start = NowNanos();
    for (uint32_t i = 0; i < kTimes; ++i) {
      // Nobody's pid, so that it is nobody's call either.
      const auto one = (*broker)->Register(*id, (1 << 23) + 1, 0, ProcessType::kContent);
      EXPECT_TRUE(one.ok());
    }
    return static_cast<double>(NowNanos() - start) / kTimes;
  });
  printf("open by the kernel          %6.1f us\n", plain / 1000);
  printf("open by the broker          %6.1f us\n", brokered / 1000);
  printf("open by the broker, with .. %6.1f us\n", with_dots / 1000);
  printf("stat by the broker          %6.1f us\n", stat / 1000);
  printf("register and unregister     %6.2f us\n", registration / 1000);
  EXPECT_GT(brokered, 0);
}

}  // namespace
}  // namespace forkserver
