// Attempts in children of a fork server: one launch for each, under whatever the launch says.
//
//     options.programs.push_back({ProcessType::kUtility, MakeChildProgram<AttemptProgram>});
//     ...
//     host.Restore();
//     absl::StatusOr<LaunchedChild> child =
//         server.Launch(AttemptLaunch(ProcessType::kUtility, "read-etc-passwd", host));
//     absl::StatusOr<AttemptResult> result = AwaitResult(*std::move(child), "read-etc-passwd");
//
// The child makes the attempt that its first argument names, at the targets in the second, sends
// the result over its channel, and ends. A child that is killed by its attempt, or becomes another
// program, is seen by its end.
#ifndef TESTS_SANDBOX_ATTEMPT_PROGRAM_H_
#define TESTS_SANDBOX_ATTEMPT_PROGRAM_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "child/child_program.h"
#include "forkserver/host/launch_options.h"
#include "tests/sandbox/attempts.h"
#include "tests/sandbox/host_targets.h"

namespace forkserver::testing {

class AttemptProgram : public ChildProgram {
 public:
  int Run(ChildContext& context) override;
};

// With the descriptors that the targets name. The caller may add to it.
LaunchOptions AttemptLaunch(ProcessType type, std::string_view name, const HostTargets& host);

// Waits for the result and for the end of the child, which is reaped. Fails where neither says
// what came of the attempt, or after a minute.
absl::StatusOr<AttemptResult> AwaitResult(LaunchedChild child, std::string_view name);

}  // namespace forkserver::testing

#endif  // TESTS_SANDBOX_ATTEMPT_PROGRAM_H_
