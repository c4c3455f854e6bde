// Counts what an observer is told of launches and templates.
//
// Threads: any. Ownership: see LaunchObserver.
#ifndef FORKSERVER_REPORT_LAUNCH_COUNTS_H_
#define FORKSERVER_REPORT_LAUNCH_COUNTS_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "child/launch_step.h"
#include "child/process_types.h"
#include "forkserver/host/launch_observer.h"

namespace forkserver {

struct Histogram {
  std::vector<uint64_t> bounds = {};   // the greatest value of each bucket but the last
  std::vector<uint64_t> buckets = {};  // one more than bounds
  uint64_t sum = 0;

  uint64_t count() const;
  void Record(uint64_t value);
};

// By LaunchedBy.
template <typename Value>
using ByWay = std::array<Value, 3>;

// A failure of a step has that and its errno; another one the code of its Status.
struct FailedLaunch {
  ProcessType type = ProcessType::kParent;
  LaunchStep step = LaunchStep::kNone;
  int error = 0;
  absl::StatusCode code = absl::StatusCode::kOk;

  auto operator<=>(const FailedLaunch&) const = default;
};

struct LaunchesOfType {
  uint64_t begun = 0;
  ByWay<uint64_t> ready = {};
  uint64_t failed = 0;
};

struct TemplateCounts {
  uint64_t starts = 0;
  uint64_t deaths = 0;
  uint64_t given_up = 0;
  uint64_t evicted = 0;
};

struct LaunchTotals {
  std::map<ProcessType, LaunchesOfType> types = {};
  std::map<FailedLaunch, uint64_t> failures = {};
  // Of kinds that found no place in `failures`, which a peer that lies could fill.
  uint64_t other_failures = 0;
  // From the call to Ready, in microseconds.
  ByWay<Histogram> latency = {};
  std::map<std::string, TemplateCounts> templates = {};  // all layouts
};

class LaunchCounts : public LaunchObserver {
 public:
  static constexpr size_t kMostKindsOfFailure = 1024;

  LaunchCounts();

  LaunchTotals totals() const;

  void OnLaunchBegun(const LaunchBegun& launch) override;
  void OnLaunchReady(const LaunchReady& launch) override;
  void OnLaunchFailed(const LaunchFailed& launch) override;
  void OnTemplateEvent(const TemplateEvent& event) override;

 private:
  mutable std::mutex mutex_;
  LaunchTotals totals_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_LAUNCH_COUNTS_H_
