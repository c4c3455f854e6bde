#include "forkserver/report/telemetry.h"

#include <mutex>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/launch_observer_list.h"
#include "forkserver/report/crash_report.h"
#include "forkserver/report/saturating.h"
#include "forkserver/report/telemetry_record.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

DeathKind KindOfEnd(const FlightView& flight, const FlightEnd& end) {
  CrashRecord record;
  if (end.status.kind == ExitStatus::Kind::kKilled && flight.record >= 0 &&
      HasRecordedCrash(flight.record)) {
    record.crash = std::make_shared<const RecordedCrash>();
  }
  return KindOf(end, record);
}

void AddEnd(EndCounts& ends, const FlightView& flight, const FlightEnd& end) {
  ++ends.by_status[end.status.ToString()];
  switch (KindOfEnd(flight, end)) {
    case DeathKind::kCrash:
      ++ends.crashes;
      break;
    case DeathKind::kKilled:
      ++ends.killed;
      break;
    case DeathKind::kMissedDeadline:
      ++ends.missed_deadlines;
      break;
    case DeathKind::kNoReport:
      break;
  }
}

void AddCounts(TypeTotals& totals, const ProcessCounts& counts) {
  AddSaturating(totals.cells, counts.cells);
  AddSaturating(totals.misused, counts.misused);
}

Histogram HistogramIn(const MetricTable& table, MetricId metric,
                      const std::vector<uint64_t>& cells) {
  const MetricTable::Place* const place = table.Find(metric, MetricKind::kHistogram);
  if (place == nullptr) return {};
  const auto bounds = table.BoundsOf(*place);
  Histogram histogram = {.bounds = {bounds.begin(), bounds.end()}};
  histogram.buckets.resize(bounds.size() + 1);
  if (cells.size() < table.cells()) return histogram;
  const auto first = cells.begin() + place->first_cell;
  histogram.buckets.assign(first, first + place->bound_count + 1);
  histogram.sum = first[place->bound_count + 1];
  return histogram;
}

}  // namespace

// What the telemetry shares with whoever reaps, launches and refuses.
class Telemetry::Books : public FlightListener {
 public:
  explicit Books(TelemetryOptions options) : options_(std::move(options)) {
    // Start says what is wrong with them; nothing is counted then.
    absl::StatusOr<MetricTable> table = MetricTable::Make(options_.metrics);
    if (table.ok()) table_ = *std::move(table);
  }

  const TelemetryOptions& options() const { return options_; }
  const std::shared_ptr<LaunchCounts>& launches() const { return launches_; }

