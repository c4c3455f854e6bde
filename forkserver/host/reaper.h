// Ends processes that nobody wants any more, without blocking: kills, and reaps when the loop
// sees the end.
//
//     reaper.KillAndReap(std::move(process), [](ExitStatus status) { ... });
//
// Ownership: owns the processes until they are reaped; what is left when it is destroyed is
// reaped then, blocking. Threads: those of the loop.
#ifndef FORKSERVER_HOST_REAPER_H_
#define FORKSERVER_HOST_REAPER_H_

#include <stdint.h>

#include <functional>

#include "absl/container/flat_hash_map.h"
#include "forkserver/host/process.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class Reaper {
 public:
  using OnReaped = std::function<void(const ExitStatus& status)>;

  explicit Reaper(EventLoop& loop) : loop_(loop) {}
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;
  ~Reaper();

  void KillAndReap(Process process, OnReaped on_reaped = {});

  // Processes that are not reaped yet.
  size_t pending() const { return dying_.size(); }

 private:
  struct Dying {
    Process process;
    EventLoop::WatchId watch;
    OnReaped on_reaped;
  };

  void Reap(uint64_t id);

  EventLoop& loop_;
  uint64_t next_id_ = 1;
  absl::flat_hash_map<uint64_t, Dying> dying_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_REAPER_H_
