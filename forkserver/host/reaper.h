// Sees processes to their end without blocking: reaps each when the loop sees that it has ended.
//
//     reaper.Reap(std::move(process), [](const absl::StatusOr<ExitStatus>& status) { ... });
//     reaper.KillAndReap(std::move(process));            // one that nobody wants any more
//
// One that is dead and held by its tracer (gdb, strace) cannot be reaped yet, and no event says
// when it can: it is asked for every kRetryInterval, as is one that the loop cannot watch (ENOSPC,
// ENOMEM). Nobody waits for a tracer: where one that was killed is not reaped Process::kPatience
// later, its owner is told so (DeadlineExceeded), and it is asked for on.
//
// Ownership: owns the processes until they are reaped; what is left when it is destroyed is killed
// and reaped then, blocking, Process::kPatience after each was killed at most. What is unreaped
// then is let go, as Process says. Threads: those of the loop.
#ifndef FORKSERVER_HOST_REAPER_H_
#define FORKSERVER_HOST_REAPER_H_

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "forkserver/host/process.h"
#include "transceiver/clock.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class Reaper {
 public:
  // Called once: the Status of Process::Wait, where somebody else took the child's, or it was
  // killed and cannot be reaped. By then no process that was killed makes any other: the kernel
  // finishes no fork of one that has a SIGKILL pending.
  using OnReaped = std::function<void(const absl::StatusOr<ExitStatus>& status)>;

  struct Unreaped {
    std::string name;
    pid_t pid;
    absl::Status why;  // Process::Wait's
  };

  explicit Reaper(EventLoop& loop) : loop_(loop) {}
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;
  ~Reaper();

  void Reap(Process process, OnReaped on_reaped);
  // `name`: what it is, for whoever is told that it is unreaped.
  void KillAndReap(Process process, OnReaped on_reaped = {}, std::string name = "child");

  // Has all of them end.
  void KillAll();
  // Tells each owner of one that was killed, as if its time were over.
  void GiveUp();

  // Processes that were killed and are not reaped yet.
  size_t pending() const { return killed_; }
  std::vector<Unreaped> ListPending();

 private:
  static constexpr int64_t kRetryInterval = 20 * kNanosPerMilli;

  struct Watched {
    std::string name;
    Process process;
    EventLoop::WatchId watch = 0;  // 0: it is asked again by the timer
    EventLoop::TimerId retry = 0;
    int64_t reaped_by = kNever;  // kNever: it was not killed
    EventLoop::TimerId patience = 0;
    OnReaped on_reaped;
  };

  uint64_t Watch(std::string name, Process process, OnReaped on_reaped);
  void Kill(uint64_t id, Watched& watched);
  std::vector<uint64_t> KilledIds() const;
  void OnEnd(uint64_t id);
  // Ok: it has been reaped, and its owner told.
  absl::Status TryReap(uint64_t id);
  void TellIfUnreaped(uint64_t id);
  void RetryLater(uint64_t id, Watched& watched);
  void StopWatching(Watched& watched);

  EventLoop& loop_;
  uint64_t next_id_ = 1;
  size_t killed_ = 0;
  absl::flat_hash_map<uint64_t, Watched> watched_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_REAPER_H_
