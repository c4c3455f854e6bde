// What the benchmark's children run, and the Plan that they are launched with.
#ifndef BENCH_BENCH_PROGRAM_H_
#define BENCH_BENCH_PROGRAM_H_

#include <stdint.h>

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "child/telemetry/metric_table.h"
#include "forkserver/host/launch_options.h"
#include "transceiver/unique_fd.h"

namespace bench {

// A launch that forks for itself and takes nothing that waits.
inline constexpr forkserver::LaunchWay kForkedLaunch = forkserver::LaunchWay::kFork;

// Look-ups of a child that is told to "work".
inline constexpr int kLookUps = 1000;

// Questions to a child that is told to "time".
inline constexpr std::string_view kTimedOpen = "open";
inline constexpr std::string_view kTimedCall = "call";
inline constexpr std::string_view kTimedAtomicAdd = "atomic add";
inline constexpr std::string_view kTimedTelemetryAdd = "telemetry add";

// ProcessType::kUtility. Its second argument says what to do:
//   exit       ends at once
//   echo       sends back every packet until the host hangs up
//   work SEED  looks up kLookUps keys of the template's heap, sends a byte, ends
//   sandbox    engages all layers of the content policy itself, sends a byte, ends
//   actor      binds the endpoint that it is sent, and answers over that (bench/actor_child.h)
//   sink       receives until the host hangs up
//   time       answers kTimedOpen and kTimedCall with what one of them took, in us, or with minus
//              the errno, as a double, until the host hangs up; and kTimedAtomicAdd and
//              kTimedTelemetryAdd with what one of kAdds took, in ns
class BenchProgram : public forkserver::ChildProgram {
 public:
  int Run(forkserver::ChildContext& context) override;
};

std::vector<forkserver::ChildProgramRow> BenchPrograms();

// What a child that is told to "time" adds to; kAdds for each question.
enum BenchMetric : forkserver::MetricId { kBenchAdds };
std::vector<forkserver::MetricRow> BenchMetrics();
inline constexpr uint64_t kAdds = 1'000'000;

// Asks a child that was told to "time", over its launch socket. Fails with the child's errno.
absl::StatusOr<double> AskTimingChild(int socket, std::string_view what);

// 20 environment variables replaced, stdio and 2 more descriptors, cwd, 2 limits, title,
// parent-death signal (which is on by default). Owns the descriptors that the options name.
class RealisticPlan {
 public:
  static absl::StatusOr<RealisticPlan> Create();

  forkserver::LaunchOptions Exit() const { return For({"exit"}); }
  forkserver::LaunchOptions Work(uint64_t seed) const;
  forkserver::LaunchOptions Echo() const { return For({"echo"}); }
  forkserver::LaunchOptions SandboxItself() const { return For({"sandbox"}); }
  forkserver::LaunchOptions Actor() const { return For({"actor"}); }
  forkserver::LaunchOptions RawSink() const { return For({"sink"}); }
  forkserver::LaunchOptions Time() const { return For({"time"}); }

 private:
  RealisticPlan() = default;
  forkserver::LaunchOptions For(std::vector<std::string> arguments) const;

  forkserver::LaunchOptions options_;
  std::vector<forkserver::UniqueFd> open_;
};

}  // namespace bench

#endif  // BENCH_BENCH_PROGRAM_H_
