// A C++ heap of a size that was measured: what templates of the benchmark hold, and what a direct
// fork has to copy.
//
//     BuildHeap(Mebibytes{1024});     // in a warm-up
//     LookUp(1000, seed);             // in the child: is what was built there, and how fast
//
// An unordered_map of strings, each too long for the string itself, so that it is what programs
// have: nodes, keys and values all over the heap. One heap a process, which children inherit.
// Threads: one.
#ifndef BENCH_HEAP_H_
#define BENCH_HEAP_H_

#include <stddef.h>
#include <stdint.h>

#include "absl/status/status.h"

namespace bench {

struct Mebibytes {
  int64_t count = 0;
};

// Adds entries until this process has grown by `size` of anonymous memory (RssAnon). Zero builds
// nothing. Once a process. Internal: it has grown by over 5 % more.
absl::Status BuildHeap(Mebibytes size);

// Looks up `count` random keys, the same for the same seed and size. False if one is not there or
// has a wrong value.
bool LookUp(int count, uint64_t seed);

// RssAnon of this process.
int64_t AnonymousKib();

// MemAvailable of the machine.
Mebibytes AvailableMemory();

}  // namespace bench

#endif  // BENCH_HEAP_H_
