#include "child/touched_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>

#include "child/pagemap_scan.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint32_t kFolioPages = 512;
// A template that is not frozen has its heap in here, which a child cannot look through page by
// page.
constexpr uint64_t kMaxExamined = 16 * 1024;

// linux/pidfd.h of 6.14; the installed headers are older.
constexpr int kPidfdSelf = -10000;  // PIDFD_SELF

constexpr uint64_t kUserSpaceEnd = 0x7ffffffff000;

uint64_t EndOf(const PageRun& run) { return run.start + run.pages * kPageBytes; }

void AddWrittenPages(int pagemap, const PageRegion& region, TouchedPages& touched) {
  uint64_t entries[64];
  for (uint64_t at = region.start; at < region.end; at += sizeof(entries) / 8 * kPageBytes) {
    const uint64_t wanted = std::min<uint64_t>((region.end - at) / kPageBytes, 64);
    const long bytes = RawSyscall(SYS_pread64, pagemap, entries, wanted * 8, at / kPageBytes * 8);
    for (long i = 0; i < bytes / 8; ++i) {
      if ((entries[i] & kPagemapExclusive) == 0) continue;
      touched.Add(at + static_cast<uint64_t>(i) * kPageBytes, 1, PageAccess::kWrite);
    }
  }
}

int Scan(int pagemap, Recorded what, TouchedPages& touched) {
  PageRegion regions[64];
  PagemapScan scan = {.size = sizeof(PagemapScan),
                      .flags = 0,
                      .start = 0,
                      .end = kUserSpaceEnd,
                      .walk_end = 0,
                      .vec = reinterpret_cast<uint64_t>(regions),
                      .vec_len = std::size(regions),
                      .max_pages = 0,
                      .category_inverted = 0,
                      .category_mask = kPageIsPresent,
                      .category_anyof_mask = 0,
                      .return_mask = kPageIsPresent | kPageIsFile | kPageIsHuge};
  uint64_t examined = 0;
  while (scan.start < scan.end) {
    const long found = RawSyscall(SYS_ioctl, pagemap, kPagemapScan, &scan);
    if (found < 0) return static_cast<int>(-found);
    for (const PageRegion* region = regions; region < regions + found; ++region) {
      const uint64_t pages = (region->end - region->start) / kPageBytes;
      if ((region->categories & kPageIsFile) != 0) {
        const bool is_folio = (region->categories & kPageIsHuge) != 0;
        touched.Add(region->start, static_cast<uint32_t>(pages),
                    is_folio ? PageAccess::kReadFolio : PageAccess::kRead);
      } else if (what == Recorded::kAll && examined + pages <= kMaxExamined) {
        examined += pages;
        AddWrittenPages(pagemap, *region, touched);
      }
    }
    scan.start = scan.walk_end;
  }
  return 0;
}

}  // namespace

uint32_t TouchedPages::Cost(uint32_t run_pages, PageAccess access) {
  if (access != PageAccess::kReadFolio) return run_pages;
  return run_pages / kFolioPages + (run_pages % kFolioPages != 0 ? 1 : 0);
}

uint32_t TouchedPages::Room(PageAccess access) const {
  if (access == PageAccess::kWrite) return kMaxWritten - written;
  return access == PageAccess::kRead ? kMaxRead - read : kMaxFolios - folios;
}

void TouchedPages::Add(uint64_t start, uint32_t run_pages, PageAccess access) {
  const uint32_t cost = Cost(run_pages, access);
  if (start % kPageBytes != 0 || start >= kUserSpaceEnd) return;
  if (cost == 0 || cost > Room(access)) return;
  if (run_pages > (kUserSpaceEnd - start) / kPageBytes) return;
  PageRun* const last = count > 0 ? &runs[count - 1] : nullptr;
  if (last != nullptr && last->access == access &&
      last->start + last->pages * kPageBytes == start) {
    last->pages += run_pages;
  } else if (count < kMaxRuns) {
    runs[count++] = {.start = start, .pages = run_pages, .access = access};
  } else {
    return;
  }
  (access == PageAccess::kWrite ? written : access == PageAccess::kRead ? read : folios) += cost;
}

int RecordTouchedPages(Recorded what, TouchedPages& touched) {
  const long pagemap = RawSyscall(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) return static_cast<int>(-pagemap);
  const int error = Scan(static_cast<int>(pagemap), what, touched);
  RawSyscall(SYS_close, pagemap);
  if (error == 0) touched.is_complete.store(true, std::memory_order_release);
  return error;
}

void AddTouchedPages(TouchedPages& touched, const TouchedPages& other) {
  TouchedPages all;
  // What is there keeps its room; this is what is left for more.
  uint32_t new_runs = TouchedPages::kMaxRuns - touched.count;
  // Each access by itself: a page that one child has read and another has written is in both.
  for (const PageAccess access : {PageAccess::kWrite, PageAccess::kRead, PageAccess::kReadFolio}) {
    uint32_t room = touched.Room(access);
    uint64_t seen = 0;  // of `other`: what lies below is there, or was left out
    for (uint32_t i = 0, j = 0;;) {
      while (i < touched.count && touched.runs[i].access != access) ++i;
      while (j < other.count && other.runs[j].access != access) ++j;
      if (i == touched.count && j == other.count) break;
      const uint64_t kept_from = i < touched.count ? touched.runs[i].start : UINT64_MAX;
      if (j == other.count || std::max(other.runs[j].start, seen) >= kept_from) {
        const PageRun& kept = touched.runs[i++];
        all.Add(kept.start, kept.pages, access);
        seen = std::max(seen, EndOf(kept));
        continue;
      }
      const uint64_t start = std::max(other.runs[j].start, seen);
      const uint64_t end = std::min(EndOf(other.runs[j]), kept_from);
      if (EndOf(other.runs[j]) <= kept_from) ++j;
      if (start >= end) continue;
      seen = end;
      const uint32_t pages = static_cast<uint32_t>((end - start) / kPageBytes);
      const uint32_t cost = TouchedPages::Cost(pages, access);
      if (new_runs == 0 || cost > room) continue;
      all.Add(start, pages, access);
      --new_runs;
      room -= cost;
    }
  }
  touched.count = all.count;
  touched.read = all.read;
  touched.written = all.written;
  touched.folios = all.folios;
  std::copy(all.runs, all.runs + all.count, touched.runs);
}

void PopulatePages(const TouchedPages& touched, Populated what) {
  for (const PageAccess access : {PageAccess::kReadFolio, PageAccess::kWrite, PageAccess::kRead}) {
    if (what == Populated::kFolios && access != PageAccess::kReadFolio) return;
    const int advice = access == PageAccess::kWrite ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    iovec ranges[TouchedPages::kMaxRuns];
    size_t count = 0;
    for (uint32_t i = 0; i < touched.count; ++i) {
      if (touched.runs[i].access != access) continue;
      ranges[count++] = {reinterpret_cast<void*>(touched.runs[i].start),
                         touched.runs[i].pages * kPageBytes};
    }
    for (size_t next = 0; next < count;) {
      long done =
          RawSyscall(SYS_process_madvise, kPidfdSelf, ranges + next, count - next, advice, 0);
      if (done <= 0) {
        // An older kernel, or a range that this one refuses.
        RawSyscall(SYS_madvise, ranges[next].iov_base, ranges[next].iov_len, advice);
        ++next;
        continue;
      }
      while (next < count && done >= static_cast<long>(ranges[next].iov_len)) {
        done -= static_cast<long>(ranges[next++].iov_len);
      }
      if (done > 0) ++next;  // stopped inside of this one
    }
  }
}

}  // namespace forkserver
