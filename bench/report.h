// What the benchmark prints and writes.
#ifndef BENCH_REPORT_H_
#define BENCH_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/measure.h"

namespace bench {

void PrintTable(const std::vector<Result>& results);

// {"kernel", "cpus", "rows": [{"name", "n", "unit", "p50", "p90", "p99", "baseline",
// "ratio_p50"}]}; a baseline row has neither baseline nor ratio.
absl::Status WriteJson(const std::vector<Result>& results, const std::string& path);

}  // namespace bench

#endif  // BENCH_REPORT_H_
