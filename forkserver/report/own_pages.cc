#include "forkserver/report/own_pages.h"

#include <errno.h>
#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

#include "child/pagemap_scan.h"
#include "preload/freeze/page_entry.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr uint64_t kPageBytes = 4096;

// False: it was cut, or failed.
bool ReadEntries(int pagemap, uintptr_t start, uintptr_t end, size_t& budget, OwnPages& pages) {
  uint64_t entries[512];
  for (uintptr_t at = start; at < end;) {
    const size_t wanted = std::min<size_t>((end - at) / kPageBytes, std::size(entries));
    if (wanted > budget) {
      pages.is_cut = true;
      return false;
    }
    const long got = RawSyscall(SYS_pread64, pagemap, entries, wanted * sizeof(entries[0]),
                                at / kPageBytes * sizeof(entries[0]));
    if (got == -EINTR) continue;
    const size_t count = got > 0 ? static_cast<size_t>(got) / sizeof(entries[0]) : 0;
    if (count == 0) {
      // The process has ended, and has no pages any more.
      pages.error = got < 0 ? static_cast<int>(-got) : ESRCH;
      return false;
    }
    budget -= count;
    for (size_t i = 0; i < count; ++i, at += kPageBytes) {
      if (!IsAnonymousPage(entries[i]) || (entries[i] & kPageGuard) != 0) continue;
      if ((entries[i] & kPageSwapped) != 0) {
        pages.swapped.push_back(at);
      } else if ((entries[i] & kPagemapExclusive) != 0) {
        pages.present.push_back(at);
      }
    }
  }
  return true;
}

}  // namespace

OwnPages FindOwnPages(int pagemap, uintptr_t start, uintptr_t end, size_t& budget) {
  OwnPages pages;
  PageRegion regions[64];
  PagemapScan scan = {.size = sizeof(PagemapScan),
                      .flags = 0,
                      .start = start,
                      .end = end,
                      .walk_end = 0,
                      .vec = reinterpret_cast<uint64_t>(regions),
                      .vec_len = std::size(regions),
                      .max_pages = 0,
                      .category_inverted = kPageIsFile,
                      .category_mask = kPageIsFile,
                      .category_anyof_mask = kPageIsPresent | kPageIsSwapped,
                      .return_mask = kPageIsPresent | kPageIsSwapped};
  while (scan.start < end) {
    const long found = RawSyscall(SYS_ioctl, pagemap, kPagemapScan, &scan);
    if (found == -EINTR) continue;
    if (found == -ENOTTY || found == -EINVAL) {
      ReadEntries(pagemap, scan.start, end, budget, pages);
      return pages;
    }
    if (found < 0) {
      pages.error = static_cast<int>(-found);
      return pages;
    }
    for (const PageRegion* region = regions; region < regions + found; ++region) {
      // Which of them no other process maps.
      if (!ReadEntries(pagemap, region->start, region->end, budget, pages)) return pages;
    }
    scan.start = scan.walk_end;
  }
  return pages;
}

}  // namespace forkserver
