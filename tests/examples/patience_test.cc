// Whose answer is there is not late, however long nobody looked.
#include "examples/browser_host/patience.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <memory>

#include "transceiver/clock.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using forkserver::EventLoop;
using forkserver::NowNanos;
using forkserver::UniqueFd;

constexpr absl::Duration kTime = absl::Milliseconds(100);
constexpr int64_t kTimeNanos = 100 * forkserver::kNanosPerMilli;

class PatienceOf : public ::testing::TestWithParam<EventLoop::Backend> {
 protected:
  void SetUp() override {
    auto loop = EventLoop::Create(GetParam());
    ASSERT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
    patience_ = std::make_unique<Patience>(*loop_);
    answer_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    ASSERT_TRUE(loop_
                    ->Watch(answer_.get(), EPOLLIN,
                            [this](uint32_t) {
                              has_answer_ = true;
                              eventfd_t value = 0;
                              eventfd_read(answer_.get(), &value);
                              patience_->End();
                            })
                    .ok());
  }

  void Begin() {
    patience_->Begin(kTime, [this] { ++over_; });
  }
  void Answer() const { EXPECT_EQ(eventfd_write(answer_.get(), 1), 0); }
  // As one that is stopped.
  static void DoNotRunFor(int64_t nanos) {
    for (const int64_t end = NowNanos() + nanos; NowNanos() < end;) {
    }
  }

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Patience> patience_;
  UniqueFd answer_;
  bool has_answer_ = false;
  int over_ = 0;
};

TEST_P(PatienceOf, IsOverOnceWhereNothingComes) {
  const int64_t begin = NowNanos();
  Begin();
  while (over_ == 0) loop_->Run(forkserver::kNever);
  EXPECT_GE(NowNanos() - begin, kTimeNanos);
  loop_->Run(NowNanos() + 2 * kTimeNanos);
  EXPECT_EQ(over_, 1);
}

TEST_P(PatienceOf, IsNotOverWhereTheAnswerHasCome) {
  Begin();
  Answer();
  while (!has_answer_) loop_->Run(forkserver::kNever);
  loop_->Run(NowNanos() + 2 * kTimeNanos);
  EXPECT_EQ(over_, 0);
}

TEST_P(PatienceOf, ReadsFirstWhatCameWhileNobodyLooked) {
  // Until it would be over in the next turn.
  Begin();
  for (int tick = 0; tick < 9; ++tick) loop_->Run(NowNanos() + kTimeNanos);
  EXPECT_EQ(over_, 0);
  Answer();
  DoNotRunFor(2 * kTimeNanos);
  while (!has_answer_ && over_ == 0) loop_->Run(forkserver::kNever);
  EXPECT_EQ(over_, 0);
}

TEST_P(PatienceOf, LeavesTimeToThoseWhoWereStoppedToo) {
  Begin();
  DoNotRunFor(2 * kTimeNanos);
  const int64_t goes_on = NowNanos();
  while (over_ == 0) loop_->Run(forkserver::kNever);
  EXPECT_GE(NowNanos() - goes_on, kTimeNanos / 2);
}

TEST_P(PatienceOf, BeginsAnew) {
  Begin();
  patience_->Begin(kTime, [this] { over_ += 10; });
  while (over_ == 0) loop_->Run(forkserver::kNever);
  loop_->Run(NowNanos() + 2 * kTimeNanos);
  EXPECT_EQ(over_, 10);
}

TEST_P(PatienceOf, MayBeDestroyedWhenItIsOver) {
  patience_->Begin(kTime, [this] {
    patience_.reset();
    ++over_;
  });
  while (over_ == 0) loop_->Run(forkserver::kNever);
  EXPECT_EQ(patience_, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Loops, PatienceOf,
                         ::testing::Values(EventLoop::Backend::kBest, EventLoop::Backend::kEpoll),
                         [](const auto& backend) {
                           return backend.param == EventLoop::Backend::kBest ? "Best" : "Epoll";
                         });

}  // namespace
}  // namespace browser_host
