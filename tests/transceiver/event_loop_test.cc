#include "transceiver/event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/transceiver/each_backend.h"
#include "tests/transceiver/open_descriptors.h"
#include "tests/transceiver/watched_thread.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

// For a Run that only looks whether something is ready.
constexpr int64_t kNow = 0;

// Far enough that only a failing test gets there.
int64_t Late() { return NowNanos() + 5 * kNanosPerSecond; }

class EventLoops : public EachBackend {
 protected:
  static std::unique_ptr<EventLoop> Loop() {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(GetParam());
    EXPECT_TRUE(loop.ok()) << loop.status();
    return *std::move(loop);
  }
};

INSTANTIATE_TEST_SUITE_P(Over, EventLoops, kEachBackend, BackendName);

// Those that other threads and other loops may look into.
class SharedEventLoops : public EventLoops {};

INSTANTIATE_TEST_SUITE_P(Over, SharedEventLoops, kEachSharedBackend, BackendName);

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

// As an embedder looks at it, after the Flush that it is promised.
bool IsReadable(EventLoop& loop, int timeout_ms) {
  loop.Flush();
  pollfd state = {.fd = loop.fd(), .events = POLLIN, .revents = 0};
  return poll(&state, 1, timeout_ms) == 1;
}

TEST_P(EventLoops, CallsTheCallbackOfAReadyDescriptorWithItsEvents) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  uint32_t events = 0;
  MustWatch(*loop, event, [&](uint32_t what) { events = what; });
  loop->Run(Late());
  EXPECT_EQ(events, uint32_t{EPOLLIN});
}

TEST_P(EventLoops, DoesNotCallTheCallbackOfADescriptorThatIsNotReady) {
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

TEST_P(EventLoops, CallsACallbackAgainAsLongAsItsDescriptorIsReady) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  for (int i = 0; i < 3; ++i) loop->Run(kNow);
  EXPECT_EQ(calls, 3);
}

TEST_P(EventLoops, ServesMoreDescriptorsThanOneWaitFetches) {
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

TEST_P(EventLoops, ReturnsAtTheDeadlineAndNotBefore) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const int64_t deadline = NowNanos() + 20 * kNanosPerMilli;
  // In a thread of its own: the kernel takes io_uring's rings of earlier tests down late, and
  // interrupts the threads that used them.
  WatchedThread waiter([&] { loop->Run(deadline); });
  waiter.Join();
  EXPECT_GE(NowNanos(), deadline);
}

TEST_P(EventLoops, WatchesNoDescriptorTwiceAtATime) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  MustWatch(*loop, event, [](uint32_t) {});
  EXPECT_EQ(loop->Watch(event.get(), EPOLLIN, [](uint32_t) {}).status().code(),
            absl::StatusCode::kAlreadyExists);
}

UniqueFd RegularFile() { return UniqueFd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)); }

TEST(EventLoopOverEpoll, NamesTheReasonWhenAFileCannotBePolled) {
  const std::unique_ptr<EventLoop> loop = *EventLoop::Create(EventLoop::Backend::kEpoll);
  const UniqueFd file = RegularFile();
  const absl::Status status = loop->Watch(file.get(), EPOLLIN, [](uint32_t) {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(status.message().find("EPERM"), std::string::npos) << status;
}

TEST_P(EventLoops, WaitsForTheEventsThatItWasChangedTo) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  uint32_t events = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t what) { events = what; });
  loop->ChangeEvents(id, EPOLLOUT);
  loop->Run(kNow);
  EXPECT_EQ(events, uint32_t{EPOLLOUT});
}

TEST_P(EventLoops, DoesNotCallACallbackAfterUnwatch) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  int calls = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  loop->Run(kNow);
  loop->Unwatch(id);
  loop->Run(kNow);
  EXPECT_EQ(calls, 1);
}