  void OnStart(std::weak_ptr<FlightRecorder> recorder) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    recorder_ = std::move(recorder);
  }

  void OnEnd(const FlightView& flight, const FlightEnd* end) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    merged_.insert(flight.id);
    Merge(flight, end);
    readers_.erase(flight.id);
  }

  void OnForgotten(uint64_t id) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    merged_.erase(id);
  }

  void OnRefused(const RefusedCall& call) {
    const std::lock_guard<std::mutex> lock(violations_mutex_);
    ++violations_[call.type][call.outcome];
  }

  TelemetrySnapshot Collect() {
    TelemetrySnapshot snapshot = {.at = absl::Now(), .at_nanos = NowNanos(), .metrics = table_};
    snapshot.launches = launches_->totals();
    if (options_.reports) snapshot.reports = options_.reports();
    {
      const std::lock_guard<std::mutex> lock(violations_mutex_);
      snapshot.violations = violations_;
    }
    // Who ends meanwhile is living in this snapshot, and merged after it.
    const std::lock_guard<std::mutex> lock(mutex_);
    std::map<ProcessType, TypeTotals> living;
    if (const std::shared_ptr<FlightRecorder> recorder = recorder_.lock()) {
      for (const uint64_t id : recorder->Living()) {
        if (!merged_.contains(id)) LookAt(*recorder, id, living);
      }
    }
    snapshot.types = ended_;
    for (const auto& [type, totals] : living) {
      TypeTotals& all = snapshot.types[type];
      all.living = totals.living;
      all.unreadable += totals.unreadable;
      AddSaturating(all.cells, totals.cells);
      AddSaturating(all.misused, totals.misused);
    }
    return snapshot;
  }

 private:
  // For good.
  void Merge(const FlightView& flight, const FlightEnd* end) {
    TypeTotals& totals = ended_[flight.who.type];
    if (end != nullptr) AddEnd(totals.ends, flight, *end);
    const absl::StatusOr<ProcessCounts> counts = Read(flight.record);
    if (!counts.ok()) {
      // Of what never was a process nothing is missing.
      if (end != nullptr) ++totals.unreadable;
      return;
    }
    if (!counts->was_mapped) return;
    ++totals.ended;
    AddCounts(totals, *counts);
    TakeEvents({.id = flight.id, .who = flight.who, .record = flight.record}, *counts,
               EventsAfter::kNoMore, totals);
  }

  void LookAt(const FlightRecorder& recorder, uint64_t id,
              std::map<ProcessType, TypeTotals>& living) {
    const absl::StatusOr<OpenedFlight> flight = recorder.Open(id);
    if (!flight.ok()) return;
    TypeTotals& totals = living[flight->who.type];
    const absl::StatusOr<ProcessCounts> counts = Read(flight->record.get());
    if (!counts.ok()) {
      ++totals.unreadable;
      return;
    }
    if (!counts->was_mapped) return;
    ++totals.living;
    AddCounts(totals, *counts);
    TakeEvents({.id = id, .who = flight->who, .record = flight->record.get()}, *counts,
               EventsAfter::kMoreToCome, ended_[flight->who.type]);
  }

  absl::StatusOr<ProcessCounts> Read(int record) const {
    if (record < 0) return absl::NotFoundError("it has no flight record");
    return ReadProcessCounts(record, table_);
  }

  // Into `totals`, where they stay.
  void TakeEvents(const FlightView& flight, const ProcessCounts& counts, EventsAfter after,
                  TypeTotals& totals) {
    if (counts.next_event == 0) return;
    absl::StatusOr<EventReader::Batch> batch =
        readers_[flight.id].Read(flight.record, table_, counts.next_event, after);
    if (!batch.ok()) return;
    AddSaturating(totals.events_lost, batch->lost);
    for (RecordedEvent& event : batch->events) {
      totals.events.push_back({.at = event.at,
                               .metric = event.metric,
                               .pid = flight.who.pid,
                               .text = std::move(event.text)});
      if (totals.events.size() <= options_.most_events) continue;
      totals.events.pop_front();
      ++totals.events_dropped;
    }
  }

  const TelemetryOptions options_;
  MetricTable table_;  // constant from the constructor on
  const std::shared_ptr<LaunchCounts> launches_ = std::make_shared<LaunchCounts>();

  // Taken before the recorder's, and never while that is held.
  std::mutex mutex_;
  std::weak_ptr<FlightRecorder> recorder_;
  std::map<ProcessType, TypeTotals> ended_;
  std::set<uint64_t> merged_;                // that Living may still name
  std::map<uint64_t, EventReader> readers_;  // of those that live and have said something

  std::mutex violations_mutex_;
  std::map<ProcessType, std::map<CallOutcome, uint64_t>> violations_;
};

uint64_t TelemetrySnapshot::Count(MetricId metric) const {
  uint64_t sum = 0;
  for (const auto& [type, totals] : types) AddSaturating(sum, Count(metric, type));
  return sum;
}

uint64_t TelemetrySnapshot::Count(MetricId metric, ProcessType type) const {
  const auto totals = types.find(type);
  const MetricTable::Place* place = metrics.Find(metric, MetricKind::kCounter);
  if (place == nullptr) place = metrics.Find(metric, MetricKind::kEvent);
  if (place == nullptr || totals == types.end()) return 0;
  const std::vector<uint64_t>& cells = totals->second.cells;
  return cells.empty() ? 0 : cells[place->first_cell];
}

Histogram TelemetrySnapshot::HistogramOf(MetricId metric, ProcessType type) const {
  const auto totals = types.find(type);
  return HistogramIn(metrics, metric,
                     totals != types.end() ? totals->second.cells : std::vector<uint64_t>());
}

Histogram TelemetrySnapshot::HistogramOf(MetricId metric) const {
  std::vector<uint64_t> cells;
  for (const auto& [type, totals] : types) AddSaturating(cells, totals.cells);
  return HistogramIn(metrics, metric, cells);
}

Telemetry::Telemetry(TelemetryOptions options)
    : books_(std::make_shared<Books>(std::move(options))) {}
Telemetry::~Telemetry() = default;

void Telemetry::AddTo(StartOptions& options) const {
  options.metrics = books_->options().metrics;
  options.flight_recorder.listeners.push_back(books_);
  options.observer = ObserveTogether(std::move(options.observer), books_->launches());
  options.broker.reporter.on_refused =
      [books = books_,
       before = std::move(options.broker.reporter.on_refused)](const RefusedCall& call) {
        if (before) before(call);
        books->OnRefused(call);
      };
}

TelemetrySnapshot Telemetry::Collect() const { return books_->Collect(); }

}  // namespace forkserver
