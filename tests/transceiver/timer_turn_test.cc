// What a timer adds while timers run is for the loop's next turn.
#include <sys/eventfd.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/each_backend.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

class TimerTurns : public EachBackend {
 protected:
  void SetUp() override {
    EachBackend::SetUp();
    if (!IsSkipped()) loop_ = *EventLoop::Create(GetParam());
  }
  // Far enough that only a failing test gets there.
  void Run() { loop_->Run(NowNanos() + 5 * kNanosPerSecond); }

  std::unique_ptr<EventLoop> loop_;
};

INSTANTIATE_TEST_SUITE_P(Over, TimerTurns, kEachBackend, BackendName);

// As one that sends whenever there is room, and asks to be told again.
TEST_P(TimerTurns, ATimerThatAddsTheNextOneKeepsNoDescriptorFromItsTurn) {
  constexpr int kMost = 1000;
  int runs = 0;
  std::function<void()> again = [&] {
    if (++runs < kMost) loop_->AddTimer(0, again);
  };
  loop_->AddTimer(0, again);
  const UniqueFd ready(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  bool is_served = false;
  const auto watch = loop_->Watch(ready.get(), EPOLLIN, [&](uint32_t) { is_served = true; });
  ASSERT_TRUE(watch.ok()) << watch.status();
  for (int turns = 0; turns < kMost && !is_served; ++turns) Run();
  EXPECT_TRUE(is_served);
  EXPECT_LT(runs, 10);
  loop_->Unwatch(*watch);
}

TEST_P(TimerTurns, WhatATimerAddsRunsInTheTurnAfterIt) {
  bool is_first = false;
  bool is_next = false;
  loop_->AddTimer(0, [&] {
    is_first = true;
    loop_->AddTimer(0, [&] { is_next = true; });
  });
  Run();
  EXPECT_TRUE(is_first);
  EXPECT_FALSE(is_next);
  Run();
  EXPECT_TRUE(is_next);
}

// Deadline 0 is before all of them.
TEST_P(TimerTurns, WhatIsAddedHoldsUpNoneThatWereThere) {
  std::vector<int> order;
  const int64_t past = NowNanos() - 10;
  for (int i = 0; i < 3; ++i) {
    loop_->AddTimer(past + i, [&, i] {
      order.push_back(i);
      loop_->AddTimer(0, [&, i] { order.push_back(10 + i); });
      loop_->AddTimer(past + 9, [&, i] { order.push_back(20 + i); });
    });
  }
  Run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  Run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 10, 11, 12, 20, 21, 22}));
}

TEST_P(TimerTurns, ATimerMayCancelAllThatAreLeft) {
  std::vector<EventLoop::TimerId> ids;
  int runs = 0;
  const int64_t past = NowNanos() - 10;
  loop_->AddTimer(past, [&] {
    ++runs;
    ids.push_back(loop_->AddTimer(0, [&] { ++runs; }));
    for (const EventLoop::TimerId id : ids) loop_->CancelTimer(id);
  });
  for (int i = 1; i < 4; ++i) ids.push_back(loop_->AddTimer(past + i, [&] { ++runs; }));
  bool is_later = false;
  loop_->AddTimer(NowNanos() + kNanosPerMilli, [&] { is_later = true; });
  for (int i = 0; i < 10 && !is_later; ++i) Run();
  EXPECT_TRUE(is_later);
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace forkserver
