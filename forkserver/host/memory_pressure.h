// Hears of the machine's memory pressure from the kernel.
//
//     MemoryPressure pressure(loop, [&] { templates.ShrinkPools(); });
//     absl::Status watched = pressure.Watch("/proc/pressure/memory");
//     // "open /proc/pressure/memory: ENOENT": a kernel without PSI, nothing will be heard
//
// PSI (Documentation/accounting/psi.rst): a trigger on /proc/pressure/memory, "some 200000
// 2000000", polls EPOLLPRI when tasks have waited for memory for 200 ms within 2 s, at most once in
// that time. A window of 2 s is what the kernel gives to users that are not root (6.4).
//
// It tells of waiting and not of scarcity: reading back what was paged out counts, also on a
// machine that pages out what is idle while most of its memory is free (DAMON's schemes,
// memory.reclaim), and so does a control group at its own limit.
//
// Threads: those of the loop.
#ifndef FORKSERVER_HOST_MEMORY_PRESSURE_H_
#define FORKSERVER_HOST_MEMORY_PRESSURE_H_

#include <functional>

#include "absl/status/status.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class MemoryPressure {
 public:
  MemoryPressure(EventLoop& loop, std::function<void()> on_pressure)
      : loop_(loop), on_pressure_(std::move(on_pressure)) {}
  MemoryPressure(const MemoryPressure&) = delete;
  MemoryPressure& operator=(const MemoryPressure&) = delete;
  ~MemoryPressure();

  // Fails as open(2) (ENOENT, EOPNOTSUPP: no PSI) and write(2) (EPERM, EINVAL) do.
  absl::Status Watch(const char* path);
  // The same for a descriptor that polls EPOLLPRI under pressure.
  absl::Status Watch(UniqueFd trigger);

 private:
  EventLoop& loop_;
  const std::function<void()> on_pressure_;
  UniqueFd trigger_;
  EventLoop::WatchId watch_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_MEMORY_PRESSURE_H_
