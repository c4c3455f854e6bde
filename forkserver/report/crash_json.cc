// A crash report for programs.
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "child/process_types.h"
#include "forkserver/host/launched_by.h"
#include "forkserver/report/crash_report.h"
#include "forkserver/report/register_names.h"
#include "forkserver/report/reported_type.h"
#include "forkserver/report/signal_text.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

using Json = nlohmann::ordered_json;

// Addresses as texts: a JSON number is a double for many readers.
std::string Hex(uint64_t value) { return absl::StrFormat("0x%x", value); }

Json Texts(const std::map<std::string, std::string>& texts) {
  Json json = Json::object();
  for (const auto& [key, value] : texts) json[OneLine(key)] = OneLine(value);
  return json;
}

Json FrameJson(const StackFrame& frame) {
  Json json = {{"address", Hex(frame.address)}};
  if (!frame.module.empty()) {
    json["module"] = OneLine(frame.module);
    json["offset"] = Hex(frame.offset);
  }
  if (!frame.function.empty()) {
    json["function"] = OneLine(frame.function);
    json["function_offset"] = frame.function_offset;
  }
  if (!frame.file.empty()) {
    json["file"] = OneLine(frame.file);
    json["line"] = frame.line;
  }
  return json;
}

Json CrashJson(const CrashReport& report) {
  const RecordedCrash& crash = *report.record.crash;
  Json json = {{"signal", SignalName(crash.signal)},
               {"code", crash.code},
               {"code_name", std::string(SignalCodeName(crash.signal, crash.code))},
               {"thread", crash.thread},
               {"thread_name", OneLine(crash.thread_name)},
               {"recorded", crash.is_whole ? "whole" : "in part"}};
  if (HasAddress(crash)) json["address"] = Hex(crash.address);
  if (crash.code > 0 && crash.signal == SIGSYS) json["system_call"] = crash.syscall;
  if (crash.code <= 0) json["sender"] = crash.sender;
  Json frames = Json::array();
  for (const StackFrame& frame : report.trace.frames) frames.push_back(FrameJson(frame));
  json["frames"] = std::move(frames);
  if (!report.trace.why_it_ends.empty()) json["frames_end"] = report.trace.why_it_ends;
  Json missing = Json::array();
  for (const std::string& one : report.trace.missing) missing.push_back(OneLine(one));
  json["modules_without_file"] = std::move(missing);
  Json registers = Json::object();
  for (size_t i = 0; i < crash.registers.size(); ++i) {
    registers[std::string(RegisterName(i))] = Hex(crash.registers[i]);
  }
  json["registers"] = std::move(registers);
  Json modules = Json::array();
  for (const RecordedModule& module : crash.modules) {
    modules.push_back({{"start", Hex(module.start)},
                       {"end", Hex(module.end)},
                       {"bias", Hex(module.bias)},
                       {"build_id", module.build_id},
                       {"path", OneLine(module.path)}});
  }
  json["modules"] = std::move(modules);
  json["modules_left_out"] = crash.modules_left_out;
  return json;
}

}  // namespace

std::string ToJson(const CrashReport& report) {
  const FlightEnd& end = report.end;
  Json json = {{"id", report.id},
               {"kind", std::string(DeathKindName(report.kind))},
               {"cause", CauseText(report)},
               {"pid", end.who.pid},
               {"role", OneLine(end.who.role)},
               {"type", ReportedTypeName(end.who.type)},
               {"launched_by", std::string(LaunchedByName(end.who.by))},
               {"status", end.status.ToString()},
               {"was_ready", end.who.was_ready},
               {"step", std::string(report.record.step == LaunchStep::kNone
                                        ? "none"
                                        : LaunchStepName(report.record.step))},
               {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", report.at, absl::UTCTimeZone())},
               {"uptime_s", absl::ToDoubleSeconds(report.uptime)},
               {"build_id", absl::StrFormat("%016x", end.build_id)},
               {"annotations", Texts(end.who.annotations)},
               {"own_annotations", Texts(report.record.annotations)},
               {"own_annotations_lost", report.record.annotations_lost}};
  if (!report.record.reason.empty()) json["reason"] = OneLine(report.record.reason);
  if (!end.missed_deadline.empty()) json["missed_deadline"] = OneLine(end.missed_deadline);
  if (!report.why_no_record.empty()) json["why_no_record"] = report.why_no_record;
  if (const std::string why = WhyNoStack(report); !why.empty()) json["why_no_stack"] = why;
  Json memory = Json::object();
  if (end.status.usage) memory["peak_resident_kib"] = end.status.usage->ru_maxrss;
  if (end.memory) {
    memory["resident_kib"] = end.memory->resident / 1024;
    memory["shared_kib"] = end.memory->shared / 1024;
    memory["seconds_before"] = static_cast<double>(end.ended_at - end.memory->at) / kNanosPerSecond;
  }
  json["memory"] = std::move(memory);
  Json refused = Json::array();
  for (const RefusedCall& call : end.refused) {
    refused.push_back(
        {{"seconds_before", static_cast<double>(end.ended_at - call.time) / kNanosPerSecond},
         {"call", OneLine(ToString(call))}});
  }
  json["sandbox_refusals"] = std::move(refused);
  if (report.kind == DeathKind::kCrash && report.record.crash) json["crash"] = CrashJson(report);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace forkserver
