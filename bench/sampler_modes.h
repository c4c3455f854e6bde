// The samplers that are this same program, started with a hidden first argument.
//
//     auto sampler = Sampler::Start(SamplerCommand(SamplerMode::kFork, Mebibytes{1024}));
//     (*sampler)->Sample("ready");
//
// Requests of all: "ready" (a fork or launch, to its first sign of life), "work" (to the end of
// kLookUps look-ups in the heap, of other keys each time). Of the launching ones also "rate N" (N
// in flight) and "threads N", each over one kRateWindow, and "once", one "ready" for whoever
// counts. Of kNavigate "pooled" and "forked" only; of kTelemetry kTimedAtomicAdd and
// kTimedTelemetryAdd only, in ns.
//
// Each "ready", "pooled", "forked" and "work" is done twice, and the second is the sample: samplers
// take turns, and while one copies the page tables of a gigabyte the other's processes sleep and
// lose the caches.
#ifndef BENCH_SAMPLER_MODES_H_
#define BENCH_SAMPLER_MODES_H_

#include <optional>
#include <string>
#include <vector>

#include "bench/heap.h"

namespace bench {

enum class SamplerMode {
  kFork,             // holds the heap itself and forks
  kLaunch,           // a host; its root builds the heap in a warm-up and freezes it
  kLaunchHugePages,  // the same, with anonymous pages of 2 MiB in place of the freeze
  kNavigate,         // a browser's parent process (navigate.h); without a heap
  kTelemetry,        // a host that keeps telemetry, and a child of it that adds; without a heap
};

// `program`: the benchmark's; empty for the running one.
std::vector<std::string> SamplerCommand(SamplerMode mode, Mebibytes heap, std::string program = "");

// Main's first statement: if the arguments are those of a sampler, is it, and gives its exit
// status in the end. A process that the fork server exec'ed does not return from it.
std::optional<int> RunIfSampler(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_SAMPLER_MODES_H_
