#include "transceiver/event_loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

// The id of the timerfd in the epoll set; watches count from 1.
constexpr uint64_t kTimerWatch = 0;

}  // namespace

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return ErrnoStatus(errno, "epoll_create1");
  UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.is_open()) return ErrnoStatus(errno, "timerfd_create");
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = kTimerWatch}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) != 0) {
    return ErrnoStatus(errno, "epoll_ctl EPOLL_CTL_ADD timerfd");
  }
  return absl::WrapUnique(new EventLoop(std::move(epoll), std::move(timer)));
}

absl::StatusOr<EventLoop::WatchId> EventLoop::Watch(int fd, uint32_t epoll_events,
                                                    ReadyCallback callback) {
  const WatchId id = next_id_++;
  epoll_event event = {.events = epoll_events, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("epoll_ctl EPOLL_CTL_ADD descriptor %d", fd));
  }
  watched_.emplace(id, Watched{fd, std::make_shared<ReadyCallback>(std::move(callback))});
  return id;
}

void EventLoop::ChangeEvents(WatchId id, uint32_t epoll_events) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  epoll_event event = {.events = epoll_events, .data = {.u64 = id}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, found->second.fd, &event);
}

void EventLoop::Unwatch(WatchId id) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd, nullptr);
  watched_.erase(found);
}

EventLoop::TimerId EventLoop::AddTimer(int64_t deadline, std::function<void()> callback) {
  const TimerId id = next_id_++;
  timers_by_id_.emplace(id, timers_.emplace(deadline, std::pair(id, std::move(callback))));
  ArmTimer();
  return id;
}

void EventLoop::CancelTimer(TimerId id) {
  const auto found = timers_by_id_.find(id);
  if (found == timers_by_id_.end()) return;
  timers_.erase(found->second);
  timers_by_id_.erase(found);
  // The timerfd stays armed: most timers are deadlines that are never reached, and an early
  // wake-up now and then is cheaper than a system call for each of them.
}

void EventLoop::ArmTimer() {
  if (timers_.empty() || timers_.begin()->first >= armed_for_) return;
  armed_for_ = timers_.begin()->first;
  // A time of zero would disarm it.
  const int64_t when = std::max<int64_t>(armed_for_, 1);
  const itimerspec spec = {
      .it_interval = {},
      .it_value = {.tv_sec = when / kNanosPerSecond, .tv_nsec = when % kNanosPerSecond}};
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void EventLoop::RunTimers() {
  const int64_t now = NowNanos();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto [id, callback] = std::move(timers_.begin()->second);
    timers_by_id_.erase(id);
    timers_.erase(timers_.begin());
    callback();
  }
}

void EventLoop::WaitForEvents(int64_t deadline, Events& events) {
  const int64_t left = std::max<int64_t>(deadline - NowNanos(), 0);
  timespec timeout = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
  const int count = epoll_pwait2(epoll_.get(), events.list, std::size(events.list),
                                 deadline == kNever ? nullptr : &timeout, nullptr);
  events.count = std::max(count, 0);  // EINTR: nothing fetched
}

void EventLoop::Dispatch(const Events& events) {
  for (int i = 0; i < events.count; ++i) {
    const epoll_event& event = events.list[i];
    if (event.data.u64 == kTimerWatch) {
      uint64_t expirations;
      if (read(timer_.get(), &expirations, sizeof(expirations)) > 0) armed_for_ = kNever;
      RunTimers();
      ArmTimer();
      continue;
    }
    const auto found = watched_.find(event.data.u64);
    if (found == watched_.end()) continue;
    const std::shared_ptr<ReadyCallback> callback = found->second.callback;
    (*callback)(event.events);
  }
}

void EventLoop::Run(int64_t deadline) {
  Events events;
  WaitForEvents(deadline, events);
  Dispatch(events);
}

}  // namespace forkserver
