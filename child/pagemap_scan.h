// PAGEMAP_SCAN, the ioctl of /proc/PID/pagemap that finds pages by what they are (linux/fs.h
// of 6.7; the installed headers are older), and a bit of the file's entries.
#ifndef CHILD_PAGEMAP_SCAN_H_
#define CHILD_PAGEMAP_SCAN_H_

#include <stdint.h>
#include <sys/ioctl.h>

namespace forkserver {

struct PageRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};
struct PagemapScan {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t vec;
  uint64_t vec_len;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
inline constexpr unsigned long kPagemapScan = _IOWR('f', 16, PagemapScan);
inline constexpr uint64_t kPageIsFile = 1u << 2;
inline constexpr uint64_t kPageIsPresent = 1u << 3;
inline constexpr uint64_t kPageIsSwapped = 1u << 4;
inline constexpr uint64_t kPageIsHuge = 1u << 6;

// proc(5): an anonymous page that no other process maps is one that this child has written since
// the fork.
inline constexpr uint64_t kPagemapExclusive = uint64_t{1} << 56;

}  // namespace forkserver

#endif  // CHILD_PAGEMAP_SCAN_H_
