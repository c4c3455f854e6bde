// Measures the rows of a group in turn, one sample of each a round, so that whatever else the
// machine does hits a row and its baseline alike; and boils the samples down.
//
// The samples lie in a mapping that a fork does not copy: the baselines fork this process, and
// must not pay for the benchmark's own books.
#ifndef BENCH_MEASURE_H_
#define BENCH_MEASURE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/row.h"

namespace bench {

struct Budget {
  int warm_up_rounds = 20;
  int max_rounds = 10'000;
  absl::Duration max_time = absl::Seconds(60);  // without the warm-up; one round at least
};

struct Result {
  std::string name = {};
  std::string unit = {};
  std::string what = {};
  size_t n = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  std::string baseline = {};
  std::optional<double> ratio_p50 = {};  // p50 / the baseline's p50
  // For plots: what so many hundredths of the samples do not exceed, 0 (the least) to 100.
  std::vector<double> percentiles = {};
};

// `progress` is called now and then with rounds done and rounds to do. The first sample that fails
// ends the run. `prepare` is the caller's affair (bench/groups.h).
absl::StatusOr<std::vector<Result>> Measure(
    const std::vector<Row>& rows, const Budget& budget,
    const std::function<void(int done, int total)>& progress);

// The value that `fraction` of the samples do not exceed (nearest rank). Sorts them.
double Percentile(std::vector<double>& samples, double fraction);

}  // namespace bench

#endif  // BENCH_MEASURE_H_
