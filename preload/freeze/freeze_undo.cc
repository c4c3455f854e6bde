// Before changing this, read freeze_engine.h: no call may leave the engine, and nothing may be
// written but the stack and `FreezeWork`.
#include "preload/freeze/freeze_undo.h"

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "preload/freeze/freeze_copy.h"
#include "transceiver/raw_syscall.h"

namespace forkserver::freeze_engine {

void ReleaseSpareMappings(FreezeWork& work) {
  if (work.spare_size != 0) RawSyscall(SYS_munmap, work.spare_mappings, work.spare_size);
  work.spare_size = 0;
}

void MoveBack(FreezeWork& work, const MovedItem& moved, Protection protection) {
  const size_t size = moved.item.end - moved.done;
  if (size == 0) return;
  ReleaseSpareMappings(work);
  if (RawSyscall(SYS_mremap, moved.done + moved.distance, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
                 moved.done) < 0 ||
      (protection == Protection::kMadeReadable &&
       RawSyscall(SYS_mprotect, moved.done, size, moved.item.protection) < 0)) {
    __builtin_trap();
  }
}

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

}  // namespace forkserver::freeze_engine
