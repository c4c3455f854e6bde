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
  std::vector<size_t> taken(rows.size());
  int64_t end = INT64_MAX;
  int64_t next_progress = 0;
  for (int round = -budget.warm_up_rounds; round < budget.max_rounds; ++round) {
    const int64_t now = forkserver::NowNanos();
    if (round == 0) {
      end = forkserver::DeadlineAfter(now, absl::ToInt64Nanoseconds(budget.max_time));
    }
    if (now >= end && round > 0) break;
    if (now >= next_progress && round >= 0) {
      progress(round, budget.max_rounds);
      next_progress = now + kProgressEvery;
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      // Round 0 is everybody's turn, so that the shortest run has a sample of each row.
      if (round % rows[i].every != 0) continue;
      absl::StatusOr<double> sample = rows[i].sample();
      if (!sample.ok()) {
        return absl::Status(
            sample.status().code(),
            absl::StrFormat("%s: %s", rows[i].name, std::string(sample.status().message())));
      }
      if (round >= 0) values[i * capacity + taken[i]++] = *sample;
    }
  }

  std::vector<Result> results;
  for (size_t i = 0; i < rows.size(); ++i) {
    const double* const first = values + i * capacity;
    std::vector<double> samples(first, first + taken[i]);
    results.push_back({.name = rows[i].name,
                       .unit = rows[i].unit,
                       .what = rows[i].what,
                       .n = samples.size(),
                       .p50 = Percentile(samples, 0.50),
                       .p90 = Percentile(samples, 0.90),
                       .p99 = Percentile(samples, 0.99),
                       .baseline = rows[i].baseline,
                       .ratio_p50 = std::nullopt});
    for (int percent = 0; percent <= 100; ++percent) {
      results.back().percentiles.push_back(Percentile(samples, percent / 100.0));
    }
  }
  for (Result& result : results) {
    for (const Result& other : results) {
      if (other.name == result.baseline && other.p50 > 0) result.ratio_p50 = result.p50 / other.p50;
    }
  }
  return results;
}

}  // namespace bench
