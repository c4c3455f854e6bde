#include "child/sandbox/execed_sandbox.h"

#include <errno.h>

#include <utility>

#include "child/sandbox/engage.h"
#include "child/sandbox/own_layers.h"
#include "child/sandbox/sandbox_level.h"

namespace forkserver {

StepFailure ExecedSandbox::Engage(SandboxPolicyId id, SandboxLayers required,
                                  const PrefsMap& prefs) {
  if (id >= SandboxPolicyId::kCount) return {LaunchStep::kSandbox, EINVAL};
  const int level = SandboxLevel(id, prefs);
  if (level == kSandboxOff) return {};
  const SandboxPolicy policy = MakeSandboxPolicy(id);
  absl::StatusOr<SandboxEngagement> sandbox = SandboxEngagement::Prepare(policy, level);
  if (!sandbox.ok()) return {LaunchStep::kSandbox, EINVAL};
  sandbox->EnterNamespaces(PidNamespace::kHosts);
  sandbox->Lock();
  report_ = sandbox->report();
  // What policies require, they require of machines: no exec'ed process could have that one.
  const SandboxLayers of_policy = policy.required & ~LayerBit(SandboxLayer::kPidNamespace);
  const SandboxLayer missing = FirstMissing(report_, of_policy | required);
  if (missing != SandboxLayer::kCount) {
    const int error = report_[missing].error;
    return {LaunchStep::kSandbox, error != 0 ? error : EOPNOTSUPP, static_cast<uint32_t>(missing)};
  }
  if (const int error = AddOwnLayers(sandbox->own_layers()); error != 0) {
    return {LaunchStep::kSandbox, error, static_cast<uint32_t>(SandboxLayer::kOwnFilter)};
  }
  listener_ = sandbox->TakeListener();
  return {};
}

}  // namespace forkserver
