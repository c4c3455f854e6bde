// How long an answer is waited for, by a loop that may not get to run.
//
//     Patience patience(loop);
//     patience.Begin(absl::Seconds(10), [&] { Kill(...); });
//     ...
//     patience.End();                                        // the answer has come
//
// A timer alone believes the clock: a host that was stopped for a minute (^Z, a debugger, a
// suspended machine), and with it perhaps those who were to answer, would take them for late whose
// answer lies in the socket. So what is counted is time in which the loop has run: a stop costs a
// tenth of it at most, however long. And before the end the loop has one more turn, in which what
// is there is read. (A page's process that is stopped too is not so forgiving: its own times,
// page_times.h, go on.)
//
// Threads: the loop's. Borrows the loop.
#ifndef EXAMPLES_BROWSER_HOST_PATIENCE_H_
#define EXAMPLES_BROWSER_HOST_PATIENCE_H_

#include <stdint.h>

#include <functional>

#include "absl/time/time.h"
#include "transceiver/event_loop.h"

namespace browser_host {

class Patience {
 public:
  explicit Patience(forkserver::EventLoop& loop) : loop_(loop) {}
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
  ~Patience() { End(); }

  // Calls `on_over` once, unless End comes first. It may end or destroy this. One that had begun is
  // no more.
  void Begin(absl::Duration time, std::function<void()> on_over);
  void End();

 private:
  static constexpr int kTicks = 10;

  void Tick();

  forkserver::EventLoop& loop_;
  int64_t tick_nanos_ = 0;
  int ticks_ = 0;  // so far
  std::function<void()> on_over_;
  forkserver::EventLoop::TimerId timer_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PATIENCE_H_
