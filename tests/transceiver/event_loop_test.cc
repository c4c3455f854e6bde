#include "transceiver/event_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"

namespace forkserver {
namespace {

// For a Run that only looks whether something is ready.
constexpr int64_t kNow = 0;

// Far enough that only a failing test gets there.
int64_t Late() { return NowNanos() + 5 * kNanosPerSecond; }

std::unique_ptr<EventLoop> Loop() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  EXPECT_TRUE(loop.ok()) << loop.status();
  return *std::move(loop);
}

// A descriptor that is readable from the start, and stays so.
UniqueFd Ready() { return UniqueFd(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)); }

// One that is not readable until it is Set.
UniqueFd NotReady() { return UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void Set(const UniqueFd& event) { ASSERT_EQ(eventfd_write(event.get(), 1), 0); }

EventLoop::WatchId MustWatch(EventLoop& loop, const UniqueFd& fd,
                             EventLoop::ReadyCallback callback) {
  const absl::StatusOr<EventLoop::WatchId> id = loop.Watch(fd.get(), EPOLLIN, std::move(callback));
  EXPECT_TRUE(id.ok()) << id.status();
  return id.value_or(0);
}

// Runs the loop until `done`; false if that does not come about.
template <typename Done>
bool RunUntil(EventLoop& loop, Done done) {
  const int64_t deadline = Late();
  while (!done()) {
    if (NowNanos() >= deadline) return false;
    loop.Run(deadline);
  }
  return true;
}

bool IsReadable(int fd, int timeout_ms) {
  pollfd state = {.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&state, 1, timeout_ms) == 1;
}

TEST(EventLoop, CallsTheCallbackOfAReadyDescriptorWithItsEvents) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  uint32_t events = 0;
  MustWatch(*loop, event, [&](uint32_t what) { events = what; });
  loop->Run(Late());
  EXPECT_EQ(events, uint32_t{EPOLLIN});
}

TEST(EventLoop, DoesNotCallTheCallbackOfADescriptorThatIsNotReady) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  loop->Run(kNow);
  EXPECT_EQ(calls, 0);
  Set(event);
  loop->Run(kNow);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, CallsACallbackAgainAsLongAsItsDescriptorIsReady) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  for (int i = 0; i < 3; ++i) loop->Run(kNow);
  EXPECT_EQ(calls, 3);
}

TEST(EventLoop, ServesMoreDescriptorsThanOneWaitFetches) {
  const std::unique_ptr<EventLoop> loop = Loop();
  constexpr size_t kCount = 100;
  static_assert(kCount > std::size(EventLoop::Events{}.list));
  std::vector<UniqueFd> events;
  std::vector<int> calls(kCount, 0);
  for (size_t i = 0; i < kCount; ++i) {
    events.push_back(Ready());
    MustWatch(*loop, events[i], [&, i](uint32_t) {
      ++calls[i];
      eventfd_t value;
      eventfd_read(events[i].get(), &value);
    });
  }
  for (size_t i = 0; i < kCount; ++i) loop->Run(kNow);
  EXPECT_EQ(calls, std::vector<int>(kCount, 1));
}

TEST(EventLoop, ReturnsAtTheDeadlineAndNotBefore) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const int64_t deadline = NowNanos() + 20 * kNanosPerMilli;
  loop->Run(deadline);
  EXPECT_GE(NowNanos(), deadline);
}

TEST(EventLoop, WatchesNoDescriptorTwiceAtATime) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  MustWatch(*loop, event, [](uint32_t) {});
  EXPECT_EQ(loop->Watch(event.get(), EPOLLIN, [](uint32_t) {}).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST(EventLoop, NamesTheReasonWhenAFileCannotBePolled) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file.is_open());
  const absl::Status status = loop->Watch(file.get(), EPOLLIN, [](uint32_t) {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(status.message().find("EPERM"), std::string::npos) << status;
}

TEST(EventLoop, WaitsForTheEventsThatItWasChangedTo) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  uint32_t events = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t what) { events = what; });
  loop->ChangeEvents(id, EPOLLOUT);
  loop->Run(kNow);
  EXPECT_EQ(events, uint32_t{EPOLLOUT});
}

TEST(EventLoop, DoesNotCallACallbackAfterUnwatch) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  int calls = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  loop->Run(kNow);
  loop->Unwatch(id);
  loop->Run(kNow);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, LetsACallbackUnwatchItself) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  int calls = 0;
  EventLoop::WatchId id = 0;
  id = MustWatch(*loop, event, [&](uint32_t) {
    ++calls;
    loop->Unwatch(id);
  });
  for (int i = 0; i < 3; ++i) loop->Run(kNow);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, KeepsACallbackThatUnwatchedItselfUntilItReturns) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  auto captured = std::make_shared<int>(0);
  std::weak_ptr<int> observer = captured;
  EventLoop::WatchId id = 0;
  bool kept = false;
  id = MustWatch(*loop, event, [&, captured = std::move(captured)](uint32_t) {
    // Not through the closure, which is gone after Unwatch if the loop is wrong.
    bool& result = kept;
    std::weak_ptr<int>& watcher = observer;
    loop->Unwatch(id);
    result = !watcher.expired();
  });
  loop->Run(kNow);
  EXPECT_TRUE(kept);
  EXPECT_TRUE(observer.expired());
}