TEST_P(EventLoops, LetsACallbackUnwatchItself) {
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

TEST_P(EventLoops, KeepsACallbackThatUnwatchedItselfUntilItReturns) {
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

TEST_P(EventLoops, LetsACallbackWatchAnotherDescriptor) {
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

TEST_P(EventLoops, DoesNotCallADescriptorThatWasUnwatchedAfterItsEventWasFetched) {
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

TEST_P(EventLoops, GivesAFetchedEventToNoLaterWatchOfTheSameDescriptor) {
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

TEST_P(EventLoops, IgnoresTheIdOfAnEarlierWatch) {
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

TEST_P(EventLoops, RunsTimersInTheOrderOfTheirDeadlines) {
  const std::unique_ptr<EventLoop> loop = Loop();
  std::vector<int> order;
  const int64_t now = NowNanos();
  loop->AddTimer(now + 3, [&] { order.push_back(3); });
  loop->AddTimer(now + 1, [&] { order.push_back(1); });
  loop->AddTimer(now + 2, [&] { order.push_back(2); });
  ASSERT_TRUE(RunUntil(*loop, [&] { return order.size() == 3; }));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_P(EventLoops, RunsNoTimerBeforeItsDeadline) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const int64_t deadline = NowNanos() + 20 * kNanosPerMilli;
  int64_t ran_at = 0;
  loop->AddTimer(deadline, [&] { ran_at = NowNanos(); });
  ASSERT_TRUE(RunUntil(*loop, [&] { return ran_at != 0; }));
  EXPECT_GE(ran_at, deadline);
}

TEST_P(EventLoops, RunsATimerOnce) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  loop->AddTimer(NowNanos(), [&] { ++runs; });
  loop->Run(Late());
  loop->Run(kNow);
  EXPECT_EQ(runs, 1);
}

TEST_P(EventLoops, RunsATimerWhoseDeadlineIsLongPast) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  loop->AddTimer(0, [&] { ++runs; });
  loop->Run(kNow);
  EXPECT_EQ(runs, 1);
}

TEST_P(EventLoops, RunsNoTimerThatIsNeverDue) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  bool later = false;
  loop->AddTimer(kNever, [&] { ++runs; });
  loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { later = true; });
  ASSERT_TRUE(RunUntil(*loop, [&] { return later; }));
  loop->Run(kNow);
  EXPECT_EQ(runs, 0);
}

TEST_P(EventLoops, RunsNoTimerThatWasCancelled) {
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

TEST_P(EventLoops, RunsNoTimerThatAnotherOneCancelsInTheSameDispatch) {
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

TEST_P(EventLoops, LetsATimerCancelItself) {
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

TEST_P(EventLoops, LetsATimerAddTheNextOne) {
  const std::unique_ptr<EventLoop> loop = Loop();
  int runs = 0;
  loop->AddTimer(NowNanos(), [&] { loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { ++runs; }); });
  EXPECT_TRUE(RunUntil(*loop, [&] { return runs == 1; }));
}

TEST_P(EventLoops, RunsALaterTimerAfterAnEarlierOneWasCancelled) {
  // The timerfd still goes off for the cancelled one, and must then be set for the other.
  const std::unique_ptr<EventLoop> loop = Loop();
  bool later = false;
  const int64_t now = NowNanos();
  const EventLoop::TimerId id = loop->AddTimer(now + kNanosPerMilli, [] {});
  loop->CancelTimer(id);
  loop->AddTimer(now + 5 * kNanosPerMilli, [&] { later = true; });
  EXPECT_TRUE(RunUntil(*loop, [&] { return later; }));
}

TEST_P(EventLoops, RunsAnEarlierTimerThatIsAddedAfterALaterOne) {
  const std::unique_ptr<EventLoop> loop = Loop();
  bool earlier = false;
  loop->AddTimer(kNever - 1, [] {});
  loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { earlier = true; });
  EXPECT_TRUE(RunUntil(*loop, [&] { return earlier; }));
}

TEST_P(SharedEventLoops, WakesAWaitingThreadForATimerThatIsAdded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  EventLoop::Events events;
  WatchedThread waiter([&] { loop->WaitForEvents(Late(), events); });
  ASSERT_TRUE(waiter.BlocksIn(WaitSystemCall()));
  bool ran = false;
  loop->AddTimer(NowNanos() + kNanosPerMilli, [&] { ran = true; });
  waiter.Join();
  EXPECT_EQ(events.count, 1);
  loop->Dispatch(events);
  EXPECT_TRUE(ran);
}

TEST_P(SharedEventLoops, WakesAWaitingThreadForADescriptorThatIsWatched) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  EventLoop::Events events;
  WatchedThread waiter([&] { loop->WaitForEvents(Late(), events); });
  ASSERT_TRUE(waiter.BlocksIn(WaitSystemCall()));
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  waiter.Join();
  loop->Dispatch(events);
  EXPECT_EQ(calls, 1);
}

TEST_P(EventLoops, WakesAThreadThatWaitsForGood) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  WatchedThread waiter([&] { loop->Run(kNever); });
  EXPECT_TRUE(waiter.BlocksIn(WaitSystemCall()));
  Set(event);
  waiter.Join();
  EXPECT_EQ(calls, 1);
}

TEST_P(SharedEventLoops, PollsReadableWhenADescriptorIsReady) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  MustWatch(*loop, event, [](uint32_t) {});
  EXPECT_FALSE(IsReadable(*loop, 0));
  Set(event);
  EXPECT_TRUE(IsReadable(*loop, 0));
}

