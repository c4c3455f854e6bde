#include "transceiver/event_loop.h"

#include <utility>

#include "absl/memory/memory.h"
#include "transceiver/epoll_backend.h"
#include "transceiver/io_uring_backend.h"
#include "transceiver/launch_path.h"
#include "transceiver/poll_backend.h"

namespace forkserver {

FORKSERVER_LAUNCH_PATH absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create(
    Backend backend) {
  if (backend == Backend::kPoll) {
    return absl::WrapUnique(
        new EventLoop(backend, std::make_unique<PollBackend>(), absl::OkStatus()));
  }
  absl::Status why_no_io_uring;
  if (backend != Backend::kEpoll) {
    absl::StatusOr<std::unique_ptr<EventBackend>> ring = IoUringBackend::Create();
    if (ring.ok()) {
      return absl::WrapUnique(new EventLoop(Backend::kIoUring, *std::move(ring), absl::OkStatus()));
    }
    if (backend == Backend::kIoUring) return ring.status();
    why_no_io_uring = ring.status();
  }
  absl::StatusOr<std::unique_ptr<EventBackend>> epoll = EpollBackend::Create();
  if (!epoll.ok()) return epoll.status();
  return absl::WrapUnique(
      new EventLoop(Backend::kEpoll, *std::move(epoll), std::move(why_no_io_uring)));
}

FORKSERVER_LAUNCH_PATH absl::StatusOr<EventLoop::WatchId> EventLoop::Watch(int fd,
                                                                           uint32_t epoll_events,
                                                                           ReadyCallback callback) {
  const size_t place = free_places_.empty() ? watched_.size() : free_places_.back();
  const WatchId id = next_id_++ << kPlaceBits | place;
  if (absl::Status added = waiter_->Add(id, fd, epoll_events); !added.ok()) return added;
  if (place == watched_.size()) {
    watched_.emplace_back();
  } else {
    free_places_.pop_back();
  }
  watched_[place] = {id, fd, std::make_shared<ReadyCallback>(std::move(callback))};
  return id;
}

FORKSERVER_LAUNCH_PATH EventLoop::Watched* EventLoop::Find(WatchId id) {
  const size_t place = id & ((size_t{1} << kPlaceBits) - 1);
  if (place >= watched_.size() || watched_[place].id != id || id == 0) return nullptr;
  return &watched_[place];
}

FORKSERVER_LAUNCH_PATH void EventLoop::ChangeEvents(WatchId id, uint32_t epoll_events) {
  if (const Watched* const found = Find(id)) waiter_->Change(id, found->fd, epoll_events);
}

void EventLoop::Unwatch(WatchId id) {
  Watched* const found = Find(id);
  if (found == nullptr) return;
  waiter_->Remove(id, found->fd);
  // Its callback may own what unwatches others when it goes.
  const std::shared_ptr<ReadyCallback> callback = std::move(found->callback);
  *found = {};
  free_places_.push_back(static_cast<size_t>(found - watched_.data()));
}

EventLoop::TimerId EventLoop::AddTimer(int64_t deadline, std::function<void()> callback) {
  const TimerId id = next_id_++;
  timers_by_id_.emplace(id, timers_.emplace(std::pair(deadline, id), std::move(callback)).first);
  ArmTimer();
  return id;
}

void EventLoop::CancelTimer(TimerId id) {
  const auto found = timers_by_id_.find(id);
  if (found == timers_by_id_.end()) return;
  timers_.erase(found->second);
  timers_by_id_.erase(found);
  // The kernel's timer stays armed: most timers are deadlines that are never reached, and an early
  // wake-up now and then is cheaper than a change of it for each of them.
}

FORKSERVER_LAUNCH_PATH void EventLoop::ArmTimer() {
  if (!timers_.empty()) waiter_->SetTimer(DueTime(timers_.begin()));
}

FORKSERVER_LAUNCH_PATH void EventLoop::RunTimers() {
  const int64_t now = NowNanos();
  const TimerId first_added = next_id_;
  auto next = timers_.begin();
  while (next != timers_.end() && DueTime(next) <= now) {
    // Added by one of the callbacks, and often for a time before those that are still to run.
    if (next->first.second >= first_added) {
      ++next;
      continue;
    }
    const auto [place, callback] = std::pair(next->first, std::move(next->second));
    timers_by_id_.erase(place.second);
    timers_.erase(next);
    callback();
    // It may have cancelled whatever came next.
    next = timers_.upper_bound(place);
  }
}

FORKSERVER_LAUNCH_PATH void EventLoop::WaitForEvents(int64_t deadline, Events& events) {
  waiter_->Wait(deadline, events);
}

FORKSERVER_LAUNCH_PATH void EventLoop::Dispatch(Events& events) {
  waiter_->BeginDispatch(events);
  for (int i = 0; i < events.count; ++i) {
    const ReadyEvent& event = events.list[i];
    if (event.id == EventBackend::kTimers) {
      RunTimers();
      ArmTimer();
      continue;
    }
    const Watched* const found = Find(event.id);
    if (found == nullptr || event.events == 0) continue;
    const std::shared_ptr<ReadyCallback> callback = found->callback;
    (*callback)(event.events);
  }
  waiter_->EndDispatch(events);
}

FORKSERVER_LAUNCH_PATH void EventLoop::Run(int64_t deadline) {
  Events events;
  WaitForEvents(deadline, events);
  Dispatch(events);
}

}  // namespace forkserver
