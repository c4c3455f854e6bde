// The rows that are measured in processes of their own (bench/sampler.h): launches from large
// templates beside forks of a process that is as large; and launches per second, whose threads and
// buffers would otherwise be in what the baseline forks.
#ifndef BENCH_SAMPLED_ROWS_H_
#define BENCH_SAMPLED_ROWS_H_

#include <vector>

#include "bench/row.h"

namespace bench {

// Of Group::kGrowth and Group::kHeap.
std::vector<Row> HeapRows();
// Navigations to content processes, sandboxed.
std::vector<Row> NavigationRows();

// What an addition costs in a child, beside one to an atomic of its own.
std::vector<Row> TelemetryRows();

std::vector<Row> RateRows();

}  // namespace bench

#endif  // BENCH_SAMPLED_ROWS_H_
