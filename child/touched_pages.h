// The pages that a child touches on its way to Ready, so that a blank can have them ahead.
//
// A fresh child has none of its memory mapped but what fork copied: each page that it touches is a
// fault of 2 to 3 us. Early children of a template record which pages those were:
//
//     RecordTouchedPages(Recorded::kAll, *record);        // in an early child, at Ready
//     AddTouchedPages(pages, *record);      // in the template: what any of them has touched
//     PopulatePages(pages, Populated::kAll);              // in a blank, which has time
//     PopulatePages(pages, Populated::kFolios);           // in any other, when Ready has been sent
//
// A child whose Plan is there already populates folios of 2 MiB only: each costs 1 us so and 1.9 us
// by its fault. Pages of 4 KiB cost the same both ways (measured, scattered: 2.4 by fault, 2.75
// populated), so on the launch path itself there is nothing to win.
//
// PAGEMAP_SCAN (Linux 6.7) finds the pages; without it nothing is recorded. process_madvise on
// oneself populates them (6.13), madvise one by one before that.
// Threads: one. Nothing here allocates.
#ifndef CHILD_TOUCHED_PAGES_H_
#define CHILD_TOUCHED_PAGES_H_

#include <stdint.h>

#include <atomic>

namespace forkserver {

enum class PageAccess : uint32_t { kRead, kWrite, kReadFolio };

enum class Recorded : uint8_t {
  kAll,
  kRead,  // what was written would be the blank's own memory while it waits
};
enum class Populated : uint8_t { kAll, kFolios };

struct PageRun {
  uint64_t start;
  uint32_t pages;
  PageAccess access;
};

// Fits in two pages (ChildArena::kTemplateRoomBytes).
struct TouchedPages {
  static constexpr uint32_t kMaxRuns = 500;
  // A list is bounded also in what it costs: it may come from a child that lies.
  static constexpr uint32_t kMaxRead = 4096;
  static constexpr uint32_t kMaxWritten = 256;
  static constexpr uint32_t kMaxFolios = 4096;

  std::atomic<bool> is_complete{false};  // set last
  uint32_t count = 0;
  uint32_t read = 0;  // pages
  uint32_t written = 0;
  uint32_t folios = 0;
  PageRun runs[kMaxRuns];

  // What there is no room for is left out, and what is no run of whole pages that a process may
  // have: so no end of a run wraps around.
  void Add(uint64_t start, uint32_t run_pages, PageAccess access);

  // What such a run takes of its access's maximum, and how much of that is left.
  static uint32_t Cost(uint32_t run_pages, PageAccess access);
  uint32_t Room(PageAccess access) const;
};

// Those of the calling process so far. Returns 0 or an errno.
int RecordTouchedPages(Recorded what, TouchedPages& touched);

// Adds what is in `other`, as far as there is room beside what is there. In both the runs of each
// access are sorted by address, as they are when they are recorded and after this; where they are
// not in `other`, some of those are left out.
void AddTouchedPages(TouchedPages& touched, const TouchedPages& other);

// Maps the pages into the calling process, as its own where they are to be written. What cannot be
// populated (the kernel's own mappings) is passed over.
void PopulatePages(const TouchedPages& touched, Populated what);

}  // namespace forkserver

#endif  // CHILD_TOUCHED_PAGES_H_
