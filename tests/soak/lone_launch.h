// One launch through the root template by a fork, while nothing else is launched: from the call to
// the child's reaped exit.
//
//     absl::StatusOr<absl::Duration> took = LoneLaunch(server);
#ifndef TESTS_SOAK_LONE_LAUNCH_H_
#define TESTS_SOAK_LONE_LAUNCH_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"

namespace forkserver::soak {

// Fails as Launch and Wait do, and where the child did not exit with 0.
absl::StatusOr<absl::Duration> LoneLaunch(ForkServer& server);

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_LONE_LAUNCH_H_
