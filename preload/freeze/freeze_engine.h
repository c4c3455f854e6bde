// The copy and the exchange: turns anonymous memory into private mappings of one memfd, in place.
//
//     work.items[work.item_count++] = {.start = ..., .end = ..., ...};      // what to freeze
//     if (!RunFreeze(work)) ... work.stopped_at, work.error ...             // nothing is frozen
//
// For each item:
//
//     1  mremap(MREMAP_DONTUNMAP) moves its pages aside. What stays in place is the same mapping
//        (file, protection, advice), empty and without anon_vma, the kernel's record that makes a
//        fork copy page tables; munmap alone could take that away, and a mapping that was only
//        split would keep it. So whatever is not frozen needs no further thought: absent memory
//        is absent again, and clean pages of a file, or of an earlier freeze's memfd, come from
//        there again, without its descriptor.
//     2  The anonymous pages are written from aside to the memfd, 32 MiB at a time.
//     3  Each piece is mapped over its place, and its pages aside are given back.
//
// If a step fails, what is still aside is moved back, and what was mapped is read back into
// anonymous memory: no byte depends on the freeze succeeding. If the kernel should refuse even to
// move memory back, the process traps: a template that has lost memory must not serve.
//
// From 1 to 3 the item's memory is empty. It may hold malloc's state, this program's variables,
// its procedure linkage tables. So the engine calls nothing but the kernel, has no variables
// but those in `FreezeWork` and on the stack, and its object files refer to no symbols but each
// other's, which are hidden (a test looks). The caller blocks signals, and is the only thread.
//
// Its parts: which pages (moved_item.h), the copy (freeze_copy.h), the way back (freeze_undo.h);
// the exchange itself is in freeze_engine.cc.
#ifndef PRELOAD_FREEZE_FREEZE_ENGINE_H_
#define PRELOAD_FREEZE_FREEZE_ENGINE_H_

#include <stddef.h>
#include <stdint.h>

#include "preload/freeze/freeze_decision.h"
#include "preload/freeze/freeze_report.h"
#include "transceiver/huge_page.h"

namespace forkserver {

// What is in memory twice while it is copied.
inline constexpr size_t kFreezeChunk = size_t{32} << 20;
// The memfd's size. Files can be that large; only what is written takes memory.
inline constexpr uint64_t kFrozenFileSize = uint64_t{1} << 62;
// Between two pieces in the file: mremap that grows one in a child finds zeroes, as it would have
// in anonymous memory, and not its neighbour's bytes or the end of the file.
inline constexpr uint64_t kFrozenFileGap = uint64_t{1} << 40;

// A range of one mapping. A mapping of a file must be one item with all of it, since the move
// takes the anon_vma off a whole mapping only; of anonymous memory it may be a part.
struct FreezeItem {
  uintptr_t start;
  uintptr_t end;
  int protection;
  bool file_backed;
  bool no_reserve;
  // It begins where the item before ends, and nobody will ever grow that one in place: so the two
  // may lie side by side in the file too, and the kernel makes one mapping of them.
  bool continues;
  // What smaps says it holds, swapped pages included.
  uint64_t anonymous_bytes;
  uint32_t mapping;  // the caller's
  LeaveOutReason outcome;
};

struct FrozenPiece {
  uintptr_t start;
  uintptr_t end;
  uint64_t offset;  // in the memfd
  int protection;
};

// Lives in memory that is not frozen.
struct FreezeWork {
  // Set by the caller.
  size_t page_size;
  int memfd;    // of kFrozenFileSize bytes, without seals
  int pagemap;  // /proc/self/pagemap
  FreezeItem* items;
  size_t item_count;
  FrozenPiece* pieces;
  size_t piece_capacity;
  uint64_t* scan_entries;  // kFreezeChunk / page_size each
  uint64_t* chunk_entries;
  char* collapse_window;  // kFreezeChunk, aligned to kHugePage, reserved
  char* spare_mappings;   // see RunFreeze
  size_t spare_size;

  // Set by the engine.
  size_t piece_count;
  uint64_t next_offset;
  uint64_t bytes;
  uint64_t collapsed_bytes;
  uint64_t still_frozen_bytes;  // of a failed freeze, where there was no memory to read them back
  FreezeStep stopped_at;
  int error;
};

// True if all items are frozen and the memfd sealed, or an item's outcome says why it is left
// out. False if nothing is frozen. `spare_mappings` are unmapped before anything is moved back:
// a process at its limit of mappings could not do so otherwise.
bool RunFreeze(FreezeWork& work);

// An address in the engine's code, which must stay where it is.
uintptr_t FreezeEngineCode();

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_FREEZE_ENGINE_H_
