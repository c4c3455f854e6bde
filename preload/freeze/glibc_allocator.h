// The allocator's side of the freeze: whether it is one that bears it, and how it is prepared.
//
// Frozen memory that is given back with MADV_DONTNEED comes back with its old bytes. glibc's
// malloc clears what calloc returns unless the memory has just come from brk or mmap, and so
// never notices. Others, jemalloc for one, count on zeroes after MADV_DONTNEED: calloc handed out
// a million bytes that were not zero.
#ifndef PRELOAD_FREEZE_GLIBC_ALLOCATOR_H_
#define PRELOAD_FREEZE_GLIBC_ALLOCATOR_H_

namespace forkserver {

// Whether malloc and operator new allocate from glibc's heap. Found by allocating and asking
// glibc what it has handed out, since it is that which counts: a malloc may be interposed by a
// library or by the program, statically or not, and may still pass on to glibc's.
bool UsesGlibcAllocator();

// Call it before the warm-ups. Large blocks then come from the heap too instead of mappings of
// their own. Those a child would grow by mremap, into the hole of the memfd behind them, and such
// pages stay in the memfd for good. Does nothing with another allocator.
void PrepareAllocatorForFreeze();

// Before the freeze: allocates, for good, all that lies free between what is in use, so that what
// comes next lies together behind it. A child's first allocations would else each be a page of the
// template's, copied for a few bytes: 35 of them on the way to its first message, at 2 us and 4 KiB
// each, where together they are 5. Costs the template nothing but the use of that memory.
void UseUpFreeBlocks();

// Just before the freeze, which writes the allocator's own state too: large blocks have mappings of
// their own again, by thresholds that stay where they are put (freeze.h). What is mapped from there
// on is ordinary memory.
void ReleaseAllocatorAfterFreeze();

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_GLIBC_ALLOCATOR_H_
