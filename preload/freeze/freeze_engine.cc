// Before changing this, read freeze_engine.h: no call may leave the engine, and nothing may be
// written but the stack and `FreezeWork`. The build turns off what compilers add on their own.
#include "preload/freeze/freeze_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "preload/freeze/freeze_copy.h"
#include "preload/freeze/freeze_undo.h"
#include "preload/freeze/moved_item.h"
#include "transceiver/raw_syscall.h"

namespace forkserver::freeze_engine {
namespace {

// A mapping of a file that is not larger (.data, RELRO) becomes one piece whole.
constexpr size_t kSmallFilePages = 32;

Verdict FreezeChunk(FreezeWork& work, MovedItem& moved, uintptr_t start, uintptr_t end,
                    uint64_t offset) {
  if (!moved.item.file_backed) {
    const long result = ReadEntries(work, work.chunk_entries, start + moved.distance,
                                    (end - start) / work.page_size);
    if (result != 0) {
      Fail(work, FreezeStep::kReadPages, result);
      return Verdict::kFailed;
    }
  }
  long result = CopyChunk(work, moved, start, end, offset);
  if (result == -EFAULT || result == -EHWPOISON) {
    // Not the file's fault but the memory's: a guard that the page map does not show, a page
    // beyond the end of the file behind it, or one that the machine has lost.
    moved.item.outcome = LeaveOutReason::kUnreadable;
    return Verdict::kLeftOut;
  }
  if (result != 0) {
    Fail(work, FreezeStep::kWriteFile, result);
    return Verdict::kFailed;
  }
  const int flags = MAP_PRIVATE | MAP_FIXED | (moved.item.no_reserve ? MAP_NORESERVE : 0);
  result =
      RawSyscall(SYS_mmap, start, end - start, moved.item.protection, flags, work.memfd, offset);
  if (result < 0) {
    Fail(work, FreezeStep::kMapFile, result);
    return Verdict::kFailed;
  }
  moved.done = end;
  RawSyscall(SYS_madvise, start + moved.distance, end - start, MADV_DONTNEED);
  return Verdict::kFrozen;
}

Verdict FreezePiece(FreezeWork& work, MovedItem& moved, uintptr_t start, uintptr_t end) {
  // Congruent to the address, so that folios of 2 MiB fit both.
  uint64_t offset =
      ((work.next_offset + kHugePage - 1) & ~(uint64_t{kHugePage} - 1)) + (start & (kHugePage - 1));
  if (moved.item.continues && start == moved.item.start && work.piece_count > 0) {
    const FrozenPiece& before = work.pieces[work.piece_count - 1];
    if (before.end == start) offset = before.offset + (before.end - before.start);
  }
  if (work.piece_count == work.piece_capacity ||
      offset + (end - start) > kFrozenFileSize - 2 * kFrozenFileGap) {
    moved.item.outcome = LeaveOutReason::kTooScattered;
    return Verdict::kLeftOut;
  }
  work.next_offset = offset + (end - start) + kFrozenFileGap;
  FrozenPiece& piece = work.pieces[work.piece_count++];
  piece.start = start;
  piece.end = start;
  piece.offset = offset;
  piece.protection = moved.item.protection;
  for (uintptr_t chunk = start; chunk < end;) {
    const uintptr_t boundary = (chunk & ~(kFreezeChunk - 1)) + kFreezeChunk;
    const uintptr_t chunk_end = boundary < end ? boundary : end;
    const Verdict verdict = FreezeChunk(work, moved, chunk, chunk_end, offset + (chunk - start));
    if (verdict != Verdict::kFrozen) return verdict;
    piece.end = chunk_end;
    chunk = chunk_end;
  }
  return Verdict::kFrozen;
}

Verdict FreezePieces(FreezeWork& work, MovedItem& moved) {
  if (const Verdict verdict = Survey(work, moved); verdict != Verdict::kFrozen) return verdict;
  if (moved.item.file_backed &&
      moved.item.end - moved.item.start <= kSmallFilePages * work.page_size) {
    return FreezePiece(work, moved, moved.item.start, moved.item.end);
  }
  Verdict verdict = Verdict::kFrozen;
  uintptr_t start = 0;
  uintptr_t end = 0;
  // A small gap at either end of the mapping is bridged too: a piece that reaches from end to end
  // leaves no other mapping beside it.
  const size_t small_gap =
      (moved.item.file_backed ? kSmallFileGapPages : kSmallGapPages) * work.page_size;
  const long result = ForEachPage(work, moved, [&](uint64_t entry, uintptr_t page) {
    // What is done already is empty aside, but its entries were read before that.
    if (!IsWanted(work, moved, entry, page + moved.distance)) return true;
    if (start != 0 && page - end > moved.gap_pages * work.page_size) {
      verdict = FreezePiece(work, moved, start, end);
      start = 0;
    }
    if (start == 0) {
      const bool is_first = end == 0 && page - moved.item.start <= small_gap;
      start = is_first ? moved.item.start : page;
    }
    end = page + work.page_size;
    return verdict == Verdict::kFrozen;
  });
  if (verdict != Verdict::kFrozen) return verdict;
  if (result != 0) {
    Fail(work, FreezeStep::kReadPages, result);
    return Verdict::kFailed;
  }
  if (start == 0) return Verdict::kFrozen;
  if (moved.item.end - end <= small_gap) end = moved.item.end;
  return FreezePiece(work, moved, start, end);
}

bool FreezeOne(FreezeWork& work, FreezeItem& item) {
  const size_t size = item.end - item.start;
  const long reserved = RawSyscall(SYS_mmap, nullptr, size + kHugePage, PROT_NONE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved < 0) return Fail(work, FreezeStep::kMoveAside, reserved);
  // Congruent to the old address: the kernel then moves page tables instead of entries.
  const uintptr_t base = static_cast<uintptr_t>(reserved);
  const uintptr_t aside = base + ((item.start - base) & (kHugePage - 1));
  long result = RawSyscall(SYS_mremap, item.start, size, size,
                           MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, aside);
  if (result < 0) {
    RawSyscall(SYS_munmap, base, size + kHugePage);
    if (result == -ENOMEM) return Fail(work, FreezeStep::kMoveAside, result);
    item.outcome = LeaveOutReason::kCannotBeMoved;
    work.error = static_cast<int>(-result);
    return true;
  }
  const size_t first_piece = work.piece_count;
  const uint64_t bytes = work.bytes;
  const uint64_t collapsed_bytes = work.collapsed_bytes;
  MovedItem moved = {.item = item, .distance = aside - item.start, .done = item.start};
  Verdict verdict = Verdict::kFrozen;
  const Protection protection =
      (item.protection & PROT_READ) != 0 ? Protection::kAsItWas : Protection::kMadeReadable;
  if (protection == Protection::kMadeReadable) {
    result = RawSyscall(SYS_mprotect, aside, size, item.protection | PROT_READ);
    if (result < 0) {
      Fail(work, FreezeStep::kMoveAside, result);
      verdict = Verdict::kFailed;
    }
  }
  if (verdict == Verdict::kFrozen) verdict = FreezePieces(work, moved);
  if (verdict != Verdict::kFrozen) MoveBack(work, moved, protection);
  RawSyscall(SYS_munmap, base, size + kHugePage);
  if (verdict == Verdict::kLeftOut) {
    Thaw(work, first_piece);
    work.bytes = bytes;
    work.collapsed_bytes = collapsed_bytes;
  }
  return verdict != Verdict::kFailed;
}

bool FreezeAll(FreezeWork& work) {
  for (size_t i = 0; i < work.item_count; ++i) {
    if (!FreezeOne(work, work.items[i])) return false;
  }
  // A kernel that lacks the call refuses it for every item.
  if (work.piece_count == 0 && work.error != 0) {
    return Fail(work, FreezeStep::kMoveAside, -work.error);
  }
  const long result = RawSyscall(SYS_fcntl, work.memfd, F_ADD_SEALS,
                                 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
  return result == 0 || Fail(work, FreezeStep::kSealFile, result);
}

}  // namespace
}  // namespace forkserver::freeze_engine

namespace forkserver {

uintptr_t FreezeEngineCode() { return reinterpret_cast<uintptr_t>(&freeze_engine::FreezeOne); }

bool RunFreeze(FreezeWork& work) {
  const bool frozen = freeze_engine::FreezeAll(work);
  if (!frozen) freeze_engine::Thaw(work, 0);
  freeze_engine::ReleaseSpareMappings(work);
  return frozen;
}

}  // namespace forkserver
