// Reads a trace back, and holds it to what viewers need and what it promises.
#ifndef TESTS_FORKSERVER_REPORT_READ_TRACE_H_
#define TESTS_FORKSERVER_REPORT_READ_TRACE_H_

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace forkserver::testing {

using TraceEvent = nlohmann::json;

// A stretch of time on a row, as a viewer puts it together: an X, or a B and its E.
struct Slice {
  pid_t pid = 0;
  int64_t tid = 0;
  std::string name;
  double begin = 0;
  double end = 0;  // of one that has no E: the latest time of the trace
  bool has_ended = true;
  TraceEvent args = {};  // of both
};

struct Trace {
  std::vector<TraceEvent> events;
  std::vector<Slice> slices;

  std::string ProcessName(pid_t pid) const;
  // Of that name in that process; one with no name where there is none, or several.
  Slice Find(pid_t pid, std::string_view name) const;
  std::vector<Slice> All(pid_t pid, std::string_view name) const;
  std::vector<TraceEvent> Instants(pid_t pid, std::string_view name) const;
};

std::string ReadText(const std::string& path);

// Parses it, as viewers do: without its end where that is missing, and without a last line that is
// cut. Fails the test where
//   - an event has not what its phase needs, or a time or a duration is negative,
//   - slices of a row overlap and neither is in the other,
//   - an arrow has no beginning or goes back in time, or begins or ends in no slice,
//   - a process has no name.
Trace CheckTrace(const std::string& text);

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_REPORT_READ_TRACE_H_
