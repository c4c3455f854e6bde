// What a sandboxed process of one kind may do: a policy.
//
//     const SandboxPolicy policy = MakeSandboxPolicy(SandboxPolicyId::kContent);
//     policy.name                                        // "content"
//     policy.calls.AnswerTo(SYS_ptrace)                  // kKill
//
// Each is written in a file of its own in this folder, out of the phrases of phrases.h. A policy
// is plain data, the same in template and host: the template makes the filter and the limits of
// it, the host's broker its answers. Making one allocates: before the fork, or in the host.
//
// Each has a level, a pref: 0 is off; 1 is what needs no namespace (filter, capabilities, limits,
// Landlock), which debuggers and containers bear; 2, the default, is all of it.
#ifndef CHILD_SANDBOX_SANDBOX_POLICY_H_
#define CHILD_SANDBOX_SANDBOX_POLICY_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "child/sandbox/file_rule.h"
#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy_id.h"
#include "child/sandbox/system_calls.h"

namespace forkserver {

enum class NetworkAccess : uint8_t {
  kNone,  // a network namespace without so much as a loopback that is up; no TCP by Landlock
  kHost,  // the host's network
};

// Whether the kernel lets the host look into the process (PR_SET_DUMPABLE). A host that is not
// root needs that for the broker and for crash stacks; the filter keeps siblings from it.
enum class LookingIn : uint8_t { kAllowed, kForbidden };

// setrlimit(2), for each child; nothing: as it was. They stop what has run wild, and are several
// times what an honest process of the kind needs.
struct SandboxLimits {
  // RLIMIT_DATA beyond what the template has itself.
  std::optional<uint64_t> memory_bytes = {};
  std::optional<uint64_t> descriptors = {};  // RLIMIT_NOFILE
  std::optional<uint64_t> core_bytes = {};   // RLIMIT_CORE
};

struct SandboxPolicy {
  SandboxPolicyId id = SandboxPolicyId::kNone;
  std::string_view name;
  SystemCalls calls = {};
  std::vector<FileRule> files = {};
  NetworkAccess network = NetworkAccess::kNone;
  LookingIn looking_in = LookingIn::kAllowed;
  SandboxLimits limits = {};
  // Where the machine refuses one of these, there is no launch; others are done without.
  SandboxLayers required = kLeastSandboxLayers;
};

// Policies as bits.
constexpr uint16_t PolicyBit(SandboxPolicyId id) {
  return static_cast<uint16_t>(1u << static_cast<unsigned>(id));
}

// How many may lie below each other: each adds a filter and a Landlock domain, of which the kernel
// takes 16.
inline constexpr size_t kMostNestedPolicies = 4;

// kNone and what is no id: a policy without a name that allows nothing.
SandboxPolicy MakeSandboxPolicy(SandboxPolicyId id);

// "content"; "none" for kNone, "unknown policy" for what is none.
std::string_view SandboxPolicyName(SandboxPolicyId id);
std::optional<SandboxPolicyId> FindSandboxPolicy(std::string_view name);

// All but kNone, in the order of their numbers.
std::span<const SandboxPolicyId> SandboxPolicies();

// "security.sandbox.content.level"
std::string SandboxLevelPref(SandboxPolicyId id);

inline constexpr int kSandboxOff = 0;
inline constexpr int kSandboxWithoutNamespaces = 1;
inline constexpr int kFullSandbox = 2;

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SANDBOX_POLICY_H_
