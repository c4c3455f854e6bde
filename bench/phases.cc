#include "bench/phases.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/measure.h"
#include "child/launch_step.h"

namespace bench {

absl::Status PrintPhases(std::string_view what, forkserver::ForkServer& server,
                         const forkserver::LaunchOptions& options, int rounds,
                         const std::function<absl::Status()>& prepare) {
  // In the order in which they are met first, which is the order in which they happen.
  std::vector<std::string> order;
  std::map<std::string, std::vector<double>> samples;
  std::vector<double> faults;
  const auto add = [&](std::string_view phase, int64_t at, int64_t start) {
    if (at < start) return;
    const std::string name(phase);
    if (samples.count(name) == 0) order.push_back(name);
    samples[name].push_back(static_cast<double>(at - start) / 1000);
  };
  for (int round = 0; round < rounds; ++round) {
    if (absl::Status prepared = prepare(); !prepared.ok()) return prepared;
    absl::StatusOr<forkserver::LaunchedChild> child = server.Launch(options);
    if (!child.ok()) return child.status();
    const forkserver::LaunchTimes& times = child->times;
    const int64_t start = times.requested_at;
    add("template: Fork received", times.template_received_at, start);
    add("template: clone3 returned", times.template_cloned_at, start);
    add("child: first instruction", times.child.started_at, start);
    add("child: Plan received", times.child.plan_received_at, start);
    for (size_t step = 0; step < forkserver::kLaunchStepCount; ++step) {
      add("child: " + std::string(LaunchStepName(static_cast<forkserver::LaunchStep>(step))),
          times.child.done_at[step], start);
    }
    add("host: Ready received", times.ready_received_at, start);
    const absl::StatusOr<forkserver::ExitStatus> status = child->process.Wait();
    if (!status.ok()) return status.status();
    if (status->usage) faults.push_back(static_cast<double>(status->usage->ru_minflt));
  }
  absl::PrintF("median us since the request, of %d launches %s\n\n", rounds, what);
  // By time: a child may run before its template has returned from clone3.
  std::map<std::string, double> medians;
  for (const std::string& phase : order) medians[phase] = Percentile(samples[phase], 0.5);
  std::stable_sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
    return medians[a] < medians[b];
  });
  double before = 0;
  for (const std::string& phase : order) {
    // Of a few launches that were not like the others: their blank was there too late.
    if (2 * samples[phase].size() < static_cast<size_t>(rounds)) continue;
    const double median = medians[phase];
    absl::PrintF("%-28s %9.1f %+9.1f\n", phase, median, median - before);
    before = median;
  }
  absl::PrintF("\n%-28s %9.0f, from its first instruction to its end\n", "child: page faults",
               Percentile(faults, 0.5));
  return absl::OkStatus();
}

}  // namespace bench
