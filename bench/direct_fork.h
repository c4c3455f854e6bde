// What one would do without the project: fork() of the calling process.
#ifndef BENCH_DIRECT_FORK_H_
#define BENCH_DIRECT_FORK_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace bench {

// socketpair, fork(), and the first byte of a child that runs `work` before it sends it; then the
// child is reaped. Microseconds from before the socketpair to the byte. A child whose work gives
// false exits without a byte.
absl::StatusOr<double> ForkReady(absl::FunctionRef<bool()> work);

// fork(), _exit, waitpid: microseconds.
absl::StatusOr<double> ForkExit();

}  // namespace bench

#endif  // BENCH_DIRECT_FORK_H_
