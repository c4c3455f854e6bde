// Before changing this, read freeze_engine.h: no call may leave this file, and nothing may be
// written but the stack and `FreezeWork`. The build turns off what compilers add on their own.
#include "preload/freeze/freeze_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "preload/freeze/page_entry.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// A mapping more costs each fork about 0.1 us, and each process 200 bytes, for ever. So pages with
// small gaps between them become one piece. The gaps of anonymous memory are holes of the file,
// which cost nothing until they are read; those of files are copied.
constexpr size_t kSmallGapPages = 32;
constexpr size_t kSmallFileGapPages = 8;
// Where that leaves too many pieces, larger gaps are bridged.
constexpr size_t kLargeGapPages = 512;
constexpr size_t kManyPieces = 1024;
constexpr size_t kTooManyPieces = 8192;
// A mapping of a file that is not larger (.data, RELRO) becomes one piece whole.
constexpr size_t kSmallFilePages = 32;

bool Fail(FreezeWork& work, FreezeStep step, long result) {
  work.stopped_at = step;
  work.error = static_cast<int>(-result);
  return false;
}

enum class Verdict { kFrozen, kLeftOut, kFailed };

// One item whose pages are aside.
struct MovedItem {
  FreezeItem& item;
  uintptr_t distance;  // from a place to the same byte aside
  size_t gap_pages;
  bool skips_zeroes;
  uintptr_t done;  // all before it is final
};

bool IsZero(uintptr_t page, size_t page_size) {
  const volatile uint64_t* word = reinterpret_cast<const volatile uint64_t*>(page);
  const volatile uint64_t* const end = word + page_size / sizeof(uint64_t);
  while (word != end && *word == 0) ++word;
  return word == end;
}

// `page` is its address aside.
bool IsWanted(const FreezeWork& work, const MovedItem& moved, uint64_t entry, uintptr_t page) {
  if (!IsAnonymousPage(entry)) return false;
  return !(moved.skips_zeroes && (entry & kPagePresent) != 0 && IsZero(page, work.page_size));
}

// 0 or minus the errno. A count that is short without an error is an error.
long ReadFully(int fd, void* to, size_t size, uint64_t offset) {
  char* at = static_cast<char*>(to);
  while (size > 0) {
    const long result = RawSyscall(SYS_pread64, fd, at, size, offset);
    if (result == -EINTR) continue;
    if (result <= 0) return result == 0 ? -EIO : result;
    at += result;
    offset += static_cast<uint64_t>(result);
    size -= static_cast<size_t>(result);
  }
  return 0;
}

long WriteFully(int fd, uintptr_t from, size_t size, uint64_t offset) {
  while (size > 0) {
    const long result = RawSyscall(SYS_pwrite64, fd, from, size, offset);
    if (result == -EINTR) continue;
    if (result <= 0) return result == 0 ? -EIO : result;
    from += static_cast<uintptr_t>(result);
    offset += static_cast<uint64_t>(result);
    size -= static_cast<size_t>(result);
  }
  return 0;
}

long ReadEntries(const FreezeWork& work, uint64_t* entries, uintptr_t address, size_t pages) {
  return ReadFully(work.pagemap, entries, pages * sizeof(uint64_t),
                   address / work.page_size * sizeof(uint64_t));
}

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

