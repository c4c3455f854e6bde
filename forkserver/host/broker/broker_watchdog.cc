// The part of the broker's core that keeps a thread in charge: makes it, and puts another in its
// place when it is stuck in an operation.
#include <errno.h>
#include <sys/prctl.h>

#include <chrono>
#include <memory>
#include <mutex>

#include "forkserver/host/broker/broker_core.h"
#include "forkserver/host/broker/own_capabilities.h"
#include "forkserver/host/start_thread.h"
#include "transceiver/clock.h"

namespace forkserver::broker_internal {
namespace {

// How soon a thread that could not be made is tried again.
constexpr int64_t kRetryNanos = 100 * kNanosPerMilli;

}  // namespace

bool Core::StartWorker() {
  in_charge_ = std::make_shared<Worker>();
  // Whoever was in charge before is stuck: nobody waits for its end.
  if (worker_.joinable()) worker_.detach();
  is_running_ = StartThread(
      [core = shared_from_this(), me = in_charge_] {
        prctl(PR_SET_NAME, "sandbox-broker");
        GiveUpCapabilities();
        core->Work(me);
      },
      worker_);
  return is_running_;
}

void Core::WakeWatchdog() {
  const std::lock_guard<std::mutex> lock(mutex_);
  changed_.notify_all();
}

// Sleeps as long as nothing is asked for, and then looks once in each deadline: a call does not
// wake it, but for the first one after a pause.
void Core::Watch() {
  prctl(PR_SET_NAME, "broker-watchdog");
  std::unique_lock<std::mutex> lock(mutex_);
  uint64_t begun = 0;
  while (!is_stopping_) {
    const int64_t now = NowNanos();
    int64_t next = DeadlineAfter(now, deadline_nanos_);
    const int64_t since = in_charge_->since();
    if (!is_running_) {
      next = StartWorker() ? now : now + kRetryNanos;
    } else if (since != kNever) {
      Call call;
      if (in_charge_->GiveUp(now - deadline_nanos_, deadline_nanos_, call)) {
        Replace(lock, call);
        continue;
      }
      if (since + deadline_nanos_ > now) next = since + deadline_nanos_;
    } else if (begun_ == begun) {
      watchdog_is_awake_ = false;
      if (in_charge_->since() == kNever) {
        changed_.wait(lock, [this] { return watchdog_is_awake_ || is_stopping_; });
      }
      watchdog_is_awake_ = true;
      continue;
    }
    begun = begun_;
    changed_.wait_for(lock, std::chrono::nanoseconds(next - now),
                      [this] { return is_stopping_.load(); });
  }
}

void Core::Replace(std::unique_lock<std::mutex>& lock, Call& call) {
  ++stuck_;
  if (!StartWorker()) is_running_ = false;
  lock.unlock();
  Answer(call, CallOutcome::kTimedOut, ETIMEDOUT);
  lock.lock();
}

}  // namespace forkserver::broker_internal
