// The mappings of another process, in the words of /proc/PID/maps or smaps.
//
//     absl::StatusOr<std::vector<ProcessMapping>> mappings =
//         ReadMappings(folder, pid, MappingPages::kCounted);
//
// smaps has the kernel walk the page tables; maps does not. In order of their addresses. What is
// not known in a line is passed over. Allocates (preload/freeze/memory_mapping.h does not, and
// keeps less).
#ifndef FORKSERVER_REPORT_PROCESS_MAPPINGS_H_
#define FORKSERVER_REPORT_PROCESS_MAPPINGS_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace forkserver {

struct ProcessMapping {
  uintptr_t start = 0;
  uintptr_t end = 0;
  bool is_writable = false;
  bool is_shared = false;
  uint64_t offset = 0;  // in its file
  dev_t device = 0;
  uint64_t inode = 0;     // 0: it has no file
  std::string path = {};  // or "[heap]"; empty: anonymous
  // Where they are counted: pages of this process's own in it, in memory and swapped out.
  uint64_t anonymous_bytes = 0;
  uint64_t swapped_bytes = 0;

  bool has_file() const { return inode != 0; }
};

enum class MappingPages : uint8_t { kNotCounted, kCounted };

// `folder`: OpenProcFolder's.
absl::StatusOr<std::vector<ProcessMapping>> ReadMappings(int folder, pid_t pid, MappingPages pages);

// Of the text of either file.
std::vector<ProcessMapping> ParseMappings(std::string_view text);

// The last part of a path: "libc.so.6".
std::string_view FileNameOf(std::string_view path);

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_PROCESS_MAPPINGS_H_
