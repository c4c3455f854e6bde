// Launches per second over a window of time, each with its exit reaped.
//
// Counted is what was reaped within the window; what is still in flight at its end is seen out
// uncounted, so a window that is short against a launch says too little rather than too much.
#ifndef BENCH_LAUNCH_RATE_H_
#define BENCH_LAUNCH_RATE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"

namespace bench {

inline constexpr absl::Duration kRateWindow = absl::Milliseconds(150);

// fork(), _exit, waitpid, one after the other.
absl::StatusOr<double> ForkExitRate(absl::Duration window);

// `in_flight` launches at a time, begun by LaunchAsync and reaped by ReapAsync, driven by the
// calling thread.
absl::StatusOr<double> LaunchExitRate(forkserver::ForkServer& server,
                                      const forkserver::LaunchOptions& options, int in_flight,
                                      absl::Duration window);

// `threads` threads, each with a blocking Launch and Wait. Leaves their stacks and malloc arenas
// behind: not for a process that is a baseline's, too.
absl::StatusOr<double> LaunchExitRateOfThreads(forkserver::ForkServer& server,
                                               const forkserver::LaunchOptions& options,
                                               int threads, absl::Duration window);

}  // namespace bench

#endif  // BENCH_LAUNCH_RATE_H_
