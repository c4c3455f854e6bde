#include "bench/measure.h"

#include <errno.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/mapping.h"

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
  // Outside of what a fork copies: the baseline forks this process, and must not pay for them.
  forkserver::Mapping memory;
  const size_t capacity = static_cast<size_t>(budget.max_rounds);
  if (const int error = memory.Map(std::max<size_t>(rows.size() * capacity * sizeof(double), 1),
                                   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
      error != 0) {
    return forkserver::ErrnoStatus(error, "mmap for the samples");
  }
  if (madvise(memory.bytes().data(), memory.bytes().size(), MADV_DONTFORK) != 0) {
    return forkserver::ErrnoStatus(errno, "madvise MADV_DONTFORK");
  }
  double* const values = reinterpret_cast<double*>(memory.bytes().data());
  size_t taken = 0;
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
      if (round >= 0) values[i * capacity + taken] = *sample;
    }
    if (round >= 0) ++taken;
  }

  std::vector<Result> results;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<double> samples(values + i * capacity, values + i * capacity + taken);
    results.push_back({.name = rows[i].name,
                       .unit = rows[i].unit,
                       .what = rows[i].what,
                       .n = samples.size(),
                       .p50 = Percentile(samples, 0.50),
                       .p90 = Percentile(samples, 0.90),
                       .p99 = Percentile(samples, 0.99),
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
