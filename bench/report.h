// What the benchmark prints and writes.
#ifndef BENCH_REPORT_H_
#define BENCH_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "bench/groups.h"

namespace bench {

void PrintTable(const Run& run);

// {"kernel", "cpus", "rows": [{"name", "n", "unit", "p50", "p90", "p99", "baseline",
// "ratio_p50"}], "left_out": [{"name", "why"}]}; a baseline row has neither baseline nor ratio, nor
// has one whose baseline was left out.
absl::Status WriteJson(const Run& run, const std::string& path);

}  // namespace bench

#endif  // BENCH_REPORT_H_