TEST_P(SharedEventLoops, PollsReadableWhenATimerIsDue) {
  const std::unique_ptr<EventLoop> loop = Loop();
  loop->AddTimer(NowNanos() + kNanosPerMilli, [] {});
  EXPECT_TRUE(IsReadable(*loop, 5000));
}

TEST_P(SharedEventLoops, PollsUnreadableBeforeATimerIsDueAndAfterItRan) {
  const std::unique_ptr<EventLoop> loop = Loop();
  loop->AddTimer(Late(), [] {});
  EXPECT_FALSE(IsReadable(*loop, 0));
  loop->AddTimer(0, [] {});
  EXPECT_TRUE(IsReadable(*loop, 0));
  loop->Run(kNow);
  EXPECT_FALSE(IsReadable(*loop, 0));
}

TEST_P(SharedEventLoops, ClosesItsOwnDescriptorsOnly) {
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

TEST_P(EventLoops, IsCloseOnExec) {
  const std::unique_ptr<EventLoop> loop = Loop();
  EXPECT_TRUE(IsCloseOnExec(loop->fd()));
}

// A pair of sockets, and what the far end sees of the near one.
struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }
  bool FarSeesTheHangUp(int timeout_ms) const {
    pollfd state = {.fd = far.get(), .events = POLLIN, .revents = 0};
    return poll(&state, 1, timeout_ms) == 1 && (state.revents & POLLHUP) != 0;
  }
  UniqueFd near;
  UniqueFd far;
};

// io_uring's polls hold the file: without a cancellation the far end would see nothing.
TEST_P(EventLoops, LetsThePeerSeeTheHangUpOfASocketThatWasUnwatchedAndClosed) {
  const std::unique_ptr<EventLoop> loop = Loop();
  Pair pair;
  const EventLoop::WatchId id = MustWatch(*loop, pair.near, [](uint32_t) {});
  loop->Run(kNow);
  loop->Unwatch(id);
  pair.near.reset();
  EXPECT_TRUE(pair.FarSeesTheHangUp(0));
}

TEST_P(EventLoops, LetsThePeerSeeTheHangUpOfASocketThatWasNeverWaitedFor) {
  const std::unique_ptr<EventLoop> loop = Loop();
  Pair pair;
  const EventLoop::WatchId id = MustWatch(*loop, pair.near, [](uint32_t) {});
  loop->Unwatch(id);
  pair.near.reset();
  EXPECT_TRUE(pair.FarSeesTheHangUp(0));
}

TEST_P(EventLoops, LetsThePeerSeeTheHangUpOfASocketThatItsCallbackUnwatchedAndClosed) {
  const std::unique_ptr<EventLoop> loop = Loop();
  Pair pair;
  EventLoop::WatchId id = 0;
  id = MustWatch(*loop, pair.near, [&](uint32_t) {
    loop->Unwatch(id);
    pair.near.reset();
  });
  ASSERT_EQ(send(pair.far.get(), "x", 1, 0), 1);
  loop->Run(Late());
  EXPECT_TRUE(pair.FarSeesTheHangUp(0));
}

