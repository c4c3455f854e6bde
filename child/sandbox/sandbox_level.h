// The level of a policy, by its pref.
#ifndef CHILD_SANDBOX_SANDBOX_LEVEL_H_
#define CHILD_SANDBOX_SANDBOX_LEVEL_H_

#include <algorithm>

#include "child/sandbox/sandbox_policy.h"
#include "preload/prefs/prefs_map.h"

namespace forkserver {

// Full without such a pref, or with one that is no number. Numbers beyond the levels that there are
// mean the nearest one.
inline int SandboxLevel(SandboxPolicyId policy, const PrefsMap& prefs) {
  if (policy == SandboxPolicyId::kNone) return kSandboxOff;
  return std::clamp(prefs.GetInt(SandboxLevelPref(policy), kFullSandbox), kSandboxOff,
                    kFullSandbox);
}

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SANDBOX_LEVEL_H_
