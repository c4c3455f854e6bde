// The policies, one file each. MakeSandboxPolicy is how they are reached.
#ifndef CHILD_SANDBOX_POLICIES_H_
#define CHILD_SANDBOX_POLICIES_H_

#include "child/sandbox/sandbox_policy.h"

namespace forkserver {

SandboxPolicy ContentPolicy();
SandboxPolicy FileContentPolicy();
SandboxPolicy ExtensionPolicy();
SandboxPolicy MediaPolicy();
SandboxPolicy DataDecoderPolicy();
SandboxPolicy UtilityPolicy();
SandboxPolicy SocketPolicy();
SandboxPolicy GpuPolicy();
SandboxPolicy VrPolicy();
SandboxPolicy ComputeOnlyPolicy();

}  // namespace forkserver

#endif  // CHILD_SANDBOX_POLICIES_H_