TEST_P(EventLoops, LetsThePeerSeeTheHangUpAfterTheLoopWasDestroyed) {
  std::unique_ptr<EventLoop> loop = Loop();
  Pair pair;
  MustWatch(*loop, pair.near, [](uint32_t) {});
  loop->Run(kNow);
  loop.reset();
  pair.near.reset();
  EXPECT_TRUE(pair.FarSeesTheHangUp(0));
}

// Over io_uring the file is let go in the thread that handed the watch over.
TEST_P(EventLoops, LetsThePeerSeeTheHangUpOfWhatAnotherThreadWatched) {
  const std::unique_ptr<EventLoop> loop = Loop();
  Pair pair;
  const UniqueFd end = NotReady();
  EventLoop::WatchId id = 0;
  std::promise<void> watched;
  WatchedThread other([&] {
    id = MustWatch(*loop, pair.near, [](uint32_t) {});
    loop->Flush();
    watched.set_value();
    pollfd state = {.fd = end.get(), .events = POLLIN, .revents = 0};
    poll(&state, 1, -1);
  });
  watched.get_future().wait();
  loop->Unwatch(id);
  pair.near.reset();
  EXPECT_TRUE(pair.FarSeesTheHangUp(5000));
  Set(end);
}

TEST_P(EventLoops, GoesOnWatchingForAThreadThatHasEnded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  WatchedThread([&] {
    MustWatch(*loop, event, [&](uint32_t) { ++calls; });
    loop->Flush();
  }).Join();
  Set(event);
  EXPECT_TRUE(RunUntil(*loop, [&] { return calls == 1; }));
}

TEST_P(EventLoops, SeesWhatBecomesReadyWhileItWaitsForAThreadThatHasEnded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  WatchedThread([&] {
    MustWatch(*loop, event, [&](uint32_t) { ++calls; });
    loop->Flush();
  }).Join();
  bool seen = false;
  WatchedThread waiter([&] { seen = RunUntil(*loop, [&] { return calls > 0; }); });
  ASSERT_TRUE(waiter.BlocksIn(WaitSystemCall()));
  Set(event);
  waiter.Join();
  EXPECT_TRUE(seen);
}

TEST_P(EventLoops, GoesOnWatchingWhenTheThreadThatWaitedHasEnded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  WatchedThread([&] { loop->Run(NowNanos() + kNanosPerMilli); }).Join();
  Set(event);
  EXPECT_TRUE(RunUntil(*loop, [&] { return calls == 1; }));
}

TEST_P(EventLoops, ChangesTheEventsOfAWatchWhoseThreadHasEnded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  uint32_t events = 0;
  EventLoop::WatchId id = 0;
  WatchedThread([&] {
    id = MustWatch(*loop, event, [&](uint32_t what) { events = what; });
    loop->Flush();
  }).Join();
  loop->ChangeEvents(id, EPOLLOUT);
  EXPECT_TRUE(RunUntil(*loop, [&] { return events == EPOLLOUT; }));
}

TEST_P(EventLoops, RunsTheTimerOfAThreadThatHasEnded) {
  const std::unique_ptr<EventLoop> loop = Loop();
  bool ran = false;
  WatchedThread([&] {
    loop->AddTimer(NowNanos() + 5 * kNanosPerMilli, [&] { ran = true; });
    loop->Flush();
  }).Join();
  EXPECT_TRUE(RunUntil(*loop, [&] { return ran; }));
}

TEST_P(EventLoops, ChangesTheEventsOfAnArmedWatch) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = Ready();
  uint32_t events = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t what) { events = what; });
  loop->ChangeEvents(id, EPOLLRDHUP);
  loop->Run(kNow);
  EXPECT_EQ(events, 0u);
  loop->ChangeEvents(id, EPOLLIN | EPOLLOUT);
  loop->Run(Late());
  EXPECT_EQ(events, uint32_t{EPOLLIN | EPOLLOUT});
}

// The event was there before the change, and is none that is asked for any more.
TEST_P(EventLoops, DoesNotCallForEventsThatAreNoLongerAskedFor) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  int calls = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t) { ++calls; });
  loop->Run(kNow);
  Set(event);
  loop->ChangeEvents(id, EPOLLRDHUP);
  for (int i = 0; i < 3; ++i) loop->Run(kNow);
  EXPECT_EQ(calls, 0);
  loop->ChangeEvents(id, EPOLLIN);
  loop->Run(Late());
  EXPECT_EQ(calls, 1);
}

