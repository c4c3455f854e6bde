// The sandbox of a process that was exec'ed, and has inherited none: it engages all of its policy
// by itself, which takes milliseconds where a fork inherits it for nothing.
//
//     ExecedSandbox sandbox;
//     StepFailure failure = sandbox.Engage(policies, required, prefs);
//     ...sandbox.TakeListener() goes to the host with Ready...
//
// It has every layer but one: it stays in the host's pid namespace, since a process cannot change
// its own, and the report says so. Landlock keeps it from signalling anybody all the same. A policy
// that requires the pid namespace does without it here; an embedder that requires it does not.
//
// Allocates, also between the exec and Ready: unlike a fork's, its malloc is its own.
#ifndef CHILD_SANDBOX_EXECED_SANDBOX_H_
#define CHILD_SANDBOX_EXECED_SANDBOX_H_

#include <span>

#include "child/launch_step.h"
#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class ExecedSandbox {
 public:
  // The outermost policy first, each at the level that `prefs` say. A failure is of step kSandbox,
  // with the layer that is `required` (beside what the policies require) and was refused as its
  // index.
  StepFailure Engage(std::span<const SandboxPolicyId> policies, SandboxLayers required,
                     const PrefsMap& prefs);

  // Of level kSandboxOff where nothing is engaged.
  const SandboxReport& report() const { return report_; }
  // Not open where there is none. Whoever holds it answers for the sandboxed: it is for the host
  // alone.
  UniqueFd TakeListener() { return std::move(listener_); }

 private:
  SandboxReport report_;
  UniqueFd listener_;
};

}  // namespace forkserver

#endif  // CHILD_SANDBOX_EXECED_SANDBOX_H_
