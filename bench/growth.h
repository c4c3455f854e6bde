// How a launch and a plain fork grow with the memory of what is forked.
#ifndef BENCH_GROWTH_H_
#define BENCH_GROWTH_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/groups.h"
#include "bench/heap.h"
#include "bench/measure.h"

namespace bench {

struct GrowthPoint {
  Mebibytes heap;
  Result fork;    // of a process that has the heap
  Result launch;  // from a template that has it
};

// 16 MiB to 4 GiB, each four times the one before, none above `largest`.
std::vector<Mebibytes> GrowthSizes(Mebibytes largest);

// Forks and launches in turn, from two processes that live for the call. Unavailable: the machine
// has too little memory to give. `program`: the benchmark's; empty for the running one.
absl::StatusOr<GrowthPoint> MeasureGrowth(Mebibytes heap, const Extent& extent,
                                          const std::string& program = "");

}  // namespace bench

#endif  // BENCH_GROWTH_H_
