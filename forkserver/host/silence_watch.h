// Whether a template that owes something is silent for too long: stopped, or caught in a loop.
//
//     SilenceWatch watch(loop, {.is_owed = ..., .on_silence = ...});
//     watch.Begin(absl::Seconds(5));      // something is owed from now on; cheap where it runs
//     watch.Heard();                      // something has come
//     watch.End();                        // whatever is_owed says, in which it may be called too
//
// It looks every half of the time that is allowed, and twice without having heard anything before
// it says so: a host that was itself stopped, or that nobody drove, finds its timer expired before
// it could read a word. It rests while nothing is owed.
//
// Ownership: borrows the loop. on_silence may destroy it. Threads: those of the loop.
#ifndef FORKSERVER_HOST_SILENCE_WATCH_H_
#define FORKSERVER_HOST_SILENCE_WATCH_H_

#include <stdint.h>

#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class SilenceWatch {
 public:
  struct Handlers {
    // Reads what has come, and says whether anything is still owed.
    std::function<bool()> is_owed;
    std::function<void()> on_silence;
  };

  SilenceWatch(EventLoop& loop, Handlers handlers) : loop_(loop), handlers_(std::move(handlers)) {}
  SilenceWatch(const SilenceWatch&) = delete;
  SilenceWatch& operator=(const SilenceWatch&) = delete;
  ~SilenceWatch() { End(); }

  // `longest`: InfiniteDuration for no bound. One that runs already goes on as it is.
  void Begin(absl::Duration longest);
  void Heard() { is_heard_ = true; }
  void End();

 private:
  void LookLater();
  void Look();

  EventLoop& loop_;
  const Handlers handlers_;
  int64_t interval_ = 0;
  EventLoop::TimerId timer_ = 0;
  bool is_ended_ = false;  // since its Begin
  bool is_heard_ = false;  // since the last look
  int silent_looks_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SILENCE_WATCH_H_
