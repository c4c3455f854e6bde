// What the launch benchmark is asked for.
#ifndef BENCH_ARGUMENTS_H_
#define BENCH_ARGUMENTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "bench/groups.h"
#include "bench/heap.h"

namespace bench {

extern const char kHelp[];

struct Arguments {
  enum class Task { kRows, kPhases, kPlot, kSyscalls, kHelp };

  Task task = Task::kRows;
  Extent extent;
  std::string filter;
  std::string json;
  std::string plot_folder;
  Mebibytes largest = {4096};
};

// InvalidArgument with a line for the user.
absl::StatusOr<Arguments> ParseArguments(int argc, char** argv);

}  // namespace bench

#endif  // BENCH_ARGUMENTS_H_
