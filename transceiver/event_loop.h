// Readiness and timers in one thread of control: the host's way of waiting.
//
//     auto loop = EventLoop::Create();
//     WatchId id = loop->Watch(fd, EPOLLIN, [&](uint32_t events) { ... });
//     TimerId late = loop->AddTimer(deadline, [&] { ... });
//     loop->Run(NowNanos() + kNanosPerSecond);     // waits at most that long, runs what is due
//
// Over io_uring, where watching, unwatching what has fired, and timers are no system calls of
// their own; or over epoll, where io_uring is refused (kernel.io_uring_disabled, a seccomp filter,
// a kernel before 5.19). Both report a descriptor as long as it is ready. A child's loop, which is
// one thread's own, is better over poll (Backend::kPoll).
//
// The loop's own descriptor, fd(), polls readable whenever Run has something to do, timers
// included: that is how it is put inside another loop. It may be readable once when there is
// nothing to do. What was watched since the last wait is seen after a Flush.
//
// Threads: Watch, Unwatch, AddTimer, CancelTimer, Flush and Dispatch take turns (the caller's
// lock); WaitForEvents alone may run beside them, and sees what they add. That lets several
// threads share a loop: one waits without the lock, and takes it to dispatch.
// Over io_uring the kernel completes a watch in the thread that handed it over, wherever that
// thread is by then: calls of its own that signal(7) says are not restarted after a stop signal
// (epoll_wait, sigtimedwait, recv with SO_RCVTIMEO) then end with EINTR, though there was no
// signal. A thread that cannot have that wants Backend::kEpoll. A thread may end; its watches go
// on.
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
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transceiver/clock.h"
#include "transceiver/event_backend.h"

namespace forkserver {

class EventLoop {
 public:
  using WatchId = uint64_t;
  using TimerId = uint64_t;
  using ReadyCallback = std::function<void(uint32_t epoll_events)>;

  // What one wait fetched.
  using Events = ReadyEvents;

  enum class Backend : uint8_t {
    kBest,  // io_uring where it is allowed, epoll where it is not
    kIoUring,
    kEpoll,
    // For one thread and few descriptors (poll_backend.h): wakes soonest. Such a loop has no fd(),
    // and a wait does not see what another thread adds. A file that cannot be polled is always
    // ready.
    kPoll,
  };

  // kBest fails only where epoll fails.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(Backend backend = Backend::kBest);

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Which one it is: never kBest.
  Backend backend() const { return backend_; }
  // Why kBest became epoll; Ok if it did not.
  const absl::Status& why_no_io_uring() const { return why_no_io_uring_; }

  int fd() const { return waiter_->fd(); }

  // Watches a descriptor, which stays the caller's and is unwatched before it is closed. A
  // descriptor can be watched once at a time (AlreadyExists). Over epoll it fails as epoll_ctl(2)
  // does (ENOSPC, EPERM for a file that cannot be polled); over io_uring and poll such a
  // file is always ready, and another fault of the descriptor is reported as EPOLLERR.
  absl::StatusOr<WatchId> Watch(int fd, uint32_t epoll_events, ReadyCallback callback);
  void ChangeEvents(WatchId id, uint32_t epoll_events);
  // An id that is not watched is ignored, as is an id of an earlier watch. The descriptor may be
  // closed right after it, and its peer sees that.
  void Unwatch(WatchId id);

  // `callback` runs once, in the first dispatch at or after `deadline` (NowNanos). One that is
  // added while timers run is for the next dispatch, which comes at once if it is due: nobody who
  // adds the next one each time keeps descriptors from their turn.
  TimerId AddTimer(int64_t deadline, std::function<void()> callback);
  void CancelTimer(TimerId id);
  // Whether a timer's time has come. No system call.
  bool HasDueTimer(int64_t now) const {
    return !timers_.empty() && DueTime(timers_.begin()) <= now;
  }

  // Waits until something is ready, or until `deadline`.
  void WaitForEvents(int64_t deadline, Events& events);
  // Runs the callbacks of what was fetched, and the timers that are due.
  void Dispatch(Events& events);
  // The two together, for a loop that one thread has to itself.
  void Run(int64_t deadline);

  // Hands to the kernel what was queued for the next wait: before something else than a wait of
  // this loop looks at fd(). Costs nothing when nothing is queued.
  void Flush() { waiter_->Flush(); }

 private:
  struct Watched {
    WatchId id = 0;  // 0: this place is free
    int fd = -1;
    // Shared, so that a callback that unwatches itself outlives its own call.
    std::shared_ptr<ReadyCallback> callback = {};
  };
  // An id is its place in watched_, and above that a number that no other has.
  static constexpr int kPlaceBits = 24;

  // By their deadlines; those of the same one as they were added.
  using Timers = std::map<std::pair<int64_t, TimerId>, std::function<void()>>;
  static int64_t DueTime(Timers::const_iterator timer) { return timer->first.first; }

  EventLoop(Backend backend, std::unique_ptr<EventBackend> waiter, absl::Status why_no_io_uring)
      : backend_(backend),
        waiter_(std::move(waiter)),
        why_no_io_uring_(std::move(why_no_io_uring)) {}

  // Null: it is not watched.
  Watched* Find(WatchId id);
  void RunTimers();
  void ArmTimer();

  const Backend backend_;
  const std::unique_ptr<EventBackend> waiter_;
  const absl::Status why_no_io_uring_;
  uint64_t next_id_ = 1;
  std::vector<Watched> watched_;
  std::vector<size_t> free_places_;
  Timers timers_;
  absl::flat_hash_map<TimerId, Timers::iterator> timers_by_id_;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_EVENT_LOOP_H_
