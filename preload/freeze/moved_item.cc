// Before changing this, read freeze_engine.h: no call may leave the engine, and nothing may be
// written but the stack and `FreezeWork`.
#include "preload/freeze/moved_item.h"

#include "preload/freeze/freeze_copy.h"

namespace forkserver::freeze_engine {
namespace {

// Where that leaves too many pieces, larger gaps are bridged.
constexpr size_t kLargeGapPages = 512;
constexpr size_t kManyPieces = 1024;
constexpr size_t kTooManyPieces = 8192;

}  // namespace

long ReadEntries(const FreezeWork& work, uint64_t* entries, uintptr_t address, size_t pages) {
  return ReadFully(work.pagemap, entries, pages * sizeof(uint64_t),
                   address / work.page_size * sizeof(uint64_t));
}

Verdict Survey(FreezeWork& work, MovedItem& moved) {
  bool has_guard = false;
  uint64_t anonymous = 0;
  long result = ForEachPage(work, moved, [&](uint64_t entry, uintptr_t) {
    has_guard = (entry & kPageGuard) != 0;
    anonymous += IsAnonymousPage(entry) ? 1 : 0;
    return !has_guard;
  });
  if (result != 0) {
    Fail(work, FreezeStep::kReadPages, result);
    return Verdict::kFailed;
  }
  if (has_guard) {
    moved.item.outcome = LeaveOutReason::kGuardPages;
    return Verdict::kLeftOut;
  }
  // Memory that was only read holds the kernel's page of zeroes, of which smaps does not count
  // any. It is as good as absent, and a copy of it would be real memory.
  const uint64_t expected = moved.item.anonymous_bytes / work.page_size;
  moved.skips_zeroes = !moved.item.file_backed && anonymous > expected + expected / 16 + 16;

  const size_t small_gap = moved.item.file_backed ? kSmallFileGapPages : kSmallGapPages;
  size_t pieces = 0;
  size_t far_pieces = 0;
  uintptr_t last_end = 0;  // of the wanted page before
  result = ForEachPage(work, moved, [&](uint64_t entry, uintptr_t page) {
    if (!IsWanted(work, moved, entry, page + moved.distance)) return true;
    const size_t gap = (page - last_end) / work.page_size;
    if (last_end == 0 || gap > small_gap) ++pieces;
    if (last_end == 0 || gap > kLargeGapPages) ++far_pieces;
    last_end = page + work.page_size;
    return true;
  });
  if (result != 0) {
    Fail(work, FreezeStep::kReadPages, result);
    return Verdict::kFailed;
  }
  moved.gap_pages = pieces <= kManyPieces ? small_gap : kLargeGapPages;
  const size_t needed = pieces <= kManyPieces ? pieces : far_pieces;
  if (needed > kTooManyPieces || needed > work.piece_capacity - work.piece_count) {
    moved.item.outcome = LeaveOutReason::kTooScattered;
    return Verdict::kLeftOut;
  }
  return Verdict::kFrozen;
}

}  // namespace forkserver::freeze_engine
