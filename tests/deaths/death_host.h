// The host whose processes die: its templates, and where they can be held.
#ifndef TESTS_DEATHS_DEATH_HOST_H_
#define TESTS_DEATHS_DEATH_HOST_H_

#include "absl/time/time.h"
#include "tests/testing/gate.h"

namespace forkserver::testing {

inline constexpr char kPage[] = "page";    // below the root
inline constexpr char kBoxed[] = "boxed";  // below the root, sandboxed
inline constexpr char kInner[] = "inner";  // below that, in its pid namespace

// How long a launch of a stopped process has, and a stopped template: more than a slow machine
// takes to come to the phase.
inline constexpr absl::Duration kShort = absl::Milliseconds(1500);

// The warm-ups of "page" and "boxed" wait at it. Open at the start.
extern Gate* gate;

}  // namespace forkserver::testing

#endif  // TESTS_DEATHS_DEATH_HOST_H_
