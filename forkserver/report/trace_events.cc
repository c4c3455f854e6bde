#include "forkserver/report/trace_events.h"

namespace forkserver {
namespace {

using Args = TraceEvents::Args;

constexpr double kNanosPerMicro = 1000;

double Micros(int64_t nanos) { return static_cast<double>(nanos) / kNanosPerMicro; }

Args Event(const char* phase, TraceRow row, std::string_view name) {
  return {{"ph", phase}, {"name", name}, {"pid", row.pid}, {"tid", row.tid}};
}

void AddArgs(Args& event, Args args) {
  if (!args.empty()) event["args"] = std::move(args);
}

}  // namespace

void TraceEvents::NameProcess(pid_t pid, std::string_view name, int place) {
  Args named = Event("M", TraceRow::Of(pid), "process_name");
  named["args"] = {{"name", name}};
  Add(named);
  Args placed = Event("M", TraceRow::Of(pid), "process_sort_index");
  placed["args"] = {{"sort_index", place}};
  Add(placed);
}

void TraceEvents::NameRow(TraceRow row, std::string_view name) {
  Args event = Event("M", row, "thread_name");
  event["args"] = {{"name", name}};
  Add(event);
}

void TraceEvents::Complete(TraceRow row, std::string_view name, int64_t begin, int64_t end,
                           Args args) {
  if (end < begin) return;
  Args event = Event("X", row, name);
  event["ts"] = Micros(begin);
  event["dur"] = Micros(end - begin);
  AddArgs(event, std::move(args));
  Add(event);
}

void TraceEvents::Begin(TraceRow row, std::string_view name, int64_t at, Args args) {
  Args event = Event("B", row, name);
  event["ts"] = Micros(at);
  AddArgs(event, std::move(args));
  Add(event);
}

void TraceEvents::End(TraceRow row, int64_t at, Args args) {
  Args event = {{"ph", "E"}, {"pid", row.pid}, {"tid", row.tid}, {"ts", Micros(at)}};
  AddArgs(event, std::move(args));
  Add(event);
}

void TraceEvents::Instant(TraceRow row, std::string_view name, int64_t at, Args args) {
  Args event = Event("i", row, name);
  event["ts"] = Micros(at);
  event["s"] = "t";
  AddArgs(event, std::move(args));
  Add(event);
}

void TraceEvents::ArrowFrom(TraceRow row, std::string_view kind, uint64_t id, int64_t at) {
  Arrow("s", row, kind, id, at);
}

void TraceEvents::ArrowOver(TraceRow row, std::string_view kind, uint64_t id, int64_t at) {
  Arrow("t", row, kind, id, at);
}

void TraceEvents::ArrowTo(TraceRow row, std::string_view kind, uint64_t id, int64_t at) {
  Arrow("f", row, kind, id, at);
}

void TraceEvents::Arrow(const char* phase, TraceRow row, std::string_view kind, uint64_t id,
                        int64_t at) {
  Args event = Event(phase, row, kind);
  event["cat"] = kind;
  event["id"] = id;
  event["ts"] = Micros(at);
  // It ends in what the row shows then, and not in what comes next there.
  if (phase[0] == 'f') event["bp"] = "e";
  Add(event);
}

void TraceEvents::Add(const Args& event) {
  if (count_++ > 0) text_ += ",\n";
  text_ += event.dump(-1, ' ', false, Args::error_handler_t::replace);
}

}  // namespace forkserver
