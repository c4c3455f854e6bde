// Sees processes to their end without blocking: reaps each when the loop sees that it has ended.
//
//     reaper.Reap(std::move(process), [](const absl::StatusOr<ExitStatus>& status) { ... });
//     reaper.KillAndReap(std::move(process));            // one that nobody wants any more
//
// One that is dead and held by its tracer (gdb, strace) cannot be reaped yet, and no event says
// when it can: it is asked for every kRetryInterval, as is one that the loop cannot watch (ENOSPC,
// ENOMEM).
//
// Ownership: owns the processes until they are reaped; what is left when it is destroyed is killed
// and reaped then, blocking. Threads: those of the loop.
#ifndef FORKSERVER_HOST_REAPER_H_
#define FORKSERVER_HOST_REAPER_H_

#include <stdint.h>

#include <functional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "forkserver/host/process.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class Reaper {
 public:
  // The Status of Process::Wait, where somebody else took the child's.
  using OnReaped = std::function<void(const absl::StatusOr<ExitStatus>& status)>;

  explicit Reaper(EventLoop& loop) : loop_(loop) {}
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;
  ~Reaper();

  void Reap(Process process, OnReaped on_reaped);
  void KillAndReap(Process process, OnReaped on_reaped = {});

  // Has all of them end.
  void KillAll();

  // Processes that were killed and are not reaped yet.
  size_t pending() const { return killed_; }

 private:
  enum class End : uint8_t { kItsOwn, kKilled };

  static constexpr int64_t kRetryInterval = 20 * kNanosPerMilli;

  struct Watched {
    Process process;
    EventLoop::WatchId watch;  // 0: it is asked again by the timer
    EventLoop::TimerId retry;
    End end;
    OnReaped on_reaped;
  };

  void Watch(Process process, End end, OnReaped on_reaped);
  void OnEnd(uint64_t id);
  void RetryLater(uint64_t id, Watched& watched);

  EventLoop& loop_;
  uint64_t next_id_ = 1;
  size_t killed_ = 0;
  absl::flat_hash_map<uint64_t, Watched> watched_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_REAPER_H_
