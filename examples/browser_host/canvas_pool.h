// Memory for pictures, made ahead while nobody waits for it, as a pool's blank children are: each
// canvas is for one picture of one process, which paints on it, seals it, and sends it back.
//
//     CanvasPool canvases(loop);
//     canvases.Fill();
//     std::optional<UniqueFd> canvas = canvases.Take();   // goes with LoadPage; none: the process
//                                                         // makes memory of its own
//
// A canvas is a memfd of kCanvasBytes (compose/canvas.h) in huge pages, which are there already. A
// memfd of small pages costs the kernel 1.1 us for each, 0.6 ms for a picture of 800 by 728, and a
// huge page 0.06 ms for 512 of them. It is made of small ones (MADV_COLLAPSE, Linux 6.1), which
// begins with a wait until all processors have put away what pages they had aside: 0.06 ms, and
// some milliseconds where both of two are busy. So it is a thread's work and not the page's; so is
// what every page begins with, which is to be white.
//
// The next one is made three milliseconds after one was taken, or at once if it was the last: it is
// work for the processors that the page is waiting for, and so is to wake the thread.
//
// Threads: the loop's. Its own is made by the first call, and takes no signal. Where there can be
// none, and where the machine has no huge pages, there are no canvases. It holds kCount of them.
#ifndef EXAMPLES_BROWSER_HOST_CANVAS_POOL_H_
#define EXAMPLES_BROWSER_HOST_CANVAS_POOL_H_

#include <stddef.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

class CanvasPool {
 public:
  static constexpr size_t kCount = 2;

  explicit CanvasPool(forkserver::EventLoop& loop) : loop_(loop) {}
  CanvasPool(const CanvasPool&) = delete;
  CanvasPool& operator=(const CanvasPool&) = delete;
  ~CanvasPool();

  // Begins to make as many as there should be.
  void Fill();
  // None is being made, and none is about to be. Also where none can be.
  bool is_at_rest();
  // Nothing: there is none at the moment.
  std::optional<forkserver::UniqueFd> Take();

 private:
  bool HasThread();
  void Run();

  forkserver::EventLoop& loop_;
  forkserver::EventLoop::TimerId fills_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<forkserver::UniqueFd> ready_;
  bool is_wanted_ = true;  // none was taken and none has failed since they were asked for
  bool is_closed_ = false;
  std::thread thread_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_CANVAS_POOL_H_
