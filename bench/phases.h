// Where the time of a launch goes, by the timestamps that every launch carries.
#ifndef BENCH_PHASES_H_
#define BENCH_PHASES_H_

#include "absl/status/status.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// Launches `rounds` children with `options` and prints, for each phase, the median time since the
// request at which it was over. The children must exit with 0 by themselves.
absl::Status PrintPhases(forkserver::ForkServer& server, const forkserver::LaunchOptions& options,
                         int rounds);

}  // namespace bench

#endif  // BENCH_PHASES_H_
