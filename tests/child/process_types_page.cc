#include "tests/child/process_types_page.h"

#include <stddef.h>

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_policy.h"

namespace forkserver::testing {
namespace {

std::string OrDash(std::string text) { return text.empty() ? "–" : text; }

std::string Text(Launchable launchable) {
  switch (launchable) {
    case Launchable::kNo:
      return "no";
    case Launchable::kByServer:
      return "by the server";
    case Launchable::kYes:
      return "yes";
  }
  return "?";
}

std::string Text(const ProcessTypeRow& row, ProcessStart start) {
  switch (start) {
    case ProcessStart::kIsThere:
      return "is there";
    case ProcessStart::kAtOnce:
      return "at once";
    case ProcessStart::kOnDemand:
      return row.condition.empty() ? "on demand"
                                   : absl::StrCat("on demand, for ", std::string(row.condition));
    case ProcessStart::kNever:
      return "–";
  }
  return "?";
}

std::string Text(MainLoop loop) {
  switch (loop) {
    case MainLoop::kNone:
      return "–";
    case MainLoop::kHosts:
      return "the embedder's";
    case MainLoop::kForkLoop:
      return "fork loop";
    case MainLoop::kMessages:
      return "messages";
    case MainLoop::kEvents:
      return "events";
  }
  return "?";
}

std::string Text(ParentFallback fallback) {
  switch (fallback) {
    case ParentFallback::kNone:
      return "–";
    case ParentFallback::kCompositingThread:
      return "a compositing thread of the parent";
  }
  return "?";
}

std::string Text(EndTurn turn) {
  switch (turn) {
    case EndTurn::kFirst:
      return "first";
    case EndTurn::kSecond:
      return "second";
    case EndTurn::kLast:
      return "last";
  }
  return "?";
}

std::string Text(Platform platform) {
  switch (platform) {
    case Platform::kAny:
      return "any";
    case Platform::kLinux:
      return "Linux";
    case Platform::kWindows:
      return "Windows";
    case Platform::kWindowsOnArm:
      return "Windows on ARM";
  }
  return "?";
}

std::string Text(RecordedUntil until) {
  switch (until) {
    case RecordedUntil::kReady:
      return "Ready";
    case RecordedUntil::kStarted:
      return "start";
    case RecordedUntil::kFirstWork:
      return "first work";
  }
  return "?";
}

std::string Text(PoolBounds pool) {
  return pool.max == 0 ? "–" : absl::StrFormat("%d to %d", pool.min, pool.max);
}

using Cells = std::vector<std::string>;

// In characters: the dash is one of three bytes.
size_t WidthOf(const std::string& cell) {
  return static_cast<size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::string> Lines(const std::vector<Cells>& table) {
  std::vector<size_t> widths(table.front().size(), 0);
  for (const Cells& cells : table) {
    for (size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], WidthOf(cells[i]));
  }
  std::vector<std::string> lines;
  for (const Cells& cells : table) {
    std::string line = "|";
    for (size_t i = 0; i < cells.size(); ++i) {
      absl::StrAppend(&line, " ", cells[i], std::string(widths[i] - WidthOf(cells[i]), ' '), " |");
    }
    lines.push_back(line);
    if (lines.size() > 1) continue;
    std::string rule = "|";
    for (const size_t width : widths) absl::StrAppend(&rule, std::string(width + 2, '-'), "|");
    lines.push_back(rule);
  }
  return lines;
}

template <typename CellsOf>
PageSection Section(std::string heading, Cells columns, CellsOf cells_of) {
  std::vector<Cells> table = {std::move(columns)};
  for (const ProcessTypeRow& row : ProcessTypes()) {
    Cells cells = {absl::StrFormat("`%s`", row.name)};
    for (std::string& cell : cells_of(row)) cells.push_back(OrDash(std::move(cell)));
    table.push_back(std::move(cells));
  }
  return {.heading = std::move(heading), .lines = Lines(table)};
}

}  // namespace

std::vector<PageSection> ProcessTypePage() {
  return {
      Section("## Names",
              {"type", "number", "user-facing name", "other names", "crash annotation",
               "memory report"},
              [](const ProcessTypeRow& row) -> Cells {
                return {absl::StrCat(static_cast<int>(row.type)), std::string(row.user_facing_name),
                        absl::StrReplaceAll(std::string(row.other_names), {{"|", ", "}}),
                        absl::StrFormat("`%s`", row.crash_annotation),
                        std::string(row.memory_report)};
              }),
      Section("## Launch",
              {"type", "launchable", "platform", "start", "template", "pool", "main loop",
               "recorded until", "fallback", "ends"},
              [](const ProcessTypeRow& row) -> Cells {
                const bool is_launched = row.launchable != Launchable::kNo;
                return {Text(row.launchable),
                        Text(row.platform),
                        Text(row, row.start),
                        std::string(row.template_name),
                        Text(row.pool),
                        Text(row.main_loop),
                        is_launched ? Text(row.recorded_until) : "",
                        Text(row.fallback),
                        row.launchable == Launchable::kYes ? Text(row.ends) : ""};
              }),
      Section("## What it may",
              {"type", "sandbox", "primary protocol", "connections", "component mask"},
              [](const ProcessTypeRow& row) -> Cells {
                const bool is_sandboxed = row.sandbox != SandboxPolicyId::kNone;
                return {is_sandboxed ? std::string(SandboxPolicyName(row.sandbox)) : "no",
                        std::string(row.primary_protocol),
                        row.connections.empty() ? "" : ProcessTypeNames(row.connections),
                        absl::StrFormat("`0x%04x`", row.component_bit())};
              }),
  };
}

std::string ToString(const PageSection& section) {
  return absl::StrCat(section.heading, "\n\n", absl::StrJoin(section.lines, "\n"), "\n");
}

}  // namespace forkserver::testing