TEST_P(SharedEventLoops, WakesAWaitingThreadForEventsThatWereChanged) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  uint32_t events = 0;
  const EventLoop::WatchId id = MustWatch(*loop, event, [&](uint32_t what) { events = what; });
  EventLoop::Events fetched;
  WatchedThread waiter([&] { loop->WaitForEvents(Late(), fetched); });
  ASSERT_TRUE(waiter.BlocksIn(WaitSystemCall()));
  loop->ChangeEvents(id, EPOLLOUT);
  waiter.Join();
  loop->Dispatch(fetched);
  EXPECT_EQ(events, uint32_t{EPOLLOUT});
}

TEST_P(EventLoops, ReportsAHangUpThatNobodyAskedFor) {
  const std::unique_ptr<EventLoop> loop = Loop();
  Pair pair;
  uint32_t events = 0;
  const EventLoop::WatchId id = MustWatch(*loop, pair.near, [&](uint32_t what) { events = what; });
  loop->ChangeEvents(id, 0);
  loop->Run(kNow);
  pair.far.reset();
  loop->Run(Late());
  EXPECT_EQ(events, uint32_t{EPOLLHUP});
}

// Returns after so many descriptors can be open, or skips.
#define WANT_DESCRIPTORS(count)                                                                \
  do {                                                                                         \
    rlimit limit;                                                                              \
    getrlimit(RLIMIT_NOFILE, &limit);                                                          \
    if (limit.rlim_max < (count)) GTEST_SKIP() << "no room for " << (count) << " descriptors"; \
    limit.rlim_cur = limit.rlim_max;                                                           \
    setrlimit(RLIMIT_NOFILE, &limit);                                                          \
  } while (false)

TEST_P(EventLoops, WatchesThousandsOfSocketsThatAllBecomeReady) {
  constexpr size_t kCount = 2000;
  WANT_DESCRIPTORS(2 * kCount + 100);
  const std::unique_ptr<EventLoop> loop = Loop();
  std::vector<Pair> pairs(kCount);
  std::vector<int> calls(kCount, 0);
  std::vector<EventLoop::WatchId> ids(kCount);
  size_t called = 0;
  for (size_t i = 0; i < kCount; ++i) {
    ids[i] = MustWatch(*loop, pairs[i].near, [&, i](uint32_t) {
      ++calls[i];
      ++called;
      loop->Unwatch(ids[i]);
    });
  }
  loop->Run(kNow);
  ASSERT_EQ(called, 0u);
  for (const Pair& pair : pairs) ASSERT_EQ(send(pair.far.get(), "x", 1, 0), 1);
  ASSERT_TRUE(RunUntil(*loop, [&] { return called >= kCount; }));
  loop->Run(kNow);
  EXPECT_EQ(calls, std::vector<int>(kCount, 1));
}

// More than io_uring's completion queue holds.
TEST_P(EventLoops, LosesNoEventOfMoreDescriptorsThanTheKernelsQueueHolds) {
  constexpr size_t kCount = 6000;
  WANT_DESCRIPTORS(kCount + 100);
  const std::unique_ptr<EventLoop> loop = Loop();
  std::vector<UniqueFd> events;
  std::vector<int> calls(kCount, 0);
  size_t called = 0;
  for (size_t i = 0; i < kCount; ++i) {
    events.push_back(Ready());
    MustWatch(*loop, events[i], [&, i](uint32_t) {
      ++calls[i];
      ++called;
      eventfd_t value;
      eventfd_read(events[i].get(), &value);
    });
  }
  loop->Flush();
  ASSERT_TRUE(RunUntil(*loop, [&] { return called >= kCount; }));
  for (int i = 0; i < 3; ++i) loop->Run(kNow);
  EXPECT_EQ(calls, std::vector<int>(kCount, 1));
}

