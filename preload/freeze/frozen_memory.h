// Whether a frozen process has kept its frozen memory as it was.
//
//     absl::StatusOr<FrozenMemory> memory = MeasureFrozenMemory(template_pid);
//     if (memory->anonymous_bytes != 0) ...     // it has written there: its forks are slow again
//
// Ask from another process, its host or a child of it: this allocates.
#ifndef PRELOAD_FREEZE_FROZEN_MEMORY_H_
#define PRELOAD_FREEZE_FROZEN_MEMORY_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"

namespace forkserver {

// The memfd's name. /proc/PID/maps shows "/memfd:forkserver-frozen (deleted)".
inline constexpr char kFrozenMemoryName[] = "forkserver-frozen";

struct FrozenMemory {
  uint32_t mappings = 0;
  uint64_t bytes = 0;
  // What the process has written there since, in whole pages. In a template it must stay 0.
  uint64_t anonymous_bytes = 0;
  // Where: "7f12000-7f34000 4096 bytes" for each mapping.
  std::string written;
};

// Adds up the mappings of every freeze, those of the process's templates too.
absl::StatusOr<FrozenMemory> MeasureFrozenMemory(pid_t pid);

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_FROZEN_MEMORY_H_
