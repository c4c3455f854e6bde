// The freeze: makes a fork of this process cost the same however much memory it has filled.
//
//     PrepareAllocatorForFreeze();                     // glibc_allocator.h: before the warm-ups
//     ...                                              // the warm-ups
//     const FreezeReport report = FreezeMemory({});    // the last thing before the fork loop
//
// fork copies the page tables of anonymous memory. So the anonymous pages of the whole process are
// written to a sealed memfd (in folios of 2 MiB where they are many) and mapped back in place,
// privately and with the same protection. Pointers, protections and contents are what they were;
// writes stay in the process that writes. A child faults pages in from the file as it touches
// them, and copies those that it writes to.
//
// When: single-threaded, in the process that will fork, as its last act before its loop: whatever
// it writes afterwards to frozen memory gives that whole mapping's page tables back to each fork
// (60 times its cost, measured, for one byte). That goes for malloc, for a first call through a
// lazily bound table (link with -z now), for static variables. It may write to its stack, to its
// thread's control block unless that is frozen too (ThreadBlockPages), and to memory that it has
// marked MADV_DONTFORK. `MeasureFrozenMemory` in frozen_memory.h tells whether it keeps to that.
//
// Again: a process that was forked from a frozen one may freeze again. Only what it has changed is
// written; the rest stays in the memory that it shares with the earlier template. No descriptor is
// needed for that, and none is left open.
//
// What it changes, for this process and for all that are forked from it:
// - MADV_DONTNEED on frozen memory brings back its bytes of the freeze, not zeroes. glibc's malloc
//   bears that (a test looks). Where malloc or operator new is another's, nothing is frozen, and
//   the memory is collapsed to anonymous pages of 2 MiB instead, which is the next best. An
//   allocator of the program's own that gives memory back that way and counts on zeroes must
//   have its memory left out (MADV_DONTDUMP does that).
// - A mapping of which only a part is in use becomes several; mremap and MADV_DOFORK and the like
//   see those.
// - Advice is lost (MADV_HUGEPAGE, MADV_MERGEABLE, names, NUMA policies). Where what is lost would
//   change what the memory means, the mapping is left out, and the report says so: see
//   freeze_decision.h, also for what cannot be seen (pinned pages).
// - The memory counts as shared, not as the process's own. It goes when the last process goes that
//   maps it.
// - Core dumps contain it, because /proc/self/coredump_filter is widened to private mappings of
//   files; they are larger by the program's and its libraries' code.
// - M_MMAP_MAX has glibc's default again; the threshold above which a block has a mapping of its
//   own is fixed at 1 MiB (glibc's grows by itself until somebody calls mallopt). A program that
//   wants other values sets them in its children.
// - A child can grow a frozen mapping by mremap; what it touches there is memory of the file, and
//   stays until the last process that maps the file is gone. A sandbox forbids it.
//
// Failure: if it cannot be completed (no memory, limits, an old kernel, no /proc), the memory is
// anonymous again, all of it, the report says which call said what, and the fallback is done as
// above. Signals are blocked meanwhile. Takes about 0.2 s of processor time for 320 MiB (more
// where a hypervisor has yet to find the memory), and 32 MiB of memory.
#ifndef PRELOAD_FREEZE_FREEZE_H_
#define PRELOAD_FREEZE_FREEZE_H_

#include "preload/freeze/freeze_report.h"
#include "preload/own_proc.h"

namespace forkserver {

// The pages with the thread's control block.
enum class ThreadBlockPages : uint8_t {
  kLeftOut,  // the kernel writes there (rseq), and libc (errno)
  kFrozen,   // of a thread that has given up its rseq and makes its calls without libc
};

struct FreezeOptions {
  // The most that is done. kAnonymousHugePages changes no semantics, and forks at 1/20 of the cost
  // instead of 1/300.
  FreezeMethod method = FreezeMethod::kMemfd;
  ThreadBlockPages thread_block = ThreadBlockPages::kLeftOut;
  int proc_self = kProcByName;  // see own_proc.h; borrowed
};

FreezeReport FreezeMemory(const FreezeOptions& options);

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_FREEZE_H_
