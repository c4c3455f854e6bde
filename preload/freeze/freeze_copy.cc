// Before changing this, read freeze_engine.h: no call may leave the engine, and nothing may be
// written but the stack and `FreezeWork`.
#include "preload/freeze/freeze_copy.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "transceiver/raw_syscall.h"

namespace forkserver::freeze_engine {
namespace {

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

}  // namespace

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

long CopyChunk(FreezeWork& work, const MovedItem& moved, uintptr_t start, uintptr_t end,
               uint64_t offset) {
  const long result = CollapseChunk(work, moved, start, end, offset);
  return result == 0 ? WriteChunk(work, moved, start, end, offset) : result;
}

}  // namespace forkserver::freeze_engine