TEST(EventLoop, LetsACallbackWatchAnotherDescriptor) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd first = Ready();
  const UniqueFd second = Ready();
  int calls = 0;
  EventLoop::WatchId id = 0;
  id = MustWatch(*loop, first, [&](uint32_t) {
    loop->Unwatch(id);
    MustWatch(*loop, second, [&](uint32_t) { ++calls; });
  });
  loop->Run(kNow);
  loop->Run(kNow);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, DoesNotCallADescriptorThatWasUnwatchedAfterItsEventWasFetched) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd first = Ready();
  const UniqueFd second = Ready();
  EventLoop::WatchId first_id = 0;
  EventLoop::WatchId second_id = 0;
  int calls = 0;
  first_id = MustWatch(*loop, first, [&](uint32_t) {
    ++calls;
    loop->Unwatch(second_id);
  });
  second_id = MustWatch(*loop, second, [&](uint32_t) {
    ++calls;
    loop->Unwatch(first_id);
  });
  EventLoop::Events events;
  loop->WaitForEvents(Late(), events);
  ASSERT_EQ(events.count, 2);
  loop->Dispatch(events);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, GivesAFetchedEventToNoLaterWatchOfTheSameDescriptor) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  const EventLoop::WatchId old_id = MustWatch(*loop, event, [](uint32_t) {});
  EventLoop::Events events;
  loop->WaitForEvents(Late(), events);
  ASSERT_EQ(events.count, 1);
  loop->Unwatch(old_id);
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  loop->Dispatch(events);
  EXPECT_EQ(calls, 0);
}

TEST(EventLoop, IgnoresTheIdOfAnEarlierWatch) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  const EventLoop::WatchId old_id = MustWatch(*loop, event, [](uint32_t) {});
  loop->Unwatch(old_id);
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  loop->Unwatch(old_id);
  loop->ChangeEvents(old_id, 0);
  loop->Run(kNow);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, RunsTimersInTheOrderOfTheirDeadlines) {
  const std::unique_ptr<EventLoop> loop = Loop();
  std::vector<int> order;
  const int64_t now = NowNanos();
  loop->AddTimer(now + 3, [&] { order.push_back(3); });
  loop->AddTimer(now + 1, [&] { order.push_back(1); });
  loop->AddTimer(now + 2, [&] { order.push_back(2); });
  ASSERT_TRUE(RunUntil(*loop, [&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoop, RunsNoTimerBeforeItsDeadline) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const int64_t deadline = NowNanos() + 20 * kNanosPerMilli;
  int64_t ran_at = 0;
  loop->AddTimer(deadline, [&] { ran_at = NowNanos(); });
  ASSERT_TRUE(RunUntil(*loop, [&] { return ran_at != 0; }));
  EXPECT_GE(ran_at, deadline);
}

TEST(EventLoop, RunsATimerOnce) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  loop->AddTimer(NowNanos(), [&] { ++runs; });
  loop->Run(Late());
  loop->Run(kNow);
  EXPECT_EQ(runs, 1);
}

TEST(EventLoop, RunsATimerWhoseDeadlineIsLongPast) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  loop->AddTimer(0, [&] { ++runs; });
  loop->Run(kNow);
  EXPECT_EQ(runs, 1);
}

TEST(EventLoop, RunsNoTimerThatIsNeverDue) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  bool later = false;
  loop->AddTimer(kNever, [&] { ++runs; });
  loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { later = true; });
  ASSERT_TRUE(RunUntil(*loop, [&] { return later; }));
  loop->Run(kNow);
  EXPECT_EQ(runs, 0);
}

TEST(EventLoop, RunsNoTimerThatWasCancelled) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int cancelled_runs = 0;
  bool later = false;
  const int64_t now = NowNanos();
  const EventLoop::TimerId id = loop->AddTimer(now, [&] { ++cancelled_runs; });
  loop->AddTimer(now + kNanosPerMilli, [&] { later = true; });
  loop->CancelTimer(id);
  ASSERT_TRUE(RunUntil(*loop, [&] { return later; }));
  EXPECT_EQ(cancelled_runs, 0);
}

