// Censuses of a host and its templates, taken when nothing is under way: no launch, no blank of a
// pool, nobody dying.
//
//     absl::StatusOr<Census> opening = CensusAtRest(server);
//     ...
//     Findings findings = CompareAtRest(server, *opening, bounds);
#ifndef TESTS_SOAK_REST_H_
#define TESTS_SOAK_REST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/host/fork_server.h"
#include "tests/soak/census.h"

namespace forkserver::soak {

// This process, the seed, the templates and the inits of their pid namespaces.
std::vector<WatchedProcess> ProcessesOf(const ForkServer& server);

// Ends the blanks of all pools and drives the server until all is at rest. DeadlineExceeded, with
// what is still there, after ten seconds.
absl::StatusOr<Census> CensusAtRest(ForkServer& server);

struct Findings {
  Census closing;
  std::vector<std::string> differences;
};

// The same for the close: what was given up a moment ago may still be dying, and the broker's
// threads close what they gave to a child in their own time, so the census is taken again until
// nothing differs, for ten seconds at most. An error: never at rest.
absl::StatusOr<Findings> CompareAtRest(ForkServer& server, const Census& opening,
                                       const CensusBounds& bounds);

}  // namespace forkserver::soak

#endif  // TESTS_SOAK_REST_H_
