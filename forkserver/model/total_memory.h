// How much memory the machine has: MemTotal of /proc/meminfo, in bytes.
//
//     absl::StatusOr<uint64_t> bytes = ReadTotalMemory();
//
// Of the machine, not of a cgroup: it is about what the blank processes of a whole program cost.
// Fails as open(2) does ("open /proc/meminfo: ENOENT"), and with DataLoss where there is no such
// line. Any thread.
#ifndef FORKSERVER_MODEL_TOTAL_MEMORY_H_
#define FORKSERVER_MODEL_TOTAL_MEMORY_H_

#include <stdint.h>

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

namespace forkserver {

// Of the text of such a file.
std::optional<uint64_t> TotalMemoryOf(std::string_view meminfo);

absl::StatusOr<uint64_t> ReadTotalMemory(const char* path = "/proc/meminfo");

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_TOTAL_MEMORY_H_
