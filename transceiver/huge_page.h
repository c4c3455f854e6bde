// Pages of 2 MiB, which the kernel makes of 512 small ones where it has such memory in one piece.
#ifndef TRANSCEIVER_HUGE_PAGE_H_
#define TRANSCEIVER_HUGE_PAGE_H_

#include <stddef.h>

namespace forkserver {

inline constexpr size_t kHugePage = size_t{2} << 20;
// MADV_COLLAPSE, which came with Linux 6.1, after the headers of Debian 12's libc. It makes huge
// pages of files in memory even where /sys/kernel/mm/transparent_hugepage/shmem_enabled is "never".
inline constexpr int kMadvCollapse = 25;

}  // namespace forkserver

#endif  // TRANSCEIVER_HUGE_PAGE_H_
