#include "child/components/component_table.h"

#include <set>
#include <utility>

#include "absl/strings/str_format.h"

namespace forkserver {

absl::StatusOr<ComponentTable> ComponentTable::Create(std::vector<ComponentRow> rows) {
  std::set<std::string_view> names;
  for (const ComponentRow& row : rows) {
    if (row.name.empty() || !names.insert(row.name).second) {
      return absl::InvalidArgumentError(
          absl::StrFormat("component '%s': the name is empty or taken", row.name));
    }
    if (row.make == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrFormat("component '%s' has no function that makes it", row.name));
    }
  }
  ComponentTable table;
  table.rows_ = std::move(rows);
  return table;
}

const ComponentRow* ComponentTable::Find(std::string_view name) const {
  for (const ComponentRow& row : rows_) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace forkserver
