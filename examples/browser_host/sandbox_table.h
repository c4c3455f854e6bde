// `--sandbox-report`: what this machine allows of each layer of the sandbox, tried out.
#ifndef EXAMPLES_BROWSER_HOST_SANDBOX_TABLE_H_
#define EXAMPLES_BROWSER_HOST_SANDBOX_TABLE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_policy.h"
#include "preload/prefs/prefs_map.h"

namespace browser_host {

enum class SandboxVerdict {
  kLaunches,  // all layers hold that the policies require
  kRefuses,   // there would be no launch of at least one of them
};

// One policy: layer, state and reason. Several: a column each, and the reasons below. A layer that
// was refused and is required stands there in capitals. Each policy at the level that it has by
// `prefs`.
absl::StatusOr<SandboxVerdict> PrintSandboxTable(
    const std::vector<forkserver::SandboxPolicyId>& policies, const forkserver::PrefsMap& prefs);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SANDBOX_TABLE_H_
