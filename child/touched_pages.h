// The pages that a child touches on its way to Ready, so that a blank can have them ahead.
//
// A fresh child has none of its memory mapped but what fork copied: each page that it touches is a
// fault of 2 to 3 us. Early children of a template record which pages those were; blanks, which
// have time, populate them in one call while they wait for their Plan:
//
//     RecordTouchedPages(*record);              // in an early child, at Ready or later
//     AddTouchedPages(pages, *record);          // in the template: what any of them has touched
//     PopulatePages(*record);                   // in a blank
//
// Not for a child whose Plan is there already: populating a page costs what its fault costs
// (measured: 2.4 against 2.75 us for scattered pages), so there is nothing to win on the launch
// path itself.
//
// PAGEMAP_SCAN (Linux 6.7) finds the pages; without it nothing is recorded. process_madvise on
// oneself populates them (6.13), madvise one by one before that.
// Threads: one. Nothing here allocates.
#ifndef CHILD_TOUCHED_PAGES_H_
#define CHILD_TOUCHED_PAGES_H_

#include <stdint.h>

#include <atomic>

namespace forkserver {

enum class PageAccess : uint32_t { kRead, kWrite };

struct PageRun {
  uint64_t start;
  uint32_t pages;
  PageAccess access;
};

// Fits in a page, which an early child shares with its template.
struct TouchedPages {
  static constexpr uint32_t kMaxRuns = 250;
  // A list is bounded also in what it costs: it may come from a child that lies.
  static constexpr uint32_t kMaxPages = 1024;

  std::atomic<bool> is_complete{false};  // set last
  uint32_t count = 0;
  uint32_t pages = 0;
  PageRun runs[kMaxRuns];

  // False: there is no room.
  bool Add(uint64_t start, uint32_t run_pages, PageAccess access);
};

// Those of the calling process so far. Returns 0 or an errno; E2BIG: more than a list may hold.
int RecordTouchedPages(TouchedPages& touched);

// Adds what is in `other`, as far as there is room. In both the runs of each access are sorted by
// address, as they are when they are recorded and after this.
void AddTouchedPages(TouchedPages& touched, const TouchedPages& other);

// Maps the pages into the calling process, as its own where they are to be written. What cannot be
// populated (the kernel's own mappings) is passed over.
void PopulatePages(const TouchedPages& touched);

}  // namespace forkserver

#endif  // CHILD_TOUCHED_PAGES_H_
