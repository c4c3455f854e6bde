// How long the end of a server may take of which a process cannot be reaped (server_end.h), on a
// slow machine too.
#ifndef TESTS_DEATHS_LONGEST_END_H_
#define TESTS_DEATHS_LONGEST_END_H_

#include "absl/time/time.h"
#include "forkserver/host/fork_server.h"

namespace forkserver::testing {

// For what needs no waiting.
inline constexpr absl::Duration kSlack = absl::Seconds(3);

inline absl::Duration LongestEnd(const ServerEndOptions& options) {
  return 2 * options.launches + options.templates + Process::kPatience + kSlack;
}

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_LONGEST_END_H_
