// A snapshot for programs; docs/telemetry.md has its keys.
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_format.h"
#include "child/launch_step.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/report/reported_type.h"
#include "forkserver/report/telemetry.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

using Json = nlohmann::ordered_json;

std::string_view OutcomeName(CallOutcome outcome) {
  switch (outcome) {
    case CallOutcome::kRefused:
      return "refused";
    case CallOutcome::kKilled:
      return "killed";
    case CallOutcome::kUnknownCaller:
      return "unknown_caller";
    case CallOutcome::kTimedOut:
      return "timed_out";
    case CallOutcome::kTooBusy:
      return "too_busy";
  }
  return "unknown";
}

std::string_view KindName(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kHistogram:
      return "histogram";
    case MetricKind::kEvent:
      return "event";
  }
  return "unknown";
}

Json HistogramJson(const Histogram& histogram) {
  return {{"count", histogram.count()}, {"sum", histogram.sum}, {"buckets", histogram.buckets}};
}

Json LaunchesJson(const LaunchTotals& launches) {
  Json types = Json::object();
  for (const auto& [type, counts] : launches.types) {
    Json& json = types[ReportedTypeName(type)];
    json["begun"] = counts.begun;
    for (size_t way = 0; way < counts.ready.size(); ++way) {
      json[std::string(LaunchedByName(static_cast<LaunchedBy>(way)))] = counts.ready[way];
    }
    json["failed"] = counts.failed;
  }
  return types;
}

Json FailuresJson(const LaunchTotals& launches) {
  Json failures = Json::array();
  for (const auto& [kind, count] : launches.failures) {
    Json json = {{"type", ReportedTypeName(kind.type)}};
    if (kind.step != LaunchStep::kNone) {
      json["step"] = std::string(LaunchStepName(kind.step));
      json["errno"] = ErrnoName(kind.error);
    } else {
      json["status"] = absl::StatusCodeToString(kind.code);
    }
    json["count"] = count;
    failures.push_back(std::move(json));
  }
  if (launches.other_failures > 0) {
    failures.push_back({{"status", "others"}, {"count", launches.other_failures}});
  }
  return failures;
}

Json LatencyJson(const LaunchTotals& launches) {
  Json json = {{"bounds", launches.latency[0].bounds}};
  for (size_t way = 0; way < launches.latency.size(); ++way) {
    json[std::string(LaunchedByName(static_cast<LaunchedBy>(way)))] =
        HistogramJson(launches.latency[way]);
  }
  return json;
}

Json TemplatesJson(const LaunchTotals& launches) {
  Json templates = Json::object();
  for (const auto& [name, counts] : launches.templates) {
    templates[OneLine(name)] = {{"starts", counts.starts},
                                {"deaths", counts.deaths},
                                {"given_up", counts.given_up},
                                {"evicted", counts.evicted}};
  }
  return templates;
}

Json ProcessesJson(const TelemetrySnapshot& snapshot) {
  Json types = Json::object();
  for (const auto& [type, totals] : snapshot.types) {
    types[ReportedTypeName(type)] = {
        {"living", totals.living},           {"ended", totals.ended},
        {"unreadable", totals.unreadable},   {"misused", totals.misused},
        {"events_lost", totals.events_lost}, {"events_dropped", totals.events_dropped}};
  }
  return types;
}

Json EndsJson(const TelemetrySnapshot& snapshot) {
  Json types = Json::object();
  for (const auto& [type, totals] : snapshot.types) {
    if (totals.ends.by_status.empty()) continue;
    types[ReportedTypeName(type)] = totals.ends.by_status;
  }
  return types;
}

// Of the types that have died so.
Json DeathsJson(const TelemetrySnapshot& snapshot) {
  Json types = Json::object();
  for (const auto& [type, totals] : snapshot.types) {
    const EndCounts& ends = totals.ends;
    if (ends.crashes == 0 && ends.killed == 0 && ends.missed_deadlines == 0) continue;
    types[ReportedTypeName(type)] = {{"crashes", ends.crashes},
                                     {"killed", ends.killed},
                                     {"missed_deadlines", ends.missed_deadlines}};
  }
  return types;
}

Json ViolationsJson(const TelemetrySnapshot& snapshot) {
  Json types = Json::object();
  for (const auto& [type, outcomes] : snapshot.violations) {
    // kParent is who is none of the children that are known.
    Json& json = types[type == ProcessType::kParent ? "unknown" : ReportedTypeName(type)];
    for (const auto& [outcome, count] : outcomes) json[std::string(OutcomeName(outcome))] = count;
  }
  return types;
}

Json ReportsJson(const TelemetrySnapshot& snapshot) {
  Json types = Json::object();
  for (const auto& [type, counts] : snapshot.reports) {
    types[ReportedTypeName(type)] = {
        {"written", counts.written}, {"failed", counts.failed}, {"dropped", counts.dropped}};
  }
  return types;
}

// Types that have counted nothing of a metric are left out.
Json MetricJson(const TelemetrySnapshot& snapshot, const MetricRow& row) {
  Json json = {{"kind", std::string(KindName(row.kind))}};
  Json types = Json::object();
  if (row.kind == MetricKind::kHistogram) {
    json["bounds"] = row.bounds;
    json["total"] = HistogramJson(snapshot.HistogramOf(row.id));
  } else {
    json["total"] = snapshot.Count(row.id);
  }
  for (const auto& [type, totals] : snapshot.types) {
    if (row.kind == MetricKind::kHistogram) {
      const Histogram histogram = snapshot.HistogramOf(row.id, type);
      if (histogram.count() > 0) types[ReportedTypeName(type)] = HistogramJson(histogram);
    } else if (const uint64_t count = snapshot.Count(row.id, type); count > 0) {
      types[ReportedTypeName(type)] = count;
    }
  }
  json["types"] = std::move(types);
  return json;
}

Json EventsJson(const TelemetrySnapshot& snapshot) {
  Json events = Json::array();
  for (const auto& [type, totals] : snapshot.types) {
    for (const CollectedEvent& event : totals.events) {
      const double before = static_cast<double>(snapshot.at_nanos) - static_cast<double>(event.at);
      events.push_back({{"name", OneLine(snapshot.metrics.rows()[event.metric].name)},
                        {"type", ReportedTypeName(type)},
                        {"pid", event.pid},
                        {"seconds_before", before / kNanosPerSecond},
                        {"text", OneLine(event.text)}});
    }
  }
  return events;
}

}  // namespace

std::string ToJson(const TelemetrySnapshot& snapshot) {
  Json metrics = Json::object();
  for (const MetricRow& row : snapshot.metrics.rows()) {
    metrics[OneLine(row.name)] = MetricJson(snapshot, row);
  }
  const Json json = {
      {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", snapshot.at, absl::UTCTimeZone())},
      {"launches", LaunchesJson(snapshot.launches)},
      {"launch_failures", FailuresJson(snapshot.launches)},
      {"launch_latency_us", LatencyJson(snapshot.launches)},
      {"templates", TemplatesJson(snapshot.launches)},
      {"processes", ProcessesJson(snapshot)},
      {"ends", EndsJson(snapshot)},
      {"deaths", DeathsJson(snapshot)},
      {"sandbox_violations", ViolationsJson(snapshot)},
      {"crash_reports", ReportsJson(snapshot)},
      {"metrics", std::move(metrics)},
      {"events", EventsJson(snapshot)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace forkserver
