// Where the time of a launch goes, by the timestamps that every launch carries.
#ifndef BENCH_PHASES_H_
#define BENCH_PHASES_H_

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "forkserver/host/fork_server.h"

namespace bench {

// Launches `rounds` children with `options`, each after `prepare`, and prints, for each phase, the
// median time since the request at which it was over; `what` says what launches these are. The
// children must exit with 0 by themselves. What a blank did before the request is not shown.
absl::Status PrintPhases(std::string_view what, forkserver::ForkServer& server,
                         const forkserver::LaunchOptions& options, int rounds,
                         const std::function<absl::Status()>& prepare);

}  // namespace bench

#endif  // BENCH_PHASES_H_
