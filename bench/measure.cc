#include "bench/measure.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"

namespace bench {
namespace {

constexpr int64_t kProgressEvery = forkserver::kNanosPerSecond / 2;

}  // namespace

double Percentile(std::vector<double>& samples, double fraction) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const size_t rank =
      static_cast<size_t>(std::ceil(fraction * static_cast<double>(samples.size())));
  return samples[std::max<size_t>(rank, 1) - 1];
}

absl::StatusOr<std::vector<Result>> Measure(
    const std::vector<Row>& rows, const Budget& budget,
    const std::function<void(int done, int total)>& progress) {
  std::vector<std::vector<double>> samples(rows.size());
  const int64_t start = forkserver::NowNanos();
  const int64_t end = start + absl::ToInt64Nanoseconds(budget.max_time);
  int64_t next_progress = start;
  for (int round = -budget.warm_up_rounds; round < budget.max_rounds; ++round) {
    const int64_t now = forkserver::NowNanos();
    if (now >= end && round > 0) break;
    if (now >= next_progress && round >= 0) {
      progress(round, budget.max_rounds);
      next_progress = now + kProgressEvery;
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      absl::StatusOr<double> sample = rows[i].sample();
      if (!sample.ok()) {
        return absl::Status(
            sample.status().code(),
            absl::StrFormat("%s: %s", rows[i].name, std::string(sample.status().message())));
      }
      if (round >= 0) samples[i].push_back(*sample);
    }
  }

  std::vector<Result> results;
  for (size_t i = 0; i < rows.size(); ++i) {
    results.push_back({.name = rows[i].name,
                       .unit = rows[i].unit,
                       .what = rows[i].what,
                       .n = samples[i].size(),
                       .p50 = Percentile(samples[i], 0.50),
                       .p90 = Percentile(samples[i], 0.90),
                       .p99 = Percentile(samples[i], 0.99),
                       .baseline = rows[i].baseline,
                       .ratio_p50 = std::nullopt});
  }
  for (Result& result : results) {
    for (const Result& other : results) {
      if (other.name == result.baseline && other.p50 > 0) result.ratio_p50 = result.p50 / other.p50;
    }
  }
  return results;
}

}  // namespace bench
