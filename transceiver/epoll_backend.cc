#include "transceiver/epoll_backend.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {

absl::StatusOr<std::unique_ptr<EventBackend>> EpollBackend::Create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return ErrnoStatus(errno, "epoll_create1");
  UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.is_open()) return ErrnoStatus(errno, "timerfd_create");
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = kTimers}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) != 0) {
    return ErrnoStatus(errno, "epoll_ctl EPOLL_CTL_ADD timerfd");
  }
  return absl::WrapUnique<EventBackend>(new EpollBackend(std::move(epoll), std::move(timer)));
}

absl::Status EpollBackend::Add(uint64_t id, int fd, uint32_t events) {
  epoll_event event = {.events = events, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return ErrnoStatus(errno, absl::StrFormat("epoll_ctl EPOLL_CTL_ADD descriptor %d", fd));
  }
  return absl::OkStatus();
}

void EpollBackend::Change(uint64_t id, int fd, uint32_t events) {
  epoll_event event = {.events = events, .data = {.u64 = id}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EpollBackend::Remove(uint64_t, int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EpollBackend::SetTimer(int64_t deadline) {
  if (deadline >= armed_for_) return;
  armed_for_ = deadline;
  // A time of zero would disarm it.
  const int64_t when = std::max<int64_t>(armed_for_, 1);
  const itimerspec spec = {
      .it_interval = {},
      .it_value = {.tv_sec = when / kNanosPerSecond, .tv_nsec = when % kNanosPerSecond}};
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void EpollBackend::Wait(int64_t deadline, ReadyEvents& events) {
  epoll_event list[std::size(ReadyEvents{}.list)];
  const int64_t left = std::max<int64_t>(deadline - NowNanos(), 0);
  timespec timeout = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
  int count = epoll_pwait2(epoll_.get(), list, std::size(list),
                           deadline == kNever ? nullptr : &timeout, nullptr);
  if (count < 0 && errno != EINTR) {
    // Before Linux 5.11, and behind filters that do not know the call: whole milliseconds, rounded
    // up.
    const int64_t millis = std::min<int64_t>((left + kNanosPerMilli - 1) / kNanosPerMilli, INT_MAX);
    count = epoll_wait(epoll_.get(), list, std::size(list),
                       deadline == kNever ? -1 : static_cast<int>(millis));
  }
  events.count = std::max(count, 0);  // EINTR: nothing fetched
  for (int i = 0; i < events.count; ++i) {
    events.list[i] = {.id = list[i].data.u64, .events = list[i].events};
  }
}

void EpollBackend::BeginDispatch(ReadyEvents& events) {
  for (int i = 0; i < events.count; ++i) {
    if (events.list[i].id != kTimers) continue;
    uint64_t expirations;
    if (read(timer_.get(), &expirations, sizeof(expirations)) > 0) armed_for_ = kNever;
  }
}

}  // namespace forkserver
