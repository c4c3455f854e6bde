// What an EventLoop waits with: one of the kernel's two ways, epoll_backend.h and
// io_uring_backend.h. The loop keeps callbacks and timers; a backend knows ids, descriptors and
// one deadline.
//
// Threads: as the loop's. Wait alone may run beside the others.
#ifndef TRANSCEIVER_EVENT_BACKEND_H_
#define TRANSCEIVER_EVENT_BACKEND_H_

#include <stdint.h>

#include "absl/status/status.h"

namespace forkserver {

struct ReadyEvent {
  uint64_t id;
  uint32_t events;  // EPOLLIN...; 0 when there is nothing to tell the callback
};

// What one wait fetched.
struct ReadyEvents {
  ReadyEvent list[32];
  int count = 0;
};

class EventBackend {
 public:
  // The id of an event that says: look at the timers. Watches count from 1.
  static constexpr uint64_t kTimers = 0;

  EventBackend() = default;
  EventBackend(const EventBackend&) = delete;
  EventBackend& operator=(const EventBackend&) = delete;
  virtual ~EventBackend() = default;

  virtual int fd() const = 0;

  // No id is used twice.
  virtual absl::Status Add(uint64_t id, int fd, uint32_t events) = 0;
  virtual void Change(uint64_t id, int fd, uint32_t events) = 0;
  // The kernel has let go of the descriptor's file when this returns, or is about to.
  virtual void Remove(uint64_t id, int fd) = 0;

  // kTimers is reported at `deadline`, or earlier where an earlier one was asked for.
  virtual void SetTimer(int64_t deadline) = 0;

  virtual void Wait(int64_t deadline, ReadyEvents& events) = 0;
  // Around the callbacks of what one wait fetched.
  virtual void BeginDispatch(ReadyEvents& events) = 0;
  virtual void EndDispatch(const ReadyEvents& events) = 0;

  virtual void Flush() = 0;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_EVENT_BACKEND_H_
