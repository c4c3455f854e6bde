// One row of the launch benchmark: something that can be measured once, many times over.
//
// Rows come in groups. The rows of a group are measured in turn, so a row and its baseline are in
// the same one; the groups follow each other, each with as many rounds as its rows are worth.
#ifndef BENCH_ROW_H_
#define BENCH_ROW_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bench {

enum class Group {
  kPool,        // apart: what fills the pool must not run beside other rows
  kLaunch,      // microseconds each
  kGrowth,      // the same launch from a small and from a large template
  kHeap,        // forks that copy 1 GiB of page tables
  kRate,        // each sample is a window of time
  kMemory,      // a sample is a look at a process that stands still
  kCall,        // system calls in a child that is there
  kStart,       // whole programs, exec'ed, in milliseconds
  kTrace,       // the same launch of hosts that are traced and not
  kPage,        // pages that are painted, in processes of their own
  kPageMemory,  // each sample opens and weighs many of them
  kMessage,     // round trips between processes that are there, and nothing beside them
};

struct Row {
  std::string name = {};
  // The name of the row that this one is held against, or empty.
  std::string baseline = {};
  std::string unit = {};
  std::string what = {};  // one line for the reader
  // Does the thing once and says what it took, in `unit`. What must be tidied up afterwards is
  // tidied up before it returns, outside of what it says.
  std::function<absl::StatusOr<double>()> sample = {};
  Group group = Group::kLaunch;
  // Takes part in one of so many rounds: for a slow row beside fast ones.
  int every = 1;
  // Starts what `sample` needs, before the group is measured. Unavailable: this machine lacks
  // something, and the row is left out. Empty: nothing is needed.
  std::function<absl::Status()> prepare = {};
};

// The rows whose name `filter` matches somewhere (std::regex), and their baselines, and theirs.
// InvalidArgument: not a regular expression, or it matches none.
absl::StatusOr<std::vector<Row>> SelectRows(std::vector<Row> rows, const std::string& filter);

}  // namespace bench

#endif  // BENCH_ROW_H_
