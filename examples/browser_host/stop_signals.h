// SIGINT, SIGTERM and SIGHUP as events of the loop, so that what was done is printed before the
// end.
//
//     auto server = [&] {
//       const BlockedStopSignals blocked;              // as every child and template has them
//       return ForkServer::Start(argc, argv, ...);
//     }();
//     auto stop = StopSignals::Watch(*loop);
//     while (!(*stop)->signal()) loop->Run(kNever);
//
// A terminal sends its signals to the whole foreground group, and whoever ends a group to all of
// it: children that died of them would take the pages with them that the host still wants to end in
// order. So the host alone hears them, and children end with it, as they do when it dies.
//
// After the first one both do again what they did before: a second one ends the host at once. One
// that was ignored when the program started, as a shell's background jobs have SIGINT, stays so.
// Threads: the one that calls; others must have them blocked (the library's have).
#ifndef EXAMPLES_BROWSER_HOST_STOP_SIGNALS_H_
#define EXAMPLES_BROWSER_HOST_STOP_SIGNALS_H_

#include <signal.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

// Blocks those that are not ignored, for its lifetime.
class BlockedStopSignals {
 public:
  BlockedStopSignals();
  BlockedStopSignals(const BlockedStopSignals&) = delete;
  BlockedStopSignals& operator=(const BlockedStopSignals&) = delete;
  ~BlockedStopSignals();

  const sigset_t& signals() const { return signals_; }

 private:
  sigset_t signals_;
  sigset_t before_;
};

class StopSignals {
 public:
  // Borrows the loop. Fails as signalfd(2) does.
  static absl::StatusOr<std::unique_ptr<StopSignals>> Watch(forkserver::EventLoop& loop);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() { Stop(); }

  // For whoever waits outside of the loop: whether one has come by now.
  bool Look();

  // The one that came.
  const std::optional<int>& signal() const { return signal_; }

 private:
  explicit StopSignals(forkserver::EventLoop& loop) : loop_(loop) {}
  void OnReadable();
  void Stop();

  forkserver::EventLoop& loop_;
  std::optional<BlockedStopSignals> blocked_{std::in_place};
  forkserver::UniqueFd fd_;
  forkserver::EventLoop::WatchId watch_ = 0;
  std::optional<int> signal_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_STOP_SIGNALS_H_
