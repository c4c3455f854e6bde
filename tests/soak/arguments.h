// The command line of a soak.
#ifndef TESTS_SOAK_ARGUMENTS_H_
#define TESTS_SOAK_ARGUMENTS_H_

#include <stddef.h>
#include <stdint.h>

#include "absl/status/statusor.h"

namespace forkserver::soak {

inline constexpr size_t kMostLaunches = 100'000'000;

struct Arguments {
  size_t launches = 1'000'000;
  uint64_t seed = 1;
  bool wants_help = false;
};

extern const char kHelp[];

// InvalidArgument, naming it: a flag that is none, a number that is none or out of bounds.
absl::StatusOr<Arguments> ParseArguments(int argc, char** argv);

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_ARGUMENTS_H_
