// A whole run: group after group, each with the rounds that its rows are worth.
#ifndef BENCH_GROUPS_H_
#define BENCH_GROUPS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/measure.h"
#include "bench/row.h"

namespace bench {

enum class Pace {
  kFull,   // a few minutes
  kQuick,  // under one
};

struct Extent {
  Pace pace = Pace::kFull;
  // At most so many rounds of each group, and of its warm-up.
  std::optional<int> max_rounds = {};
};

Budget BudgetOf(Group group, const Extent& extent);

struct LeftOut {
  std::string name;
  std::string why;
};

struct Run {
  std::vector<Result> results = {};  // group by group, in the order of the rows
  std::vector<LeftOut> left_out = {};
  // The first one, which names its row. Ok: what is left out is what this machine cannot have.
  absl::Status failure = {};
};

// Prepares and measures the rows, a group at a time, in the order in which the groups first
// appear. A sample that fails has its whole group left out, since its rows are measured against
// each other, and so has a preparation that fails otherwise than with Unavailable; the other groups
// are measured all the same. `progress` is told the group's first row, rounds done and rounds to
// do.
Run MeasureGroups(
    const std::vector<Row>& rows, const Extent& extent,
    const std::function<void(const std::string& first_row, int done, int total)>& progress);

}  // namespace bench

#endif  // BENCH_GROUPS_H_
