#include "child/telemetry/metric_table.h"

#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace forkserver {
namespace {

size_t CellsOf(const MetricRow& row) {
  return row.kind == MetricKind::kHistogram ? row.bounds.size() + 2 : 1;
}

// Empty: nothing.
std::string WhatIsWrong(const MetricRow& row, size_t place) {
  if (row.id != place) return absl::StrFormat("its id is %d, and not its place", row.id);
  if (row.name.empty()) return "it has no name";
  if (row.name.size() > MetricTable::kMostNameBytes) {
    return absl::StrFormat("its name is longer than %d bytes", MetricTable::kMostNameBytes);
  }
  if (row.kind != MetricKind::kHistogram) {
    return row.bounds.empty() ? "" : "only a histogram has bounds";
  }
  if (row.bounds.size() > MetricTable::kMostBounds) {
    return absl::StrFormat("it has more than %d bounds", MetricTable::kMostBounds);
  }
  for (size_t i = 1; i < row.bounds.size(); ++i) {
    if (row.bounds[i] <= row.bounds[i - 1]) return absl::StrFormat("bound %d does not ascend", i);
  }
  return "";
}

}  // namespace

std::vector<uint64_t> DoublingBounds(uint64_t first, size_t count) {
  std::vector<uint64_t> bounds;
  for (uint64_t bound = first; bound != 0 && bounds.size() < count; bound *= 2) {
    bounds.push_back(bound);
    if (bound > UINT64_MAX / 2) break;
  }
  return bounds;
}

absl::StatusOr<MetricTable> MetricTable::Make(std::vector<MetricRow> rows) {
  if (rows.size() > kMostMetrics) {
    return absl::InvalidArgumentError(
        absl::StrFormat("metrics: there can be %d, not %d", kMostMetrics, rows.size()));
  }
  MetricTable table;
  std::set<std::string_view> names;
  for (size_t i = 0; i < rows.size(); ++i) {
    const MetricRow& row = rows[i];
    std::string wrong = WhatIsWrong(row, i);
    if (wrong.empty() && !names.insert(row.name).second) wrong = "another one has its name";
    if (wrong.empty() && table.cells_ + CellsOf(row) > kMostCells) {
      wrong = absl::StrFormat("there is room for %d cells", kMostCells);
    }
    if (!wrong.empty()) {
      return absl::InvalidArgumentError(absl::StrFormat("metric %d '%s': %s", i, row.name, wrong));
    }
    table.places_.push_back({.kind = row.kind,
                             .bound_count = static_cast<uint8_t>(row.bounds.size()),
                             .first_bound = static_cast<uint16_t>(table.bounds_.size()),
                             .first_cell = static_cast<uint16_t>(table.cells_)});
    table.bounds_.insert(table.bounds_.end(), row.bounds.begin(), row.bounds.end());
    table.cells_ += CellsOf(row);
  }
  table.rows_ = std::move(rows);
  return table;
}

}  // namespace forkserver
