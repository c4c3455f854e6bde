#include "bench/sampled_rows.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/bench_program.h"
#include "bench/heap.h"
#include "bench/launch_rate.h"
#include "bench/sampler.h"
#include "bench/sampler_modes.h"

namespace bench {
namespace {

constexpr Mebibytes kSmall = {16};
constexpr Mebibytes kLarge = {1024};

std::shared_ptr<SharedSampler> MakeSampler(SamplerMode mode, Mebibytes heap) {
  // A template that freezes has its heap twice for a moment.
  return std::make_shared<SharedSampler>(
      SamplerCommand(mode, heap), Mebibytes{heap.count * (mode == SamplerMode::kFork ? 1 : 2)});
}

Row Us(Group group, std::string name, std::string baseline, std::string what) {
  return {std::move(name), std::move(baseline), "us", std::move(what), {}, group};
}

}  // namespace

std::vector<Row> HeapRows() {
  const auto small = MakeSampler(SamplerMode::kLaunch, kSmall);
  const auto launch = MakeSampler(SamplerMode::kLaunch, kLarge);
  // Its own, so that its template's early children, whose pages are recorded, do that work.
  const auto work = MakeSampler(SamplerMode::kLaunch, kLarge);
  const auto huge_pages = MakeSampler(SamplerMode::kLaunchHugePages, kLarge);
  const auto fork = MakeSampler(SamplerMode::kFork, kLarge);
  return {
      SampledBy(small, "ready",
                Us(Group::kGrowth, "launch_ready_16m", "",
                   "a launch, 16 MiB of C++ heap in its template")),
      SampledBy(launch, "ready",
                Us(Group::kGrowth, "launch_ready_growth", "launch_ready_16m",
                   "a launch, 1 GiB of it, beside the one before")),
      SampledBy(
          fork, "ready",
          Us(Group::kHeap, "fork_ready_1g", "", "fork_ready of a process with 1 GiB of C++ heap")),
      SampledBy(launch, "ready",
                Us(Group::kHeap, "launch_ready_1g", "fork_ready_1g",
                   "a launch, 1 GiB of it in its template")),
      SampledBy(huge_pages, "ready",
                Us(Group::kHeap, "launch_ready_1g_thp", "fork_ready_1g",
                   "the same without a freeze: anonymous pages of 2 MiB")),
      SampledBy(fork, "work",
                Us(Group::kHeap, "fork_work_1g", "",
                   "fork_ready_1g and 1000 random look-ups in the child")),
      SampledBy(work, "work",
                Us(Group::kHeap, "launch_work_1g", "fork_work_1g",
                   "launch_ready_1g and the same look-ups")),
  };
}

std::vector<Row> NavigationRows() {
  const auto browser = MakeSampler(SamplerMode::kNavigate, Mebibytes{0});
  return {
      SampledBy(browser, "pooled",
                Us(Group::kPool, "navigate_ready", "sandboxed_pooled_ready",
                   "from a URL to the answer of a preallocated content process")),
      SampledBy(browser, "forked",
                Us(Group::kLaunch, "navigate_ready_forked", "sandboxed_ready",
                   "the same of one that is forked for it")),
  };
}

std::vector<Row> TelemetryRows() {
  const auto host = MakeSampler(SamplerMode::kTelemetry, Mebibytes{0});
  return {
      SampledBy(host, std::string(kTimedAtomicAdd),
                {"atomic_add",
                 "",
                 "ns",
                 "an atomic add in a child, to memory of its own",
                 {},
                 Group::kCall}),
      SampledBy(host, std::string(kTimedTelemetryAdd),
                {"telemetry_add",
                 "atomic_add",
                 "ns",
                 "an increment of a counter that the host collects",
                 {},
                 Group::kCall}),
  };
}

std::vector<Row> RateRows() {
  std::vector<Row> rows = {{"fork_exit_rate", "", "1/s",
                            "fork(), _exit, waitpid in a loop, per second",
                            [] { return ForkExitRate(kRateWindow); }, Group::kRate}};
  const auto host = MakeSampler(SamplerMode::kLaunch, Mebibytes{0});
  const auto add = [&](std::string name, std::string what, std::string request) {
    rows.push_back(
        SampledBy(host, std::move(request),
                  {std::move(name), "fork_exit_rate", "1/s", std::move(what), {}, Group::kRate}));
  };
  for (const int in_flight : {1, 4, 16, 64}) {
    add(absl::StrCat("launch_exit_rate_c", in_flight),
        absl::StrCat("launches with exit reaped, per second, ", in_flight,
                     " in flight, one thread"),
        absl::StrCat("rate ", in_flight));
  }
  add("launch_exit_rate_t8", "8 threads that launch and wait", "threads 8");
  return rows;
}

}  // namespace bench
