// Anonymous memory in pages of 2 MiB: what is done where the memory cannot be frozen.
//
//     const uint64_t bytes = CollapseAnonymousMemory();
//
// Changes nothing about what the memory means; a fork copies one entry of the page tables where it
// would have copied 512 (1 GiB: 1.5 ms instead of 30). A range of 2 MiB is collapsed if half of it
// is in use, so it can cost memory: at most as much as is in use.
#ifndef PRELOAD_FREEZE_HUGE_PAGES_H_
#define PRELOAD_FREEZE_HUGE_PAGES_H_

#include <stdint.h>

#include "preload/own_proc.h"

namespace forkserver {

// Of the calling process. Returns the bytes that are in huge pages now. Where the kernel has no
// MADV_COLLAPSE (before Linux 6.1) it is told that huge pages are welcome, and may make some later.
// Without /proc: nothing.
uint64_t CollapseAnonymousMemory(int proc_self = kProcByName);

}  // namespace forkserver

#endif  // PRELOAD_FREEZE_HUGE_PAGES_H_
