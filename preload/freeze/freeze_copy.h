// The engine's reads and writes: of files, and of an item's pages into the memfd. A part of the
// engine: what freeze_engine.h says of its code holds here too.
//
//     const long result = CopyChunk(work, moved, start, end, offset);
#ifndef PRELOAD_FREEZE_FREEZE_COPY_H_
#define PRELOAD_FREEZE_FREEZE_COPY_H_

#include <stddef.h>
#include <stdint.h>

#include "preload/freeze/freeze_engine.h"
#include "preload/freeze/moved_item.h"

namespace forkserver::freeze_engine {
#pragma GCC visibility push(hidden)

// 0 or minus the errno. A count that is short without an error is an error.
long ReadFully(int fd, void* to, size_t size, uint64_t offset);
long WriteFully(int fd, uintptr_t from, size_t size, uint64_t offset);

// Copies what is wanted of [start, end), at most kFreezeChunk, from aside to the file, in folios of
// 2 MiB where that is worth it. The entries of anonymous memory are in work.chunk_entries. 0, or
// minus the errno: EFAULT and EHWPOISON are the memory's fault.
long CopyChunk(FreezeWork& work, const MovedItem& moved, uintptr_t start, uintptr_t end,
               uint64_t offset);

#pragma GCC visibility pop
}  // namespace forkserver::freeze_engine

#endif  // PRELOAD_FREEZE_FREEZE_COPY_H_
