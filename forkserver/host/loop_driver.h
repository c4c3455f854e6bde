// Lets any number of threads share one event loop without a thread of its own: whoever waits for
// something drives the loop for all, and the others sleep until it is their turn.
//
//     std::unique_lock lock(driver.mutex());
//     driver.RunUntil(lock, [&] { return done; }, deadline);
//
// One thread waits for events, without the lock, and dispatches them with it; then it runs the
// callbacks that the dispatch brought, without it. The wait of a single thread costs no hand-over
// to another one.
// std::mutex and not absl::Mutex: thread sanitizer knows only what it can intercept, and Debian's
// abseil is built without it.
#ifndef FORKSERVER_HOST_LOOP_DRIVER_H_
#define FORKSERVER_HOST_LOOP_DRIVER_H_

#include <stdint.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include "transceiver/event_loop.h"

namespace forkserver {

class LoopDriver {
 public:
  using Callbacks = std::vector<std::function<void()>>;

  // `take_callbacks` is called with the lock held, before each wait and after each dispatch.
  LoopDriver(EventLoop& loop, std::function<Callbacks()> take_callbacks)
      : loop_(loop), take_callbacks_(std::move(take_callbacks)) {}
  LoopDriver(const LoopDriver&) = delete;
  LoopDriver& operator=(const LoopDriver&) = delete;

  // Guards the loop and everything that its callbacks touch.
  std::mutex& mutex() { return mutex_; }

  // Returns when `done` (called with the lock held) says so, or at `deadline`.
  void RunUntil(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done,
                int64_t deadline);

  // Has every other thread look whether what it waits for has happened: for whoever, outside of a
  // dispatch and with the lock held, brought about what another one may wait for.
  void WakeOthers();

  // Waits once, until something happened or `deadline`.
  void RunOnce(std::unique_lock<std::mutex>& lock, int64_t deadline);

  // Gives the loop a turn, without waiting, if a timer is due or nobody has for a while: for calls
  // that can do without it, so that all goes on for an embedder who makes no other ones.
  void TakeTurnIfOverdue(std::unique_lock<std::mutex>& lock);

  // For whoever goes back to the embedder, with the lock held and without having waited: the
  // embedder may poll the loop's descriptor next, and what is watched must show there.
  void HandOver();
  // The loop's descriptor, for somebody who polls it from now on. With the lock held.
  int PollableFd();

 private:
  void TakeTurn(std::unique_lock<std::mutex>& lock, int64_t deadline);
  // False: there were none.
  bool RunCallbacks(std::unique_lock<std::mutex>& lock);

  EventLoop& loop_;
  const std::function<Callbacks()> take_callbacks_;
  std::mutex mutex_;
  std::condition_variable turn_;
  bool driven_ = false;
  int waiting_ = 0;
  bool is_polled_ = false;
  int64_t last_turn_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LOOP_DRIVER_H_