TEST(EventLoop, RunsNoTimerThatAnotherOneCancelsInTheSameDispatch) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int cancelled_runs = 0;
  bool first = false;
  const int64_t past = NowNanos() - kNanosPerMilli;
  const EventLoop::TimerId id = loop->AddTimer(past + 1, [&] { ++cancelled_runs; });
  loop->AddTimer(past, [&] {
    first = true;
    loop->CancelTimer(id);
  });
  loop->Run(Late());
  EXPECT_TRUE(first);
  EXPECT_EQ(cancelled_runs, 0);
}

TEST(EventLoop, LetsATimerCancelItself) {
  const std::unique_ptr<EventLoop> loop = Loop();
  EventLoop::TimerId id = 0;
  int runs = 0;
  bool other = false;
  id = loop->AddTimer(0, [&] {
    ++runs;
    loop->CancelTimer(id);
  });
  loop->AddTimer(1, [&] { other = true; });
  ASSERT_TRUE(RunUntil(*loop, [&] { return other; }));
  EXPECT_EQ(runs, 1);
}

TEST(EventLoop, LetsATimerAddTheNextOne) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  loop->AddTimer(NowNanos(), [&] { loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { ++runs; }); });
  EXPECT_TRUE(RunUntil(*loop, [&] { return runs == 1; }));
}

TEST(EventLoop, RunsALaterTimerAfterAnEarlierOneWasCancelled) {
  // The timerfd still goes off for the cancelled one, and must then be set for the other.
  const std::unique_ptr<EventLoop> loop = Loop();
  bool later = false;
  const int64_t now = NowNanos();
  const EventLoop::TimerId id = loop->AddTimer(now + kNanosPerMilli, [] {});
  loop->CancelTimer(id);
  loop->AddTimer(now + 5 * kNanosPerMilli, [&] { later = true; });
  EXPECT_TRUE(RunUntil(*loop, [&] { return later; }));
}

TEST(EventLoop, RunsAnEarlierTimerThatIsAddedAfterALaterOne) {
  const std::unique_ptr<EventLoop> loop = Loop();
  bool earlier = false;
  loop->AddTimer(kNever - 1, [] {});
  loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { earlier = true; });
  EXPECT_TRUE(RunUntil(*loop, [&] { return earlier; }));
}

TEST(EventLoop, WakesAWaitingThreadForATimerThatIsAdded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  EventLoop::Events events;
  WatchedThread waiter([&] { loop->WaitForEvents(Late(), events); });
  ASSERT_TRUE(waiter.BlocksIn(SYS_epoll_pwait2));
  bool ran = false;
  loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { ran = true; });
  waiter.Join();
  EXPECT_EQ(events.count, 1);
  loop->Dispatch(events);
  EXPECT_TRUE(ran);
}

TEST(EventLoop, WakesAWaitingThreadForADescriptorThatIsWatched) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  EventLoop::Events events;
  WatchedThread waiter([&] { loop->WaitForEvents(Late(), events); });
  ASSERT_TRUE(waiter.BlocksIn(SYS_epoll_pwait2));
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  waiter.Join();
  loop->Dispatch(events);
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, WakesAThreadThatWaitsForGood) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  WatchedThread waiter([&] { loop->Run(kNever); });
  EXPECT_TRUE(waiter.BlocksIn(SYS_epoll_pwait2));
  Set(event);
  waiter.Join();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, PollsReadableWhenADescriptorIsReady) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  MustWatch(*loop, event, [](uint32_t) {});
  EXPECT_FALSE(IsReadable(loop->fd(), 0));
  Set(event);
  EXPECT_TRUE(IsReadable(loop->fd(), 0));
}

TEST(EventLoop, PollsReadableWhenATimerIsDue) {
  const std::unique_ptr<EventLoop> loop = Loop();
  loop->AddTimer(NowNanos() + kNanosPerMilli, [] {});
  EXPECT_TRUE(IsReadable(loop->fd(), 5000));
}

TEST(EventLoop, PollsUnreadableBeforeATimerIsDueAndAfterItRan) {
  const std::unique_ptr<EventLoop> loop = Loop();
  loop->AddTimer(Late(), [] {});
  EXPECT_FALSE(IsReadable(loop->fd(), 0));
  loop->AddTimer(0, [] {});
  EXPECT_TRUE(IsReadable(loop->fd(), 0));
  loop->Run(kNow);
  EXPECT_FALSE(IsReadable(loop->fd(), 0));
}

TEST(EventLoop, ClosesItsOwnDescriptorsOnly) {
  const UniqueFd event = Ready();
  const size_t before = OpenDescriptors();
  {
    const std::unique_ptr<EventLoop> loop = Loop();
    MustWatch(*loop, event, [](uint32_t) {});
    ASSERT_GT(OpenDescriptors(), before);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_TRUE(IsOpen(event.get()));
}

TEST(EventLoop, IsCloseOnExec) {
  const std::unique_ptr<EventLoop> loop = Loop();
  EXPECT_TRUE(IsCloseOnExec(loop->fd()));
}

}  // namespace
}  // namespace forkserver
