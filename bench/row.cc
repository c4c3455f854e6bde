#include "bench/row.h"

#include <algorithm>
#include <regex>
#include <set>

#include "absl/strings/str_format.h"

namespace bench {

absl::StatusOr<std::vector<Row>> SelectRows(std::vector<Row> rows, const std::string& filter) {
  std::regex pattern;
  try {
    pattern = std::regex(filter);
  } catch (const std::regex_error& error) {
    return absl::InvalidArgumentError(absl::StrFormat("--filter %s: %s", filter, error.what()));
  }
  std::set<std::string> wanted;
  for (const Row& row : rows) {
    if (std::regex_search(row.name, pattern)) wanted.insert(row.name);
  }
  if (wanted.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("--filter %s: no row of that name", filter));
  }
  // Baselines of baselines too: as often as there are rows is often enough.
  for (size_t i = 0; i < rows.size(); ++i) {
    for (const Row& row : rows) {
      if (wanted.count(row.name) > 0 && !row.baseline.empty()) wanted.insert(row.baseline);
    }
  }
  std::erase_if(rows, [&](const Row& row) { return wanted.count(row.name) == 0; });
  return rows;
}

}  // namespace bench