// Threads that watch and unwatch under a lock, beside one that waits without it.
TEST_P(SharedEventLoops, SharesItselfAmongThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 300;
  const std::unique_ptr<EventLoop> loop = Loop();
  std::mutex mutex;
  std::atomic<int> left = kThreads;
  std::atomic<int> calls = 0;
  WatchedThread driver([&] {
    while (left > 0) {
      EventLoop::Events events;
      loop->WaitForEvents(Late(), events);
      const std::lock_guard lock(mutex);
      loop->Dispatch(events);
    }
  });
  std::vector<std::thread> threads;
  std::vector<UniqueFd> events;
  for (int t = 0; t < kThreads; ++t) events.push_back(NotReady());
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const UniqueFd& event = events[t];
      for (int i = 0; i < kRounds; ++i) {
        std::promise<void> called;
        EventLoop::WatchId id = 0;
        {
          const std::lock_guard lock(mutex);
          id = MustWatch(*loop, event, [&](uint32_t) {
            loop->Unwatch(id);
            ++calls;
            called.set_value();
          });
        }
        Set(event);
        ASSERT_EQ(called.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
        eventfd_t value;
        eventfd_read(event.get(), &value);
        // The callback has returned.
        const std::lock_guard lock(mutex);
      }
      const std::lock_guard lock(mutex);
      if (--left == 0) loop->AddTimer(NowNanos(), [] {});
    });
  }
  for (std::thread& thread : threads) thread.join();
  driver.Join();
  EXPECT_EQ(calls, kThreads * kRounds);
}

// One that watches the descriptor of another, as an embedder's loop does.
TEST_P(EventLoops, WatchesAnotherLoop) {
  const std::unique_ptr<EventLoop> outer = Loop();
  for (const auto backend : {EventLoop::Backend::kBest, EventLoop::Backend::kEpoll}) {
    const std::unique_ptr<EventLoop> inner = *EventLoop::Create(backend);
    const UniqueFd event = NotReady();
    int calls = 0;
    MustWatch(*inner, event, [&](uint32_t) {
      ++calls;
      eventfd_t value;
      eventfd_read(event.get(), &value);
    });
    inner->Flush();
    const absl::StatusOr<EventLoop::WatchId> id = outer->Watch(inner->fd(), EPOLLIN, [&](uint32_t) {
      inner->Run(kNow);
      inner->Flush();
    });
    ASSERT_TRUE(id.ok());
    for (int round = 1; round <= 3; ++round) {
      Set(event);
      ASSERT_TRUE(RunUntil(*outer, [&] { return calls >= round; }));
    }
    EXPECT_EQ(calls, 3);
    outer->Unwatch(*id);
  }
}

TEST(EventLoopOverIoUring, FindsAFileThatCannotBePolledReady) {
  absl::StatusOr<std::unique_ptr<EventLoop>> made = EventLoop::Create(EventLoop::Backend::kIoUring);
  if (!made.ok()) GTEST_SKIP() << made.status();
  const UniqueFd file = RegularFile();
  uint32_t events = 0;
  MustWatch(**made, file, [&](uint32_t what) { events = what; });
  (*made)->Run(Late());
  EXPECT_EQ(events, uint32_t{EPOLLIN});
}

// Over io_uring it is for the thread that watched to complete the watch.
TEST_P(EventLoops, SeesAnEventAlsoWhileTheThreadThatWatchedComputes) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  std::atomic<bool> seen = false;
  std::atomic<bool> seen_while_busy = false;
  std::promise<void> watched;
  WatchedThread busy([&] {
    MustWatch(*loop, event, [&](uint32_t) { seen = true; });
    loop->Flush();
    watched.set_value();
    const int64_t deadline = Late();
    while (!seen && NowNanos() < deadline) {
    }
    // The end of this thread would complete the watch as well.
    seen_while_busy = seen.load();
  });
  watched.get_future().wait();
  WatchedThread waiter([&] { RunUntil(*loop, [&] { return seen.load(); }); });
  ASSERT_TRUE(waiter.BlocksIn(WaitSystemCall()));
  Set(event);
  waiter.Join();
  busy.Join();
  EXPECT_TRUE(seen_while_busy);
}

