#include "examples/browser_host/sandbox_table.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "child/sandbox/sandbox_level.h"
#include "forkserver/host/effective_sandbox.h"
#include "forkserver/host/why_refused.h"

namespace browser_host {
namespace {

using forkserver::FirstMissing;
using forkserver::LayerBit;
using forkserver::LayerOutcome;
using forkserver::SandboxLayer;
using forkserver::SandboxPolicy;
using forkserver::SandboxPolicyId;
using forkserver::SandboxReport;

struct Column {
  SandboxPolicy policy;
  int level;
  SandboxReport report;

  bool Requires(SandboxLayer layer) const { return (policy.required & LayerBit(layer)) != 0; }
  bool IsRefused(SandboxLayer layer) const {
    return report[layer].outcome == LayerOutcome::kRefused;
  }
  std::string State(SandboxLayer layer) const {
    if (IsRefused(layer)) return Requires(layer) ? "REFUSED" : "refused";
    return forkserver::LayerStateText(report[layer]);
  }
};

// In the order in which they are engaged.
std::vector<SandboxLayer> Layers() {
  std::vector<SandboxLayer> layers;
  for (size_t i = 0; i < forkserver::kSandboxLayerCount; ++i) {
    layers.push_back(static_cast<SandboxLayer>(i));
  }
  return layers;
}

void PrintOne(const Column& column) {
  absl::PrintF("%-22s  %-10s  %s\n", "LAYER", "STATE", "REASON");
  for (const SandboxLayer layer : Layers()) {
    const std::string reason =
        column.IsRefused(layer) ? forkserver::WhyRefused(column.report, layer) : "";
    const std::string state = column.State(layer);
    absl::PrintF("%-22s  %s%s\n", std::string(SandboxLayerName(layer)),
                 reason.empty() ? state : absl::StrFormat("%-10s  ", state), reason);
  }
}

void PrintAll(const std::vector<Column>& columns) {
  static constexpr int kNarrowest = 10;  // "not wanted"
  std::string line = absl::StrFormat("%-22s", "LAYER");
  const auto add = [&line](const Column& column, std::string_view text) {
    const int width = std::max(kNarrowest, static_cast<int>(column.policy.name.size()));
    absl::StrAppendFormat(&line, "  %-*s", width, text);
  };
  const auto print = [&line] {
    line.erase(line.find_last_not_of(' ') + 1);
    absl::PrintF("%s\n", line);
  };
  for (const Column& column : columns) add(column, column.policy.name);
  print();
  // Which policies have a layer refused for the same reason.
  std::map<std::pair<SandboxLayer, std::string>, std::vector<std::string>> refused;
  for (const SandboxLayer layer : Layers()) {
    line = absl::StrFormat("%-22s", SandboxLayerName(layer));
    for (const Column& column : columns) {
      add(column, column.State(layer));
      if (!column.IsRefused(layer)) continue;
      refused[{layer, forkserver::WhyRefused(column.report, layer)}].emplace_back(
          column.policy.name);
    }
    print();
  }
  if (!refused.empty()) absl::PrintF("\n");
  for (const auto& [what, policies] : refused) {
    absl::PrintF("%s: %s (%s)\n", SandboxLayerName(what.first), what.second,
                 policies.size() == columns.size() ? "all" : absl::StrJoin(policies, ", "));
  }
}

void PrintVerdict(const Column& column) {
  std::string name(column.policy.name);
  if (column.level != forkserver::kFullSandbox) {
    absl::StrAppendFormat(&name, ", level %d", column.level);
  }
  if (column.level == forkserver::kSandboxOff) {
    absl::PrintF("%s: no sandbox\n", name);
    return;
  }
  size_t wanted = 0;
  size_t held = 0;
  for (const SandboxLayer layer : Layers()) {
    if (column.report[layer].outcome == LayerOutcome::kNotWanted) continue;
    ++wanted;
    held += column.report[layer].holds();
  }
  const SandboxLayer missing = FirstMissing(column.report, column.policy.required);
  absl::PrintF("%s: %d of %d layers hold; %s\n", name, held, wanted,
               missing == SandboxLayer::kCount
                   ? "all that it requires do"
                   : absl::StrFormat("no launch without '%s'", SandboxLayerName(missing)));
}

}  // namespace

absl::StatusOr<SandboxVerdict> PrintSandboxTable(const std::vector<SandboxPolicyId>& policies,
                                                 const forkserver::PrefsMap& prefs) {
  std::vector<Column> columns;
  for (const SandboxPolicyId id : policies) {
    const int level = forkserver::SandboxLevel(id, prefs);
    absl::StatusOr<SandboxReport> report = forkserver::EffectiveSandbox(id, level);
    if (!report.ok()) return report.status();
    columns.push_back(
        {.policy = forkserver::MakeSandboxPolicy(id), .level = level, .report = *report});
  }
  if (columns.size() == 1) {
    PrintOne(columns.front());
  } else {
    PrintAll(columns);
  }
  absl::PrintF("\n");
  SandboxVerdict verdict = SandboxVerdict::kLaunches;
  for (const Column& column : columns) {
    PrintVerdict(column);
    if (FirstMissing(column.report, column.policy.required) != SandboxLayer::kCount) {
      verdict = SandboxVerdict::kRefuses;
    }
  }
  return verdict;
}

}  // namespace browser_host
