#include "forkserver/report/process_json.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "child/process_types.h"
#include "forkserver/report/reported_type.h"

namespace forkserver {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(std::string_view text) { return std::string(text); }

void AddStat(const ProcessSample& sample, Json& out, Json& missing) {
  if (!sample.stat.ok()) {
    for (const char* name :
         {"cpu_ns", "user_ns", "system_ns", "minor_faults", "major_faults", "threads"}) {
      out[name] = nullptr;
    }
    missing["stat"] = std::string(sample.stat.status().message());
    return;
  }
  out["cpu_ns"] = sample.stat->cpu_nanos();
  out["user_ns"] = sample.stat->user_nanos;
  out["system_ns"] = sample.stat->system_nanos;
  out["minor_faults"] = sample.stat->minor_faults;
  out["major_faults"] = sample.stat->major_faults;
  out["threads"] = sample.stat->threads;
}

template <typename T>
void AddNumber(const char* name, const absl::StatusOr<T>& figure, Json& out, Json& missing) {
  if (figure.ok()) {
    out[name] = *figure;
  } else {
    out[name] = nullptr;
    missing[name] = std::string(figure.status().message());
  }
}

void AddMemory(const ProcessSample& sample, Json& out, Json& missing) {
  if (!sample.memory.ok()) {
    out["memory"] = nullptr;
    missing["memory"] = std::string(sample.memory.status().message());
    return;
  }
  const ProcessMemory& memory = *sample.memory;
  out["memory"] = {{"private", memory.private_bytes()},
                   {"shared", memory.shared_bytes()},
                   {"proportional", memory.proportional},
                   {"resident", memory.resident},
                   {"swapped", memory.swapped}};
}

void AddOwn(const ReportedProcess& process, Json& out, Json& missing) {
  out["own"] = nullptr;
  if (!process.own) return;
  if (!process.own->ok()) {
    missing["own"] = std::string(process.own->status().message());
    return;
  }
  const OwnFigures& own = **process.own;
  Json figures = Json::array();
  for (const auto& [path, bytes] : own.figures) {
    figures.push_back({{"path", path}, {"bytes", bytes}});
  }
  out["own"] = {{"malloc_arenas", own.malloc_arenas},
                {"malloc_in_use", own.malloc_in_use},
                {"malloc_free", own.malloc_free},
                {"left_out", own.left_out},
                {"figures", std::move(figures)}};
}

Json ToObject(const ReportedProcess& process) {
  Json out = {{"role", Text(ProcessRoleName(process.role))}};
  out["pid"] = process.pid > 0 ? Json(process.pid) : Json();
  out["below"] = nullptr;
  out["name"] = process.name;
  out["child_id"] = process.child_id != 0 ? Json(process.child_id) : Json();
  out["type"] = process.role == ProcessRole::kHost ? std::string(ProcessTypeName(process.type))
                                                   : ReportedTypeName(process.type);
  out["remote_type"] = process.remote_type.empty() ? Json() : Json(process.remote_type);
  out["template"] = process.template_name.empty() ? Json() : Json(process.template_name);
  out["layout"] = process.layout;
  out["state"] = process.state;
  out["cpu_share"] = process.cpu_share ? Json(*process.cpu_share) : Json();
  Json missing = Json::object();
  AddStat(process.sample, out, missing);
  AddNumber("descriptors", process.sample.descriptors, out, missing);
  AddNumber("uptime_ns", process.sample.uptime_nanos, out, missing);
  AddMemory(process.sample, out, missing);
  AddOwn(process, out, missing);
  out["missing"] = std::move(missing);
  return out;
}

Json ToObject(const DirtiedRegion& region) {
  Json out = {{"of", region.of.empty() ? Json() : Json(region.of)},
              {"section", region.section.empty() ? Json() : Json(region.section)},
              {"start", region.of.empty() ? Json(region.start) : Json()},
              {"end", region.of.empty() ? Json(region.end) : Json()},
              {"children", region.children},
              {"dirtied_bytes", region.dirtied_bytes},
              {"swapped_bytes", region.swapped_bytes},
              {"compared_bytes", region.compared_bytes},
              {"changed_bytes", region.changed_bytes}};
  Json variables = Json::object();
  for (const DirtiedVariable& one : region.variables) variables[one.name] = one.changed_bytes;
  out["variables"] = std::move(variables);
  return out;
}

Json ToObject(const TemplateMemory& one) {
  Json out = {{"name", one.name},
              {"pid", one.memory.template_pid},
              {"children", one.memory.children},
              {"dirtied_bytes", one.memory.dirtied_bytes},
              {"replaced_bytes", one.memory.replaced_bytes}};
  Json regions = Json::array();
  for (const DirtiedRegion& region : one.memory.regions) regions.push_back(ToObject(region));
  out["regions"] = std::move(regions);
  out["missing"] = one.memory.missing;
  return out;
}

}  // namespace

std::string ToJson(const ProcessReport& report, std::span<const TemplateMemory> templates) {
  Json processes = Json::array();
  std::vector<pid_t> path;  // the last one of each depth
  for (const ReportedProcess& process : report.processes) {
    Json one = ToObject(process);
    path.resize(process.depth + 1, -1);
    path[process.depth] = process.pid;
    if (process.depth > 0 && path[process.depth - 1] > 0) one["below"] = path[process.depth - 1];
    processes.push_back(std::move(one));
  }
  Json memory = Json::array();
  for (const TemplateMemory& one : templates) memory.push_back(ToObject(one));
  const Json document = {{"taken_at_ns", report.taken_at},
                         {"took_ns", report.took_nanos},
                         {"processes", std::move(processes)},
                         {"templates", std::move(memory)}};
  return document.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace forkserver
