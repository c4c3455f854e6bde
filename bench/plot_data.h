// The figures behind the pictures of `tools/bench --plot DIR`, which bench/plot.gp draws.
//
//     latency.dat     a block for each row: microseconds, fraction of the samples not above
//     growth.dat      MiB; 10th, 50th, 90th percentile of fork, in us; the same of a launch
//     throughput.dat  in flight; 10th, 50th, 90th percentile of launches per second; the median
//                     of the fork loop
#ifndef BENCH_PLOT_DATA_H_
#define BENCH_PLOT_DATA_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/groups.h"
#include "bench/growth.h"

namespace bench {

// Of the rows that the first and the last picture show.
extern const char kPlottedRows[];

// Makes the folder if it is not there, and the empty files in it: for before the measuring.
absl::Status PreparePlotFolder(const std::string& folder);

absl::Status WritePlotData(const Run& run, const std::vector<GrowthPoint>& growth,
                           const std::string& folder);

}  // namespace bench

#endif  // BENCH_PLOT_DATA_H_
