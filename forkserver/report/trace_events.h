// Events in the words of the Chrome trace event format ("Trace Event Format"), which Perfetto and
// chrome://tracing open.
//
//     TraceEvents events;
//     events.Complete({.pid = 7, .tid = 7}, "freeze", started_at, ended_at, {{"frozen", true}});
//     file.Append(events.text(), events.count());
//
// Times are nanoseconds of NowNanos and are written as microseconds of the same clock
// (CLOCK_MONOTONIC), to the nanosecond. Names may have any bytes: what is no UTF-8 becomes U+FFFD.
#ifndef FORKSERVER_REPORT_TRACE_EVENTS_H_
#define FORKSERVER_REPORT_TRACE_EVENTS_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace forkserver {

// A row: a thread of a process, or one that stands for what has none.
struct TraceRow {
  pid_t pid = 0;
  int64_t tid = 0;

  // Of a process that has one thread.
  static TraceRow Of(pid_t pid) { return {.pid = pid, .tid = pid}; }
};

class TraceEvents {
 public:
  using Args = nlohmann::ordered_json;

  // M: what a process is called, and where it stands, and what a row is called.
  void NameProcess(pid_t pid, std::string_view name, int place);
  void NameRow(TraceRow row, std::string_view name);
  // X; nothing where `end` is before `begin`.
  void Complete(TraceRow row, std::string_view name, int64_t begin, int64_t end,
                Args args = Args::object());
  // B, E: of what may never end. What begins last ends first.
  void Begin(TraceRow row, std::string_view name, int64_t at, Args args = Args::object());
  void End(TraceRow row, int64_t at, Args args = Args::object());
  // i: a moment.
  void Instant(TraceRow row, std::string_view name, int64_t at, Args args = Args::object());
  // s, t, f: an arrow from what a row shows at a time to what another one does. `kind` and `id`
  // together are its name.
  void ArrowFrom(TraceRow row, std::string_view kind, uint64_t id, int64_t at);
  void ArrowOver(TraceRow row, std::string_view kind, uint64_t id, int64_t at);
  void ArrowTo(TraceRow row, std::string_view kind, uint64_t id, int64_t at);

  // Separated by ",\n".
  const std::string& text() const { return text_; }
  size_t count() const { return count_; }

 private:
  void Arrow(const char* phase, TraceRow row, std::string_view kind, uint64_t id, int64_t at);
  void Add(const Args& event);

  std::string text_;
  size_t count_ = 0;
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_TRACE_EVENTS_H_
