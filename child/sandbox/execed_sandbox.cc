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
  const SandboxLayer missing = FirstMissing(report_, policy.required | required);
  if (missing != SandboxLayer::kCount) {
    return {LaunchStep::kSandbox, report_[missing].error, static_cast<uint32_t>(missing)};
  }
  if (const int error = AddOwnLayers(sandbox->own_layers()); error != 0) {
    return {LaunchStep::kSandbox, error, static_cast<uint32_t>(SandboxLayer::kOwnFilter)};
  }
  listener_ = sandbox->TakeListener();
  return {};
}

}  // namespace forkserver
