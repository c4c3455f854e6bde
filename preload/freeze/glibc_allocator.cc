#include "preload/freeze/glibc_allocator.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <new>

// Weak: a static program with a malloc of its own has no such function, and one that drags glibc's
// malloc in would not link.
#ifdef __GLIBC__
extern "C" [[gnu::weak]] struct mallinfo2 mallinfo2();
extern "C" [[gnu::weak]] int mallopt(int, int);
#endif

namespace forkserver {

#ifdef __GLIBC__
namespace {

constexpr int kDefaultMmapMax = 65536;  // mallopt(3)
constexpr int kMmapThreshold = 1 << 20;
// More than any cache of small blocks holds: those count as handed out all the time.
constexpr size_t kProbeBytes = 100'000;

size_t BytesHandedOut() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Blocks up to that size are kept in lists by their size, which are multiples of the step (glibc's
// tcache).
constexpr size_t kLargestKept = 1032;
constexpr size_t kBlockStep = 16;

template <typename Allocate, typename Free>
bool ComesFromGlibc(Allocate allocate, Free free) {
  const size_t before = BytesHandedOut();
  void* volatile block = allocate(kProbeBytes);  // volatile: the pair is not optimized away
  const size_t after = BytesHandedOut();
  free(block);
  return block != nullptr && after >= before + kProbeBytes;
}

}  // namespace

bool UsesGlibcAllocator() {
  if (&mallinfo2 == nullptr) return false;
  return ComesFromGlibc(malloc, free) &&
         ComesFromGlibc([](size_t size) { return ::operator new(size, std::nothrow); },
                        [](void* block) { ::operator delete(block); });
}

void PrepareAllocatorForFreeze() {
  if (&mallopt != nullptr) mallopt(M_MMAP_MAX, 0);
}

void UseUpFreeBlocks() {
  if (&mallinfo2 == nullptr) return;
  const struct mallinfo2 info = mallinfo2();
  const auto end = reinterpret_cast<uintptr_t>(sbrk(0));
  // In the heap, and not in its last, largest block: what is handed out of that lies behind all
  // holes. What has a mapping of its own may be below the heap (setrlimit(2), an unlimited stack).
  const auto is_hole = [first = end - info.arena, last = end - info.keepcost](const void* block) {
    const auto address = reinterpret_cast<uintptr_t>(block);
    return address >= first && address < last;
  };
  const auto fill = [is_hole](size_t size) {
    for (;;) {
      void* volatile block = malloc(size);  // volatile: it is not optimized away
      if (block == nullptr) return;
      if (is_hole(block)) continue;
      // A small one that is given back would be kept for its size, each on a page of its own.
      if (size > kLargestKept) free(block);
      return;
    }
  };
  for (size_t size = kMmapThreshold; size > kLargestKept; size /= 2) fill(size);
  for (size_t size = kLargestKept; size > kBlockStep; size -= kBlockStep) fill(size);
}

void ReleaseAllocatorAfterFreeze() {
  if (&mallopt == nullptr) return;
  mallopt(M_MMAP_MAX, kDefaultMmapMax);
  // The first mallopt has ended the growth of the threshold by itself, for good; so it is set to
  // what it grows to in a process that frees large blocks now and then.
  mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
  mallopt(M_TRIM_THRESHOLD, 2 * kMmapThreshold);
}

#else

bool UsesGlibcAllocator() { return false; }
void PrepareAllocatorForFreeze() {}
void UseUpFreeBlocks() {}
void ReleaseAllocatorAfterFreeze() {}

#endif

}  // namespace forkserver
