// What one of the broker's threads is doing, where the watchdog can see it.
//
// Exactly one of the two answers: the thread, once BeginAnswer() was true, or the watchdog, once
// GiveUp() was. (The kernel would drop a second answer; but a thread that writes into the child's
// memory after the child went on would change what that is used for by then.)
#ifndef FORKSERVER_HOST_BROKER_REQUEST_IN_PROGRESS_H_
#define FORKSERVER_HOST_BROKER_REQUEST_IN_PROGRESS_H_

#include <stdint.h>

#include <mutex>

#include "transceiver/clock.h"

namespace forkserver::broker_internal {

template <typename Request>
class RequestInProgress {
 public:
  void Begin(Request request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    request_ = std::move(request);
    since_ = NowNanos();
    phase_ = Phase::kWorking;
  }

  // For the thread: false when the watchdog has answered.
  bool BeginAnswer() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (phase_ == Phase::kWorking) phase_ = Phase::kAnswering;
    return phase_ == Phase::kAnswering;
  }

  // For the thread: false when it has been replaced meanwhile.
  bool End() {
    const std::lock_guard<std::mutex> lock(mutex_);
    request_ = {};
    if (phase_ == Phase::kGivenUp) return false;
    phase_ = Phase::kIdle;
    return true;
  }

  // For the watchdog: since when it has been working; kNever if it is not.
  int64_t since() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return phase_ == Phase::kIdle || phase_ == Phase::kGivenUp ? kNever : since_;
  }

  // For the watchdog: whether the request has run since before `limit`, and is its to answer now.
  // One that is writing its answer gets the same time again: what holds it up then is the child's
  // own memory.
  bool GiveUp(int64_t limit, int64_t patience, Request& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (phase_ != Phase::kWorking && phase_ != Phase::kAnswering) return false;
    if (since_ > limit) return false;
    if (phase_ == Phase::kAnswering && since_ > limit - patience) return false;
    phase_ = Phase::kGivenUp;
    request = request_;
    return true;
  }

 private:
  enum class Phase : uint8_t { kIdle, kWorking, kAnswering, kGivenUp };

  mutable std::mutex mutex_;
  Phase phase_ = Phase::kIdle;
  int64_t since_ = 0;
  Request request_ = {};
};

}  // namespace forkserver::broker_internal

#endif  // FORKSERVER_HOST_BROKER_REQUEST_IN_PROGRESS_H_
