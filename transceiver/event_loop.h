// Readiness and timers in one thread of control: the host's way of waiting. Over epoll.
//
//     auto loop = EventLoop::Create();
//     WatchId id = loop->Watch(fd, EPOLLIN, [&](uint32_t events) { ... });
//     TimerId late = loop->AddTimer(deadline, [&] { ... });
//     loop->Run(NowNanos() + kNanosPerSecond);     // waits at most that long, runs what is due
//
// The loop's own descriptor, fd(), polls readable whenever Run has something to do, timers
// included: that is how it is put inside another loop.
//
// Threads: Watch, Unwatch, AddTimer, CancelTimer and Dispatch take turns (the caller's lock);
// WaitForEvents alone may run beside them, and sees what they add. That lets several threads
// share a loop: one waits without the lock, and takes it to dispatch.
// A callback may watch, unwatch and cancel anything, itself included; after Unwatch returns, the
// callback is not called again, also not for an event that was already fetched.
// After a fork: not usable in the child.
#ifndef TRANSCEIVER_EVENT_LOOP_H_
#define TRANSCEIVER_EVENT_LOOP_H_

#include <stdint.h>
#include <sys/epoll.h>

#include <functional>
#include <map>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "transceiver/clock.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class EventLoop {
 public:
  using WatchId = uint64_t;
  using TimerId = uint64_t;
  using ReadyCallback = std::function<void(uint32_t epoll_events)>;

  // What one wait fetched.
  struct Events {
    epoll_event list[32];
    int count = 0;
  };

  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  int fd() const { return epoll_.get(); }

  // Watches a descriptor, which stays the caller's and is unwatched before it is closed. A
  // descriptor can be watched once at a time. Fails as epoll_ctl(2) does (ENOSPC, EPERM for a
  // file that cannot be polled).
  absl::StatusOr<WatchId> Watch(int fd, uint32_t epoll_events, ReadyCallback callback);
  void ChangeEvents(WatchId id, uint32_t epoll_events);
  // An id that is not watched is ignored, as is an id of an earlier watch.
  void Unwatch(WatchId id);

  // `callback` runs once, in the first dispatch at or after `deadline` (NowNanos).
  TimerId AddTimer(int64_t deadline, std::function<void()> callback);
  void CancelTimer(TimerId id);

  // Waits until something is ready, or until `deadline`.
  void WaitForEvents(int64_t deadline, Events& events);
  // Runs the callbacks of what was fetched, and the timers that are due.
  void Dispatch(const Events& events);
  // The two together, for a loop that one thread has to itself.
  void Run(int64_t deadline);

 private:
  struct Watched {
    int fd;
    // Shared, so that a callback that unwatches itself outlives its own call.
    std::shared_ptr<ReadyCallback> callback;
  };

  EventLoop(UniqueFd epoll, UniqueFd timer) : epoll_(std::move(epoll)), timer_(std::move(timer)) {}

  void RunTimers();
  void ArmTimer();

  UniqueFd epoll_;
  // A timerfd in the epoll set, rather than a timeout of epoll_wait: a timer that is added while
  // another thread waits must wake it, and fd() must become readable when a timer is due.
  UniqueFd timer_;
  int64_t armed_for_ = kNever;
  uint64_t next_id_ = 1;
  absl::flat_hash_map<WatchId, Watched> watched_;
  std::multimap<int64_t, std::pair<TimerId, std::function<void()>>> timers_;
  absl::flat_hash_map<TimerId, decltype(timers_)::iterator> timers_by_id_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_EVENT_LOOP_H_