// As an embedder's loop waits. Over io_uring its wait may end with EINTR, without any signal.
TEST_P(SharedEventLoops, IsReadableForAnEpollOfTheThreadThatWatched) {
  const std::unique_ptr<EventLoop> loop = Loop();
  const UniqueFd event = NotReady();
  MustWatch(*loop, event, [](uint32_t) {});
  loop->Flush();
  const UniqueFd outer(epoll_create1(EPOLL_CLOEXEC));
  epoll_event wanted = {.events = EPOLLIN, .data = {}};
  ASSERT_EQ(epoll_ctl(outer.get(), EPOLL_CTL_ADD, loop->fd(), &wanted), 0);
  const pid_t self = gettid();
  std::thread setter([&] {
    // When the other one sleeps.
    for (long call = -1; call != SYS_epoll_wait;) {
      std::ifstream("/proc/self/task/" + std::to_string(self) + "/syscall") >> call;
    }
    Set(event);
  });
  int count = 0;
  do {
    count = epoll_wait(outer.get(), &wanted, 1, 5000);
  } while (count < 0 && errno == EINTR);
  EXPECT_EQ(count, 1);
  setter.join();
}

// The mapping of a ring is not for a child to find.
TEST(EventLoopOverIoUring, KeepsItsRingFromForkedChildren) {
  absl::StatusOr<std::unique_ptr<EventLoop>> made = EventLoop::Create(EventLoop::Backend::kIoUring);
  if (!made.ok()) GTEST_SKIP() << made.status();
  int rings = 0;
  bool in_ring = false;
  std::ifstream maps("/proc/self/smaps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("anon_inode:[io_uring]") != line.npos) {
      in_ring = true;
      ++rings;
    } else if (in_ring && line.starts_with("VmFlags:")) {
      in_ring = false;
      EXPECT_NE(line.find(" dc"), line.npos) << line;
    }
  }
  EXPECT_GT(rings, 0);
}

// A kernel without memory to take what is queued: it is kept, in its order. The first
// few hundred are not ready, so that no event has the loop come round to the rest.
TEST(EventLoopOverIoUring, HandsOverLaterWhatTheKernelHadNoMemoryFor) {
  absl::StatusOr<std::unique_ptr<EventLoop>> made = EventLoop::Create(EventLoop::Backend::kIoUring);
  if (!made.ok()) GTEST_SKIP() << made.status();
  const std::unique_ptr<EventLoop> loop = *std::move(made);
  constexpr size_t kCount = 1000;
  WANT_DESCRIPTORS(kCount + 100);
  std::vector<UniqueFd> events;
  for (size_t i = 0; i < kCount; ++i) events.push_back(i < kCount / 2 ? NotReady() : Ready());
  std::vector<EventLoop::WatchId> ids(kCount);
  std::vector<int> calls(kCount, 0);
  size_t called = 0;
  WatchedThread starved([&] {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAGAIN), SCMP_SYS(io_uring_enter), 0);
    ASSERT_EQ(seccomp_load(filter), 0);
    seccomp_release(filter);
    for (size_t i = 0; i < kCount; ++i) {
      ids[i] = MustWatch(*loop, events[i], [&, i](uint32_t) {
        ++calls[i];
        ++called;
        loop->Unwatch(ids[i]);
      });
    }
    loop->Unwatch(ids.back());
  });
  starved.Join();
  ASSERT_TRUE(RunUntil(*loop, [&] { return called == kCount / 2 - 1; }));
  for (size_t i = 0; i < kCount / 2; ++i) Set(events[i]);
  ASSERT_TRUE(RunUntil(*loop, [&] { return called == kCount - 1; }));
  loop->Run(kNow);
  calls.back() += 1;  // unwatched before it could be called
  EXPECT_EQ(calls, std::vector<int>(kCount, 1));
}

TEST(EventLoop, SaysWhichBackendItIs) {
  for (const auto backend : {EventLoop::Backend::kIoUring, EventLoop::Backend::kEpoll}) {
    const absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(backend);
    if (loop.ok()) {
      EXPECT_EQ((*loop)->backend(), backend);
    }
  }
  const std::unique_ptr<EventLoop> best = *EventLoop::Create();
  EXPECT_NE(best->backend(), EventLoop::Backend::kBest);
  EXPECT_EQ(best->backend() == EventLoop::Backend::kIoUring, best->why_no_io_uring().ok());
}

}  // namespace
}  // namespace forkserver
