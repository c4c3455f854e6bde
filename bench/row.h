// One row of the launch benchmark: something that can be measured once, many times over.
#ifndef BENCH_ROW_H_
#define BENCH_ROW_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bench {

struct Row {
  std::string name;
  // The name of the row that this one is held against, or empty.
  std::string baseline;
  std::string unit;
  std::string what;  // one line for the reader
  // Does the thing once and says what it took, in `unit`. What must be tidied up afterwards is
  // tidied up before it returns, outside of what it says.
  std::function<absl::StatusOr<double>()> sample;
};

// The rows whose name `filter` matches somewhere (std::regex), and their baselines, and theirs.
// InvalidArgument: not a regular expression, or it matches none.
absl::StatusOr<std::vector<Row>> SelectRows(std::vector<Row> rows, const std::string& filter);

}  // namespace bench

#endif  // BENCH_ROW_H_
