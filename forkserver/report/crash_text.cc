// A crash report for people.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "child/process_types.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/report/crash_report.h"
#include "forkserver/report/register_names.h"
#include "forkserver/report/reported_type.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

void Line(std::string& text, std::string_view key, std::string_view value) {
  absl::StrAppendFormat(&text, "%-12s %s\n", std::string(key), OneLine(value));
}

std::string Kib(uint64_t bytes) { return absl::StrCat(bytes / 1024, " KiB"); }

std::string PhaseText(const CrashReport& report) {
  const CrashRecord& record = report.record;
  if (report.end.who.was_ready) {
    return report.end.who.type == ProcessType::kForkServer ? "ready: it served"
                                                           : "ready: its program ran";
  }
  if (!record.was_mapped) return "before its first instruction";
  if (record.step == LaunchStep::kNone) return "waiting for its Plan";
  return absl::StrCat("launch, at step ", std::string(LaunchStepName(record.step)));
}

std::string MemoryText(const CrashReport& report) {
  std::string text;
  if (report.end.status.usage) {
    // getrusage(2): in KiB.
    absl::StrAppend(&text, "peak resident ", report.end.status.usage->ru_maxrss, " KiB");
  }
  if (report.end.memory) {
    const MemorySample& sample = *report.end.memory;
    absl::StrAppendFormat(&text, "%sresident %s, of it shared %s, %.1f s before",
                          text.empty() ? "" : "; ", Kib(sample.resident), Kib(sample.shared),
                          static_cast<double>(report.end.ended_at - sample.at) / kNanosPerSecond);
  }
  return text.empty() ? "unknown" : text;
}

std::string_view FileNameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

void Frames(std::string& text, const CrashReport& report) {
  const StackTrace& trace = report.trace;
  const RecordedCrash& crash = *report.record.crash;
  absl::StrAppendFormat(&text, "\nstack of thread %d '%s'\n", crash.thread,
                        OneLine(crash.thread_name));
  for (size_t i = 0; i < trace.frames.size(); ++i) {
    const StackFrame& frame = trace.frames[i];
    absl::StrAppendFormat(&text, "#%-3d 0x%016x  ", i, frame.address);
    if (!frame.function.empty()) {
      absl::StrAppendFormat(&text, "%s + %d", OneLine(frame.function), frame.function_offset);
    } else {
      absl::StrAppend(&text, "??");
    }
    if (!frame.file.empty()) {
      absl::StrAppendFormat(&text, "  %s:%d", OneLine(frame.file), frame.line);
    }
    if (!frame.module.empty()) {
      absl::StrAppendFormat(&text, "  (%s + 0x%x)", OneLine(FileNameOf(frame.module)),
                            frame.offset);
    }
    text += '\n';
  }
  if (!trace.why_it_ends.empty()) absl::StrAppend(&text, "     ends: ", trace.why_it_ends, "\n");
  for (const std::string& one : trace.missing)
    absl::StrAppend(&text, "     without ", OneLine(one), "\n");
}

void Registers(std::string& text, const RecordedCrash& crash) {
  absl::StrAppend(&text, "\nregisters\n");
  for (size_t i = 0; i < crash.registers.size(); ++i) {
    absl::StrAppendFormat(&text, "  %-6s 0x%016x%s", std::string(RegisterName(i)),
                          crash.registers[i], i % 3 == 2 ? "\n" : "");
  }
  if (crash.registers.size() % 3 != 0) text += '\n';
}

void Modules(std::string& text, const CrashReport& report) {
  absl::StrAppend(&text, "\nmodules\n");
  for (const RecordedModule& module : report.record.crash->modules) {
    absl::StrAppendFormat(&text, "  0x%016x-0x%016x  %s  build id %s\n", module.start, module.end,
                          module.path.empty() ? "(program)" : OneLine(module.path),
                          module.build_id.empty() ? "none" : module.build_id);
  }
  if (report.record.crash->modules_left_out > 0) {
    absl::StrAppendFormat(&text, "  and %d more\n", report.record.crash->modules_left_out);
  }
}

}  // namespace

std::string ToText(const CrashReport& report) {
  const FlightEnd& end = report.end;
  std::string text =
      absl::StrCat(std::string(DeathKindName(report.kind)), " report ", report.id, "\n\n");
  Line(text, "cause", CauseText(report));
  if (!report.record.reason.empty()) Line(text, "reason", report.record.reason);
  Line(text, "process",
       absl::StrFormat("pid %d, %s (%s)", end.who.pid, end.who.role, LaunchedByName(end.who.by)));
  Line(text, "type", ReportedTypeName(end.who.type));
  Line(text, "status", end.status.ToString());
  Line(text, "phase", PhaseText(report));
  Line(text, "time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", report.at, absl::UTCTimeZone()));
  Line(text, "uptime", absl::FormatDuration(report.uptime));
  Line(text, "build id", absl::StrFormat("%016x", end.build_id));
  Line(text, "memory", MemoryText(report));
  if (!report.why_no_record.empty()) Line(text, "no record", report.why_no_record);
  if (const std::string why = WhyNoStack(report); !why.empty()) Line(text, "no stack", why);
  for (const auto& [key, value] : end.who.annotations) {
    Line(text, "annotation", absl::StrCat(key, "=", value));
  }
  for (const auto& [key, value] : report.record.annotations) {
    Line(text, "annotation", absl::StrCat(key, "=", value, " (by its own word)"));
  }
  if (report.record.annotations_lost > 0) {
    Line(text, "annotation", absl::StrCat(report.record.annotations_lost, " more had no room"));
  }
  for (const RefusedCall& call : end.refused) {
    Line(text, "refused",
         absl::StrFormat("%.3f s before: %s",
                         static_cast<double>(end.ended_at - call.time) / kNanosPerSecond,
                         ToString(call)));
  }
  if (report.kind != DeathKind::kCrash || !report.record.crash) return text;
  if (!report.record.crash->is_whole) {
    Line(text, "incomplete", "it crashed again while it recorded this");
  }
  Frames(text, report);
  Registers(text, *report.record.crash);
  Modules(text, report);
  return text;
}

}  // namespace forkserver
