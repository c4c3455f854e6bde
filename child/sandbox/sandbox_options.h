// What an embedder says of a template's sandbox.
//
//     .sandbox = {.policy = SandboxPolicyId::kFileContent,
//                 .files = {{.path = "/srv/pages", .reach = FileReach::kBeneath,
//                            .rights = kMayRead}}}
//
// Its level is the pref security.sandbox.POLICY.level at the moment when the template starts; full
// where there is no such pref.
#ifndef CHILD_SANDBOX_SANDBOX_OPTIONS_H_
#define CHILD_SANDBOX_SANDBOX_OPTIONS_H_

#include <vector>

#include "child/sandbox/file_rule.h"
#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy.h"

namespace forkserver {

struct SandboxOptions {
  // kNone: children of this template get what the template above has.
  SandboxPolicyId policy = SandboxPolicyId::kNone;
  // What the broker allows beside what the policy names itself; the longer path decides.
  std::vector<FileRule> files = {};
  // Where the machine refuses one of these there is no launch, beside what the policy requires
  // itself. What a level below full leaves out is not refused.
  SandboxLayers required = 0;
};

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SANDBOX_OPTIONS_H_
