// The child's side of attempts over the top-level actor of its type (attempt_protocol.h).
//
//     options.programs = AttemptChildren();            // each sandboxed type of the table
//     options.templates = ProcessTemplates(options.programs);
//
// When an attempt is made the child is what any child of the process model is: its sandbox engaged,
// its prefs attached, its port bound in an event loop that has a timer, its components made.
#ifndef TESTS_SANDBOX_ATTEMPT_CHILD_H_
#define TESTS_SANDBOX_ATTEMPT_CHILD_H_

#include <vector>

#include "child/child_program.h"

namespace forkserver::testing {

// What the prefs of a launch have to say, or the child does not start.
inline constexpr char kAttemptPref[] = "attempts.over";
inline constexpr char kAttemptPrefValue[] = "actors";

std::vector<ChildProgramRow> AttemptChildren();

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ATTEMPT_CHILD_H_
