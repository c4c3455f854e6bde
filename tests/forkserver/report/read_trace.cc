#include "tests/forkserver/report/read_trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

namespace forkserver::testing {
namespace {

// Half of the clock's nanosecond, in microseconds: times are numbers of that unit, not of this.
constexpr double kRounding = 0.0015;

using Row = std::pair<pid_t, int64_t>;

Row RowOf(const TraceEvent& event) { return {event.at("pid"), event.at("tid")}; }

std::vector<Slice> SlicesOf(const std::vector<TraceEvent>& events) {
  double latest = 0;
  for (const TraceEvent& event : events) {
    if (event.contains("ts")) latest = std::max(latest, event.at("ts").get<double>());
  }
  std::vector<Slice> slices;
  std::map<Row, std::vector<size_t>> open;
  for (const TraceEvent& event : events) {
    const std::string phase = event.at("ph");
    const Row row = RowOf(event);
    const TraceEvent args = event.value("args", TraceEvent::object());
    if (phase == "X" || phase == "B") {
      const double begin = event.at("ts");
      Slice slice = {row.first, row.second, event.at("name"), begin, latest, false, args};
      if (phase == "X") {
        slice.end = begin + event.at("dur").get<double>();
        slice.has_ended = true;
        EXPECT_GE(event.at("dur").get<double>(), 0) << event;
      } else {
        open[row].push_back(slices.size());
      }
      slices.push_back(std::move(slice));
    } else if (phase == "E") {
      EXPECT_FALSE(open[row].empty()) << "an end of nothing: " << event;
      if (open[row].empty()) continue;
      Slice& slice = slices[open[row].back()];
      open[row].pop_back();
      slice.end = event.at("ts");
      slice.has_ended = true;
      slice.args.update(args);
      EXPECT_GE(slice.end, slice.begin) << event;
    }
  }
  return slices;
}

void CheckNesting(const std::vector<Slice>& slices) {
  for (size_t i = 0; i < slices.size(); ++i) {
    for (size_t j = i + 1; j < slices.size(); ++j) {
      const Slice& one = slices[i];
      const Slice& other = slices[j];
      if (one.pid != other.pid || one.tid != other.tid) continue;
      const bool apart = one.end <= other.begin + kRounding || other.end <= one.begin + kRounding;
      const bool in_other =
          one.begin + kRounding >= other.begin && one.end <= other.end + kRounding;
      const bool in_one = other.begin + kRounding >= one.begin && other.end <= one.end + kRounding;
      EXPECT_TRUE(apart || in_other || in_one)
          << one.name << " and " << other.name << " overlap on row " << one.tid << " of "
          << one.pid;
    }
  }
}

void CheckArrows(const std::vector<TraceEvent>& events, const std::vector<Slice>& slices) {
  std::map<std::pair<std::string, uint64_t>, double> last;
  for (const TraceEvent& event : events) {
    const std::string phase = event.at("ph");
    if (phase != "s" && phase != "t" && phase != "f") continue;
    const std::pair<std::string, uint64_t> arrow = {event.at("cat"), event.at("id")};
    const double at = event.at("ts");
    EXPECT_EQ(last.contains(arrow), phase != "s") << event;
    EXPECT_GE(at + kRounding, last[arrow]) << event;
    last[arrow] = at;
    const Row row = RowOf(event);
    EXPECT_TRUE(std::any_of(slices.begin(), slices.end(),
                            [&](const Slice& slice) {
                              return Row(slice.pid, slice.tid) == row &&
                                     slice.begin <= at + kRounding && at <= slice.end + kRounding;
                            }))
        << "an arrow that touches nothing: " << event;
  }
}

}  // namespace

std::string Trace::ProcessName(pid_t pid) const {
  for (const TraceEvent& event : events) {
    if (event.at("ph") == "M" && event.at("name") == "process_name" && event.at("pid") == pid) {
      return event.at("args").at("name");
    }
  }
  return "";
}

std::vector<Slice> Trace::All(pid_t pid, std::string_view name) const {
  std::vector<Slice> all;
  for (const Slice& one : slices) {
    if (one.pid == pid && one.name == name) all.push_back(one);
  }
  return all;
}

Slice Trace::Find(pid_t pid, std::string_view name) const {
  const std::vector<Slice> all = All(pid, name);
  EXPECT_EQ(all.size(), 1u) << "slices " << name << " of " << pid;
  return all.size() == 1 ? all.front() : Slice();
}

std::vector<TraceEvent> Trace::Instants(pid_t pid, std::string_view name) const {
  std::vector<TraceEvent> all;
  for (const TraceEvent& event : events) {
    if (event.at("ph") == "i" && event.at("pid") == pid && event.at("name") == name) {
      all.push_back(event);
    }
  }
  return all;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Trace CheckTrace(const std::string& text) {
  Trace trace;
  std::string whole = text;
  if (!whole.ends_with("]\n")) {
    const size_t last_line = whole.find_last_of('\n');
    if (!TraceEvent::accept(whole.substr(last_line + 1))) whole.erase(last_line);
    if (whole.ends_with(",")) whole.pop_back();
    whole += "]";
  }
  const TraceEvent parsed = TraceEvent::parse(whole, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(parsed.is_array()) << text;
  if (!parsed.is_array()) return trace;
  trace.events = parsed.get<std::vector<TraceEvent>>();
  for (const TraceEvent& event : trace.events) {
    EXPECT_TRUE(event.at("pid").is_number_integer() && event.at("tid").is_number_integer());
    EXPECT_GE(event.at("ph") == "M" ? 0 : event.at("ts").get<double>(), 0) << event;
    EXPECT_NE(trace.ProcessName(event.at("pid")), "") << event;
  }
  trace.slices = SlicesOf(trace.events);
  CheckNesting(trace.slices);
  CheckArrows(trace.events, trace.slices);
  return trace;
}

}  // namespace forkserver::testing
