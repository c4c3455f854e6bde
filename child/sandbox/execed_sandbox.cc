#include "child/sandbox/execed_sandbox.h"

#include <errno.h>

#include <utility>
#include <vector>

#include "child/sandbox/engage.h"
#include "child/sandbox/own_layers.h"
#include "child/sandbox/sandbox_level.h"

namespace forkserver {

StepFailure ExecedSandbox::Engage(std::span<const SandboxPolicyId> policies, SandboxLayers required,
                                  const PrefsMap& prefs) {
  // All are prepared before the first is locked: from then on what opens a file waits for the host,
  // which has the listener with Ready only. That there will be one is assumed: a filter that leaves
  // the asking to one above is as strict where that one does not ask but refuse.
  std::vector<SandboxEngagement> prepared;
  SandboxReport assumed;
  // What policies require, they require of machines: no exec'ed process could have a pid namespace.
  SandboxLayers of_policies = 0;
  for (const SandboxPolicyId id : policies) {
    if (id >= SandboxPolicyId::kCount) return {LaunchStep::kSandbox, EINVAL};
    const int level = SandboxLevel(id, prefs);
    if (level == kSandboxOff) continue;
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    absl::StatusOr<SandboxEngagement> one = SandboxEngagement::Prepare(policy, level, assumed);
    if (!one.ok()) {
      return {LaunchStep::kSandbox, EINVAL, static_cast<uint32_t>(SandboxLayer::kSystemCallFilter)};
    }
    assumed = one->report();
    assumed.Engaged(SandboxLayer::kListener);
    of_policies |= policy.required & ~LayerBit(SandboxLayer::kPidNamespace);
    prepared.push_back(*std::move(one));
  }
  if (prepared.empty()) return {};
  prepared.front().EnterNamespaces(PidNamespace::kHosts);
  for (SandboxEngagement& one : prepared) {
    if (&one != &prepared.front()) one.Inherit(report_);
    one.Lock();
    report_ = one.report();
  }
  listener_ = prepared.front().TakeListener();
  // By itself, all of them.
  for (LayerState& layer : report_.layers) {
    if (layer.outcome == LayerOutcome::kInherited) layer = {.outcome = LayerOutcome::kEngaged};
  }
  const SandboxLayer missing = FirstMissing(report_, of_policies | required);
  if (missing != SandboxLayer::kCount) {
    const int error = report_[missing].error;
    return {LaunchStep::kSandbox, error != 0 ? error : EOPNOTSUPP, static_cast<uint32_t>(missing)};
  }
  if (const int error = AddOwnLayers(prepared.back().own_layers()); error != 0) {
    return {LaunchStep::kSandbox, error, static_cast<uint32_t>(SandboxLayer::kOwnFilter)};
  }
  return {};
}

}  // namespace forkserver
