#include "preload/freeze/frozen_memory.h"

#include <errno.h>
#include <fcntl.h>

#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "preload/freeze/memory_mapping.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

absl::StatusOr<FrozenMemory> MeasureFrozenMemory(pid_t pid) {
  const std::string path = absl::StrFormat("/proc/%d/smaps", pid);
  const UniqueFd smaps(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!smaps.is_open()) return ErrnoStatus(errno, "open " + path);
  const std::string name = absl::StrFormat("/memfd:%s (deleted)", kFrozenMemoryName);

  std::vector<char> text(1 << 16);
  SmapsReader reader(smaps.get(), text);
  FrozenMemory memory;
  MemoryMapping mapping;
  int result;
  while ((result = reader.Next(mapping)) == SmapsReader::kMapping) {
    if (std::string_view(mapping.name) != name) continue;
    ++memory.mappings;
    memory.bytes += mapping.size();
    const uint64_t written = mapping.anonymous_bytes + mapping.swapped_bytes;
    memory.anonymous_bytes += written;
    if (written != 0) {
      absl::StrAppendFormat(&memory.written, "%x-%x %d bytes\n", mapping.start, mapping.end,
                            written);
    }
  }
  if (result != SmapsReader::kEnd) return ErrnoStatus(-result, "read " + path);
  return memory;
}

}  // namespace forkserver
