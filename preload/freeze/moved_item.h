// One item of the freeze whose pages are aside: which of them are to be frozen, and how they are
// put together. A part of the engine: what freeze_engine.h says of its code holds here too.
//
//     MovedItem moved = {.item = item, .distance = aside - item.start, .done = item.start};
//     if (Survey(work, moved) != Verdict::kFrozen) ...       // it is left out, or the freeze fails
//     ForEachPage(work, moved, [&](uint64_t entry, uintptr_t page) {
//       if (IsWanted(work, moved, entry, page + moved.distance)) ...
//       return true;
//     });
//
// The engine's parts are in one namespace whose symbols are hidden: so they call each other
// directly, and not through a table that may be out of its place.
#ifndef PRELOAD_FREEZE_MOVED_ITEM_H_
#define PRELOAD_FREEZE_MOVED_ITEM_H_

#include <stddef.h>
#include <stdint.h>

#include "preload/freeze/freeze_engine.h"
#include "preload/freeze/page_entry.h"

namespace forkserver::freeze_engine {
#pragma GCC visibility push(hidden)

// A mapping more costs each fork about 0.1 us, and each process 200 bytes, for ever. So pages with
// small gaps between them become one piece. The gaps of anonymous memory are holes of the file,
// which cost nothing until they are read; those of files are copied.
inline constexpr size_t kSmallGapPages = 32;
inline constexpr size_t kSmallFileGapPages = 8;

[[gnu::always_inline]] inline bool Fail(FreezeWork& work, FreezeStep step, long result) {
  work.stopped_at = step;
  work.error = static_cast<int>(-result);
  return false;
}

enum class Verdict : uint8_t { kFrozen, kLeftOut, kFailed };

struct MovedItem {
  FreezeItem& item;
  uintptr_t distance = 0;  // from a place to the same byte aside
  // From Survey on: pieces are further apart than this.
  size_t gap_pages = 0;
  bool skips_zeroes = false;
  uintptr_t done = 0;  // all before it is final
};

[[gnu::always_inline]] inline bool IsZero(uintptr_t page, size_t page_size) {
  const volatile uint64_t* word = reinterpret_cast<const volatile uint64_t*>(page);
  const volatile uint64_t* const end = word + page_size / sizeof(uint64_t);
  while (word != end && *word == 0) ++word;
  return word == end;
}

// `page` is its address aside.
[[gnu::always_inline]] inline bool IsWanted(const FreezeWork& work, const MovedItem& moved,
                                            uint64_t entry, uintptr_t page) {
  if (!IsAnonymousPage(entry)) return false;
  return !(moved.skips_zeroes && (entry & kPagePresent) != 0 && IsZero(page, work.page_size));
}

// The entries of so many pages from an address on. 0, or minus the errno.
long ReadEntries(const FreezeWork& work, uint64_t* entries, uintptr_t address, size_t pages);

// Visits the entry of each page of the item, from aside: visit(entry, page's place). Stops when
// that returns false. 0, or minus the errno of reading them.
template <typename Visit>
long ForEachPage(FreezeWork& work, const MovedItem& moved, Visit visit) {
  for (uintptr_t block = moved.item.start; block < moved.item.end; block += kFreezeChunk) {
    const size_t left = moved.item.end - block;
    const size_t pages = (left < kFreezeChunk ? left : kFreezeChunk) / work.page_size;
    const long result = ReadEntries(work, work.scan_entries, block + moved.distance, pages);
    if (result != 0) return result;
    for (size_t i = 0; i < pages; ++i) {
      if (!visit(work.scan_entries[i], block + i * work.page_size)) return 0;
    }
  }
  return 0;
}

// Looks at all pages and settles how they are put together. kFrozen: go on.
Verdict Survey(FreezeWork& work, MovedItem& moved);

#pragma GCC visibility pop
}  // namespace forkserver::freeze_engine

#endif  // PRELOAD_FREEZE_MOVED_ITEM_H_
