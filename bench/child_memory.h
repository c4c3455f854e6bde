// What a process costs in memory that nobody else has a use for.
//
// Counted are its private anonymous pages (present, anonymous, mapped by it alone: pagemap's
// "exclusively mapped" without "file page") and its page tables (VmPTE). Not in it:
//   - anonymous pages that it shares with its template since the fork (smaps' Anonymous has them)
//   - pages of files, and a frozen template's pages are those of a file: smaps' Private_Dirty
//     charges them to the one process that happens to have touched them
//   - what the kernel keeps of any process outside of its address space (its stack, the task)
#ifndef BENCH_CHILD_MEMORY_H_
#define BENCH_CHILD_MEMORY_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace bench {

struct ChildMemory {
  int64_t private_anonymous_kib = 0;
  int64_t page_table_kib = 0;

  int64_t total_kib() const { return private_anonymous_kib + page_table_kib; }
};

// Of a process that stands still, or the pages are those of different moments.
absl::StatusOr<ChildMemory> WeighChild(pid_t pid);

// Lines of /proc/PID/maps.
absl::StatusOr<int> CountMappings(pid_t pid);

}  // namespace bench

#endif  // BENCH_CHILD_MEMORY_H_