// Makes folios of 2 MiB of a part of the memfd; without, it is in pages of 4 KiB, which is right
// and slower. Each 2 MiB of it must hold a page already: the kernel does not collapse a hole. It
// is done before the rest is written, which then goes straight to its final place: a third
// cheaper than the other way around.
void Collapse(FreezeWork& work, uint64_t offset, size_t size) {
  char* const window = work.collapse_window;
  const long mapped = RawSyscall(SYS_mmap, window, size, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_FIXED, work.memfd, offset);
  if (mapped < 0) return;
  if (RawSyscall(SYS_madvise, window, size, kMadvCollapse) == 0) {
    work.collapsed_bytes += size;
  } else {
    // One of them was refused, and the call does not say which.
    for (size_t at = 0; at < size; at += kHugePage) {
      if (RawSyscall(SYS_madvise, window + at, kHugePage, kMadvCollapse) == 0) {
        work.collapsed_bytes += kHugePage;
      }
    }
  }
  RawSyscall(SYS_mmap, window, size, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

// Three quarters of it are wanted. A collapse fills the rest with real pages of zeroes.
bool IsWorthCollapsing(FreezeWork& work, const MovedItem& moved, size_t first_page,
                       uintptr_t place) {
  if (moved.item.file_backed) return true;
  const size_t pages = kHugePage / work.page_size;
  size_t wanted = 0;
  for (size_t i = 0; i < pages; ++i) {
    wanted += IsWanted(work, moved, work.chunk_entries[first_page + i],
                       place + i * work.page_size + moved.distance)
                  ? 1
                  : 0;
  }
  return wanted * 4 >= pages * 3;
}

long CollapseChunk(FreezeWork& work, const MovedItem& moved, uintptr_t start, uintptr_t end,
                   uint64_t offset) {
  uintptr_t run = 0;  // the first of neighbours that are worth it
  uintptr_t at = (start + kHugePage - 1) & ~(kHugePage - 1);
  for (; at + kHugePage <= end; at += kHugePage) {
    if (IsWorthCollapsing(work, moved, (at - start) / work.page_size, at)) {
      const long result =
          WriteFully(work.memfd, at + moved.distance, work.page_size, offset + (at - start));
      if (result != 0) return result;
      if (run == 0) run = at;
    } else if (run != 0) {
      Collapse(work, offset + (run - start), at - run);
      run = 0;
    }
  }
  if (run != 0) Collapse(work, offset + (run - start), at - run);
  return 0;
}

// Writes what is wanted of [start, end) to the file, from aside.
long WriteChunk(FreezeWork& work, const MovedItem& moved, uintptr_t start, uintptr_t end,
                uint64_t offset) {
  if (moved.item.file_backed) {
    const long result = WriteFully(work.memfd, start + moved.distance, end - start, offset);
    if (result == 0) work.bytes += end - start;
    return result;
  }
  const size_t pages = (end - start) / work.page_size;
  for (size_t i = 0; i < pages;) {
    const size_t first = i;
    while (i < pages && IsWanted(work, moved, work.chunk_entries[i],
                                 start + i * work.page_size + moved.distance)) {
      ++i;
    }
    if (i == first) {
      ++i;
      continue;
    }
    const size_t at = first * work.page_size;
    const size_t size = (i - first) * work.page_size;
    const long result = WriteFully(work.memfd, start + at + moved.distance, size, offset + at);
    if (result != 0) return result;
    work.bytes += size;
  }
  return 0;
}

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
  long result = CollapseChunk(work, moved, start, end, offset);
  if (result == 0) result = WriteChunk(work, moved, start, end, offset);
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

void ReleaseSpareMappings(FreezeWork& work) {
  if (work.spare_size != 0) RawSyscall(SYS_munmap, work.spare_mappings, work.spare_size);
  work.spare_size = 0;
}

// What is not done goes back to its place, in one piece and with all that was said about it.
void MoveBack(FreezeWork& work, const MovedItem& moved, bool protection_changed) {
  const size_t size = moved.item.end - moved.done;
  if (size == 0) return;
  ReleaseSpareMappings(work);
  if (RawSyscall(SYS_mremap, moved.done + moved.distance, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
                 moved.done) < 0 ||
      (protection_changed &&
       RawSyscall(SYS_mprotect, moved.done, size, moved.item.protection) < 0)) {
    __builtin_trap();
  }
}

// Makes anonymous memory again of pieces that are mapped from the memfd, the youngest first. Where
// there is no memory for that they stay mapped: their bytes are right.
void Thaw(FreezeWork& work, size_t down_to) {
  ReleaseSpareMappings(work);
  while (work.piece_count > down_to) {
    const FrozenPiece& piece = work.pieces[--work.piece_count];
    for (uintptr_t start = piece.start; start < piece.end;) {
      const size_t left = piece.end - start;
      const size_t size = left < kFreezeChunk ? left : kFreezeChunk;
      const uint64_t offset = piece.offset + (start - piece.start);
      const long copy = RawSyscall(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (copy < 0 || ReadFully(work.memfd, reinterpret_cast<void*>(copy), size, offset) != 0 ||
          RawSyscall(SYS_mprotect, copy, size, piece.protection) != 0 ||
          RawSyscall(SYS_mremap, copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) < 0) {
        if (copy >= 0) RawSyscall(SYS_munmap, copy, size);
        work.still_frozen_bytes += size;
      } else {
        RawSyscall(SYS_fallocate, work.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                   size);
      }
      start += size;
    }
  }
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
  MovedItem moved = {item, aside - item.start, 0, false, item.start};
  Verdict verdict = Verdict::kFrozen;
  const bool unreadable = (item.protection & PROT_READ) == 0;
  if (unreadable) {
    result = RawSyscall(SYS_mprotect, aside, size, item.protection | PROT_READ);
    if (result < 0) {
      Fail(work, FreezeStep::kMoveAside, result);
      verdict = Verdict::kFailed;
    }
  }
  if (verdict == Verdict::kFrozen) verdict = FreezePieces(work, moved);
  if (verdict != Verdict::kFrozen) MoveBack(work, moved, unreadable);
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

uintptr_t FreezeEngineCode() { return reinterpret_cast<uintptr_t>(&FreezeOne); }

bool RunFreeze(FreezeWork& work) {
  const bool frozen = FreezeAll(work);
  if (!frozen) Thaw(work, 0);
  ReleaseSpareMappings(work);
  return frozen;
}

}  // namespace forkserver
