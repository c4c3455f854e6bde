// Something that happens once, for tasks that share memory and have no library of threads: a
// futex(2), by raw calls.
//
//     RawEvent done;                       // before who waits and who tells
//     done.Happen();                       // by the one
//     if (!done.WaitUntil(deadline)) ...   // by the others
//
// Threads: any, and those of any process that has this memory; raw tasks too (raw_task.h), which
// can Happen and Wait. Allocates nothing, leaves errno as it is.
#ifndef TRANSCEIVER_RAW_EVENT_H_
#define TRANSCEIVER_RAW_EVENT_H_

#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <time.h>

#include <atomic>

#include "transceiver/clock.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

class RawEvent {
 public:
  RawEvent() = default;
  RawEvent(const RawEvent&) = delete;
  RawEvent& operator=(const RawEvent&) = delete;

  [[gnu::always_inline]] void Happen() {
    is_ahead_.store(0, std::memory_order_release);
    RawSyscall(SYS_futex, &is_ahead_, FUTEX_WAKE, INT_MAX);
  }
  [[gnu::always_inline]] bool has_happened() const {
    return is_ahead_.load(std::memory_order_acquire) == 0;
  }

  [[gnu::always_inline]] void Wait() const {
    while (!has_happened()) RawSyscall(SYS_futex, &is_ahead_, FUTEX_WAIT, 1, nullptr);
  }
  // On the clock of NowNanos. False: it has not happened by then.
  bool WaitUntil(int64_t deadline) const {
    while (!has_happened()) {
      const int64_t left = deadline - NowNanos();
      if (left <= 0) return false;
      const timespec patience = {.tv_sec = left / kNanosPerSecond,
                                 .tv_nsec = left % kNanosPerSecond};
      RawSyscall(SYS_futex, &is_ahead_, FUTEX_WAIT, 1, &patience);
    }
    return true;
  }

  // What the kernel sets to 0, and wakes who waits, when a task leaves this memory
  // (CLONE_CHILD_CLEARTID).
  void* address() { return &is_ahead_; }

 private:
  std::atomic<uint32_t> is_ahead_ = 1;
};

}  // namespace forkserver

#endif  // TRANSCEIVER_RAW_EVENT_H_
