#include "forkserver/report/launch_counts.h"

#include <algorithm>
#include <optional>

#include "child/telemetry/metric_table.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/report/saturating.h"

namespace forkserver {
namespace {

constexpr uint64_t kFirstLatencyMicros = 32;
constexpr size_t kLatencyBounds = 20;  // up to 16 seconds
constexpr int64_t kNanosPerMicro = 1000;

}  // namespace

uint64_t Histogram::count() const {
  uint64_t count = 0;
  for (const uint64_t bucket : buckets) AddSaturating(count, bucket);
  return count;
}

void Histogram::Record(uint64_t value) {
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
  ++buckets[static_cast<size_t>(bound - bounds.begin())];
  AddSaturating(sum, value);
}

LaunchCounts::LaunchCounts() {
  for (Histogram& histogram : totals_.latency) {
    histogram.bounds = DoublingBounds(kFirstLatencyMicros, kLatencyBounds);
    histogram.buckets.resize(histogram.bounds.size() + 1);
  }
}

LaunchTotals LaunchCounts::totals() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return totals_;
}

void LaunchCounts::OnLaunchBegun(const LaunchBegun& launch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++totals_.types[launch.type].begun;
}

void LaunchCounts::OnLaunchReady(const LaunchReady& launch) {
  const auto way = static_cast<size_t>(launch.origin.by.value_or(LaunchedBy::kFork));
  const int64_t nanos = launch.times.ready_received_at - launch.times.requested_at;
  const std::lock_guard<std::mutex> lock(mutex_);
  ++totals_.types[launch.type].ready[way];
  totals_.latency[way].Record(static_cast<uint64_t>(std::max<int64_t>(nanos, 0) / kNanosPerMicro));
}

void LaunchCounts::OnLaunchFailed(const LaunchFailed& launch) {
  FailedLaunch kind = {.type = launch.type, .code = launch.why.code()};
  if (const std::optional<LaunchFailure> failure = GetLaunchFailure(launch.why)) {
    kind = {.type = launch.type, .step = failure->step, .error = failure->error};
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  ++totals_.types[launch.type].failed;
  const auto found = totals_.failures.find(kind);
  if (found != totals_.failures.end()) {
    ++found->second;
  } else if (totals_.failures.size() < kMostKindsOfFailure) {
    totals_.failures.emplace(kind, 1);
  } else {
    ++totals_.other_failures;
  }
}

void LaunchCounts::OnTemplateEvent(const TemplateEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  TemplateCounts& counts = totals_.templates[std::string(event.name)];
  switch (event.kind) {
    case TemplateEvent::Kind::kStarting:
      ++counts.starts;
      break;
    case TemplateEvent::Kind::kDied:
      ++counts.deaths;
      break;
    case TemplateEvent::Kind::kGivenUp:
      ++counts.given_up;
      break;
    case TemplateEvent::Kind::kEvicted:
      ++counts.evicted;
      break;
    case TemplateEvent::Kind::kServing:
    case TemplateEvent::Kind::kEnding:
      break;
  }
}

}  // namespace forkserver
