#include "forkserver/host/loop_driver.h"

#include <algorithm>
#include <chrono>

#include "transceiver/clock.h"

namespace forkserver {
namespace {

constexpr int64_t kLongestRest = 20 * kNanosPerMilli;

}  // namespace

void LoopDriver::RunUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done,
                          int64_t deadline) {
  while (!done() && NowNanos() < deadline) TakeTurn(lock, deadline);
  HandOver();
}

void LoopDriver::RunOnce(std::unique_lock<std::mutex>& lock, int64_t deadline) {
  TakeTurn(lock, deadline);
  HandOver();
}

void LoopDriver::TakeTurn(std::unique_lock<std::mutex>& lock, int64_t deadline) {
  // What ended without an event, such as a launch that could not even begin.
  if (RunCallbacks(lock)) return;
  if (driven_) {
    ++waiting_;
    if (deadline == kNever) {
      turn_.wait(lock);
    } else {
      turn_.wait_for(lock, std::chrono::nanoseconds(std::max<int64_t>(deadline - NowNanos(), 0)));
    }
    --waiting_;
    return;
  }
  driven_ = true;
  EventLoop::Events events;
  lock.unlock();
  loop_.WaitForEvents(deadline, events);
  lock.lock();
  loop_.Dispatch(events);
  driven_ = false;
  last_turn_ = NowNanos();
  // Each of the others looks whether its own wait is over; one of them drives on.
  if (waiting_ > 0) turn_.notify_all();
  RunCallbacks(lock);
}

void LoopDriver::TakeTurnIfOverdue(std::unique_lock<std::mutex>& lock) {
  if (driven_) return;
  const int64_t now = NowNanos();
  if (loop_.HasDueTimer(now) || now >= last_turn_ + kLongestRest) RunOnce(lock, now);
}

bool LoopDriver::RunCallbacks(std::unique_lock<std::mutex>& lock) {
  const Callbacks callbacks = take_callbacks_();
  if (callbacks.empty()) return false;
  lock.unlock();
  for (const auto& callback : callbacks) callback();
  lock.lock();
  // A callback may have done what another thread waits for.
  WakeOthers();
  return true;
}

void LoopDriver::HandOver() {
  // Who drives on hands it over with its own wait, and so does the next one who waits, unless
  // something else may be waiting on the descriptor by then.
  if (is_polled_ && !driven_ && waiting_ == 0) loop_.Flush();
}

int LoopDriver::PollableFd() {
  is_polled_ = true;
  HandOver();
  return loop_.fd();
}

void LoopDriver::WakeOthers() {
  // One that sleeps, or one that has begun to drive meanwhile and waits for events.
  if (waiting_ > 0) turn_.notify_all();
  if (driven_) loop_.AddTimer(NowNanos(), [] {});
}

}  // namespace forkserver
