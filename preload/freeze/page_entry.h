// An entry of /proc/PID/pagemap: the state of one page (Documentation/admin-guide/mm/pagemap.rst).
#ifndef PRELOAD_FREEZE_PAGE_ENTRY_H_
#define PRELOAD_FREEZE_PAGE_ENTRY_H_

#include <stdint.h>

namespace forkserver {

inline constexpr uint64_t kPagePresent = uint64_t{1} << 63;
inline constexpr uint64_t kPageSwapped = uint64_t{1} << 62;
inline constexpr uint64_t kPageOfFile = uint64_t{1} << 61;  // or of shared memory
inline constexpr uint64_t kPageGuard = uint64_t{1} << 58;   // Linux 6.15; before, it looks swapped

// In a private mapping: whether the process has a page of its own there. A page of zeroes that was
// only read looks so too.
[[gnu::always_inline]] inline bool IsAnonymousPage(uint64_t entry) {
  return (entry & (kPagePresent | kPageSwapped)) != 0 && (entry & kPageOfFile) == 0;
}

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_PAGE_ENTRY_H_
