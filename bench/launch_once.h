// One launch, timed to a point of its life; the child is reaped before the call returns.
#ifndef BENCH_LAUNCH_ONCE_H_
#define BENCH_LAUNCH_ONCE_H_

#include "absl/status/statusor.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// Microseconds from the call to Ready. The child must end with 0 by itself.
absl::StatusOr<double> LaunchReady(forkserver::ForkServer& server,
                                   const forkserver::LaunchOptions& options);

// To the first byte that the child sends after Ready.
absl::StatusOr<double> LaunchFirstByte(forkserver::ForkServer& server,
                                       const forkserver::LaunchOptions& options);

// To the exit status.
absl::StatusOr<double> LaunchExit(forkserver::ForkServer& server,
                                  const forkserver::LaunchOptions& options);

}  // namespace bench

#endif  // BENCH_LAUNCH_ONCE_H_
