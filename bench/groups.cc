#include "bench/groups.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace bench {
namespace {

// The rounds of a group decide, unless a template is so slow that the time does.
Budget FullBudget(Group group) {
  switch (group) {
    case Group::kPool:
      return {.warm_up_rounds = 50, .max_rounds = 10'000, .max_time = absl::Seconds(30)};
    case Group::kLaunch:
      return {.warm_up_rounds = 50, .max_rounds = 10'000, .max_time = absl::Seconds(100)};
    case Group::kGrowth:
      return {.warm_up_rounds = 50, .max_rounds = 5'000, .max_time = absl::Seconds(20)};
    case Group::kHeap:
      return {.warm_up_rounds = 3, .max_rounds = 200, .max_time = absl::Seconds(50)};
    case Group::kRate:
      return {.warm_up_rounds = 1, .max_rounds = 30, .max_time = absl::Seconds(60)};
    case Group::kMemory:
      return {.warm_up_rounds = 1, .max_rounds = 50, .max_time = absl::Seconds(10)};
    case Group::kCall:
      return {.warm_up_rounds = 5, .max_rounds = 2'000, .max_time = absl::Seconds(20)};
    case Group::kStart:
      return {.warm_up_rounds = 20, .max_rounds = 2'000, .max_time = absl::Seconds(30)};
    case Group::kTrace:
      return {.warm_up_rounds = 50, .max_rounds = 10'000, .max_time = absl::Seconds(30)};
    case Group::kPage:
      return {.warm_up_rounds = 20, .max_rounds = 2'000, .max_time = absl::Seconds(60)};
    case Group::kPageMemory:
      return {.warm_up_rounds = 1, .max_rounds = 20, .max_time = absl::Seconds(15)};
    case Group::kMessage:
      return {.warm_up_rounds = 50, .max_rounds = 20'000, .max_time = absl::Seconds(10)};
  }
  return {};
}

Budget QuickBudget(Group group) {
  switch (group) {
    case Group::kPool:
      return {.warm_up_rounds = 20, .max_rounds = 2'000, .max_time = absl::Seconds(5)};
    case Group::kLaunch:
      return {.warm_up_rounds = 20, .max_rounds = 2'000, .max_time = absl::Seconds(15)};
    case Group::kGrowth:
      return {.warm_up_rounds = 20, .max_rounds = 1'000, .max_time = absl::Seconds(4)};
    case Group::kHeap:
      return {.warm_up_rounds = 2, .max_rounds = 40, .max_time = absl::Seconds(6)};
    case Group::kRate:
      return {.warm_up_rounds = 1, .max_rounds = 7, .max_time = absl::Seconds(8)};
    case Group::kMemory:
      return {.warm_up_rounds = 1, .max_rounds = 20, .max_time = absl::Seconds(3)};
    case Group::kCall:
      return {.warm_up_rounds = 5, .max_rounds = 300, .max_time = absl::Seconds(5)};
    case Group::kStart:
      return {.warm_up_rounds = 5, .max_rounds = 300, .max_time = absl::Seconds(5)};
    case Group::kTrace:
      return {.warm_up_rounds = 20, .max_rounds = 2'000, .max_time = absl::Seconds(6)};
    case Group::kPage:
      return {.warm_up_rounds = 10, .max_rounds = 200, .max_time = absl::Seconds(7)};
    case Group::kPageMemory:
      return {.warm_up_rounds = 1, .max_rounds = 5, .max_time = absl::Seconds(4)};
    case Group::kMessage:
      return {.warm_up_rounds = 20, .max_rounds = 5'000, .max_time = absl::Seconds(3)};
  }
  return {};
}

}  // namespace

Budget BudgetOf(Group group, const Extent& extent) {
  Budget budget = extent.pace == Pace::kFull ? FullBudget(group) : QuickBudget(group);
  if (extent.max_rounds) {
    budget.max_rounds = std::min(budget.max_rounds, *extent.max_rounds);
    budget.warm_up_rounds = std::min(budget.warm_up_rounds, *extent.max_rounds);
  }
  return budget;
}

Run MeasureGroups(
    const std::vector<Row>& rows, const Extent& extent,
    const std::function<void(const std::string& first_row, int done, int total)>& progress) {
  Run run;
  std::vector<Group> order;
  for (const Row& row : rows) {
    if (std::find(order.begin(), order.end(), row.group) == order.end()) order.push_back(row.group);
  }
  for (const Group group : order) {
    std::vector<Row> members;
    absl::Status failure;
    for (const Row& row : rows) {
      if (row.group != group) continue;
      const absl::Status prepared = row.prepare && failure.ok() ? row.prepare() : absl::OkStatus();
      if (absl::IsUnavailable(prepared)) {
        run.left_out.push_back({row.name, std::string(prepared.message())});
        continue;
      }
      if (!prepared.ok()) {
        failure = absl::Status(prepared.code(), absl::StrCat(row.name, ": ", prepared.message()));
      }
      members.push_back(row);
    }
    if (members.empty()) continue;
    if (failure.ok()) {
      absl::StatusOr<std::vector<Result>> results =
          Measure(members, BudgetOf(group, extent),
                  [&](int done, int total) { progress(members.front().name, done, total); });
      if (results.ok()) {
        std::move(results->begin(), results->end(), std::back_inserter(run.results));
        continue;
      }
      failure = results.status();
    }
    for (const Row& row : members) {
      run.left_out.push_back({row.name, std::string(failure.message())});
    }
    run.failure.Update(failure);
  }
  return run;
}

}  // namespace bench
