// Collects what the processes of a host count, and what the host counts of them.
//
//     enum Metric : MetricId { kPages };                                    // in host and children
//     int main(int argc, char** argv) {
//       Telemetry telemetry({.metrics = {{kPages, MetricKind::kCounter, "pages"}}});
//       StartOptions options = {.programs = ...};
//       telemetry.AddTo(options);
//       auto server = ForkServer::Start(argc, argv, std::move(options));
//       ...                                               // context.telemetry.Add(kPages), in a
//       child
//       (*server)->End();
//       puts(ToJson(telemetry.Collect()).c_str());
//     }
//
// A child counts in its flight record (child/telemetry/telemetry_writer.h). The host reads that
// when the process has ended, however it did, and adds it to the totals of its type, once; what is
// collected before that has the numbers of the living besides. So each snapshot has all that was
// counted before it began. Totals are kept by type: a process that lies, lies of its own type only,
// and can make a total no less than what others have counted.
//
// What is exact, what is not, and the keys of the JSON: docs/telemetry.md.
//
// Made before Start, in each process that this program can be; it has no thread and no descriptor,
// and looks at records when it is asked and when a process ends (three short reads, on the thread
// that reaps). Collect reads those of all that live, and whoever reaps a process meanwhile waits
// for that. Threads: any. Ownership: what it adds to StartOptions lives as long as it or the
// server.
#ifndef FORKSERVER_REPORT_TELEMETRY_H_
#define FORKSERVER_REPORT_TELEMETRY_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "child/process_types.h"
#include "child/telemetry/metric_table.h"
#include "forkserver/host/broker/refused_call.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/report/launch_counts.h"
#include "forkserver/report/report_counts.h"

namespace forkserver {

struct TelemetryOptions {
  // What children can count; Start refuses what cannot be (MetricTable::Make).
  std::vector<MetricRow> metrics = {};
  // CrashReporter::counter, where there is one.
  std::function<ReportCountsByType()> reports = {};
  // Of each type the latest so many are kept; older ones are dropped, and counted.
  size_t most_events = 1024;
};

struct CollectedEvent {
  int64_t at = 0;  // NowNanos, by the process's own word
  MetricId metric = 0;
  pid_t pid = 0;
  std::string text = {};
};

// How processes have ended.
struct EndCounts {
  std::map<std::string, uint64_t> by_status = {};  // ExitStatus::ToString
  uint64_t crashes = 0;                            // DeathKind
  uint64_t killed = 0;
  uint64_t missed_deadlines = 0;
};

struct TypeTotals {
  // Processes with a record: whose numbers are in the totals for good, and which run.
  uint64_t ended = 0;
  uint64_t living = 0;
  // Whose record could not be made or read: what they have counted is missing. One that lives may
  // be in a later snapshot.
  uint64_t unreadable = 0;
  std::vector<uint64_t> cells = {};        // as MetricTable lays them out
  uint64_t misused = 0;                    // calls that named no metric of their kind
  std::deque<CollectedEvent> events = {};  // as they were collected
  uint64_t events_lost = 0;                // in the process: before the host has looked
  uint64_t events_dropped = 0;             // here: TelemetryOptions::most_events
  EndCounts ends = {};
};

struct TelemetrySnapshot {
  absl::Time at = {};
  int64_t at_nanos = 0;  // NowNanos
  MetricTable metrics = {};
  // kTypeIsOpen: blanks that were never launched. kForkServer: templates.
  std::map<ProcessType, TypeTotals> types = {};
  LaunchTotals launches = {};
  std::map<ProcessType, std::map<CallOutcome, uint64_t>> violations = {};
  ReportCountsByType reports = {};

  // Of a counter, or how often an event was; 0 for what is neither. Of all types, or of one.
  uint64_t Count(MetricId metric) const;
  uint64_t Count(MetricId metric, ProcessType type) const;
  // Empty for what is none.
  Histogram HistogramOf(MetricId metric) const;
  Histogram HistogramOf(MetricId metric, ProcessType type) const;
};

// One object, with a line break at its end.
std::string ToJson(const TelemetrySnapshot& snapshot);

class Telemetry {
 public:
  explicit Telemetry(TelemetryOptions options);
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
  ~Telemetry();

  // Sets `metrics`, and joins whoever listens, observes and hears of refusals already. Once.
  void AddTo(StartOptions& options) const;

  // All that was counted before the call, at least. An event is in the snapshots until it is
  // dropped.
  TelemetrySnapshot Collect() const;

 private:
  class Books;
  const std::shared_ptr<Books> books_;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_TELEMETRY_H_
