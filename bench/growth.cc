#include "bench/growth.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "bench/row.h"
#include "bench/sampler.h"
#include "bench/sampler_modes.h"

namespace bench {
namespace {

constexpr int64_t kSmallest = 16;
constexpr int64_t kLargest = 4096;
constexpr int64_t kStep = 4;

Budget GrowthBudget(const Extent& extent) {
  Budget budget =
      extent.pace == Pace::kFull
          ? Budget{.warm_up_rounds = 3, .max_rounds = 200, .max_time = absl::Seconds(15)}
          : Budget{.warm_up_rounds = 2, .max_rounds = 20, .max_time = absl::Seconds(4)};
  if (extent.max_rounds) {
    budget.max_rounds = std::min(budget.max_rounds, *extent.max_rounds);
    budget.warm_up_rounds = std::min(budget.warm_up_rounds, *extent.max_rounds);
  }
  return budget;
}

}  // namespace

std::vector<Mebibytes> GrowthSizes(Mebibytes largest) {
  std::vector<Mebibytes> sizes;
  for (int64_t size = kSmallest; size <= std::min(largest.count, kLargest); size *= kStep) {
    sizes.push_back({size});
  }
  return sizes;
}

absl::StatusOr<GrowthPoint> MeasureGrowth(Mebibytes heap, const Extent& extent,
                                          const std::string& program) {
  const auto sampler = [&](SamplerMode mode, int copies) {
    return std::make_shared<SharedSampler>(SamplerCommand(mode, heap, program),
                                           Mebibytes{heap.count * copies});
  };
  // The template first: it has its heap twice while it freezes, and nobody is beside it then.
  const auto launch = sampler(SamplerMode::kLaunch, 2);
  const auto fork = sampler(SamplerMode::kFork, 1);
  const std::vector<Row> rows = {SampledBy(fork, "ready", {.name = "fork"}),
                                 SampledBy(launch, "ready", {.name = "launch"})};
  for (const auto& each : {launch, fork}) {
    if (absl::Status started = each->Start(); !started.ok()) return started;
  }
  absl::StatusOr<std::vector<Result>> results =
      Measure(rows, GrowthBudget(extent), [](int, int) {});
  if (!results.ok()) return results.status();
  return GrowthPoint{heap, std::move((*results)[0]), std::move((*results)[1])};
}

}  // namespace bench
