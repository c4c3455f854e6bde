// What holds of every policy as it is written.
#include <errno.h>
#include <sys/syscall.h>

#include <algorithm>
#include <set>

#include "child/sandbox/phrases.h"
#include "child/sandbox/sandbox_policy.h"
#include "gtest/gtest.h"
#include "tests/child/sandbox/dangerous_calls.h"

namespace forkserver {
namespace {

bool IsIn(const ArgumentCondition& one, const SystemCalls::Conditions& conditions) {
  return std::any_of(conditions.begin(), conditions.end(), [&](const ArgumentCondition& other) {
    return one.index == other.index && one.test == other.test && one.value == other.value &&
           one.mask == other.mask;
  });
}

bool IsSame(const SystemCalls::Conditions& a, const SystemCalls::Conditions& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const ArgumentCondition& one) {
           return IsIn(one, b);
         });
}

bool Gives(const SystemCalls::Rule& rule, const SystemCalls::Conditions& conditions) {
  return rule.is_allowed ||
         std::any_of(rule.allowed_when.begin(), rule.allowed_when.end(),
                     [&](const SystemCalls::Conditions& all) { return IsSame(all, conditions); });
}

TEST(Policies, AllowWhatBaselineAllows) {
  const SystemCalls baseline = Baseline();
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    for (const auto& [call, needed] : baseline.rules()) {
      SCOPED_TRACE(std::string(policy.name) + ", call " + std::to_string(call));
      const auto found = policy.calls.rules().find(call);
      ASSERT_NE(found, policy.calls.rules().end());
      EXPECT_TRUE(!needed.is_allowed || found->second.is_allowed);
      for (const SystemCalls::Conditions& conditions : needed.allowed_when) {
        EXPECT_TRUE(Gives(found->second, conditions));
      }
    }
  }
}

TEST(Policies, KillWhatAttacksAreMadeOf) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    for (const testing::DangerousCall& call : testing::kDangerousCalls) {
      SCOPED_TRACE(std::string(policy.name) + ", " + call.name);
      EXPECT_EQ(policy.calls.AnswerTo(call.number).kind, CallAnswer::Kind::kKill);
      const auto found = policy.calls.rules().find(call.number);
      ASSERT_NE(found, policy.calls.rules().end());
      EXPECT_FALSE(found->second.is_allowed);
      EXPECT_TRUE(found->second.allowed_when.empty());
    }
  }
}

TEST(Policies, GiveNobodyMemoryThatIsWritableAndExecutable) {
  constexpr uint64_t kWriteAndExecute = 2 | 4;
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    for (const long call : {SYS_mmap, SYS_mprotect}) {
      const SystemCalls::Rule& rule = policy.calls.rules().at(call);
      EXPECT_FALSE(rule.is_allowed) << policy.name;
      for (const SystemCalls::Conditions& all_of : rule.allowed_when) {
        const bool is_met =
            std::all_of(all_of.begin(), all_of.end(), [](const ArgumentCondition& one) {
              return one.index != 2 || (kWriteAndExecute & one.mask) == one.value;
            });
        EXPECT_FALSE(is_met) << policy.name;
      }
    }
    EXPECT_EQ(policy.calls.rules().count(SYS_pkey_mprotect), 0u) << policy.name;
  }
}

TEST(Policies, OnlyTheSocketProcessHasANetwork) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    const bool has_network = id == SandboxPolicyId::kSocket;
    EXPECT_EQ(policy.network == NetworkAccess::kHost, has_network) << policy.name;
    EXPECT_EQ(policy.calls.rules().at(SYS_bind).is_allowed, has_network) << policy.name;
    EXPECT_EQ(policy.calls.rules().at(SYS_connect).is_allowed, has_network) << policy.name;
  }
}

TEST(Policies, AskForFilesWhereverTheyNameSome) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    const bool asks = policy.calls.AnswerTo(SYS_openat).kind == CallAnswer::Kind::kAsk;
    EXPECT_EQ(asks, !policy.files.empty()) << policy.name;
    // Whom the host may not look into, it cannot answer.
    EXPECT_FALSE(asks && policy.looking_in == LookingIn::kForbidden) << policy.name;
  }
}

TEST(Policies, NameEachFileOnceAndWhole) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    std::set<std::string> seen;
    for (const FileRule& rule : policy.files) {
      SCOPED_TRACE(std::string(policy.name) + " " + rule.path);
      EXPECT_TRUE(rule.path.starts_with("/"));
      if (rule.path == "/") {
        // That it is there is all that one may learn of the whole.
        EXPECT_EQ(rule.reach, FileReach::kExactly);
        EXPECT_EQ(rule.rights, kMayStat);
      } else {
        EXPECT_FALSE(rule.path.ends_with("/"));
      }
      EXPECT_EQ(rule.path.find("//"), std::string::npos);
      EXPECT_EQ((rule.path + "/").find("/../"), std::string::npos);
      EXPECT_TRUE(seen.insert(rule.path).second);
    }
  }
}

// Beneath /proc/self/task, say, is all that /proc/self has.
TEST(Policies, NameNoFolderOfProcWithAllThatIsInIt) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    for (const FileRule& rule : MakeSandboxPolicy(id).files) {
      if (rule.path.starts_with("/proc")) {
        EXPECT_EQ(rule.reach, FileReach::kExactly) << SandboxPolicyName(id) << " " << rule.path;
      }
    }
  }
}

TEST(Policies, AskForNoOtherProcessesGroup) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    const SandboxPolicy policy = MakeSandboxPolicy(id);
    for (const long call : {SYS_getpgid, SYS_getsid}) {
      const auto rule = policy.calls.rules().find(call);
      if (rule == policy.calls.rules().end()) continue;
      EXPECT_FALSE(rule->second.is_allowed) << policy.name;
    }
  }
}

TEST(Policies, KeepPagesOutOfCoreDumps) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(MakeSandboxPolicy(id).limits.core_bytes, 0u) << SandboxPolicyName(id);
  }
}

TEST(Policies, AreFoundByTheirNames) {
  for (const SandboxPolicyId id : SandboxPolicies()) {
    EXPECT_EQ(FindSandboxPolicy(SandboxPolicyName(id)), id);
    EXPECT_EQ(MakeSandboxPolicy(id).id, id);
    EXPECT_EQ(MakeSandboxPolicy(id).name, SandboxPolicyName(id));
  }
  EXPECT_EQ(FindSandboxPolicy("none"), std::nullopt);
  EXPECT_TRUE(MakeSandboxPolicy(SandboxPolicyId::kNone).calls.rules().empty());
  EXPECT_EQ(SandboxLevelPref(SandboxPolicyId::kFileContent), "security.sandbox.file-content.level");
}

}  // namespace
}  // namespace forkserver
