#include "child/process_types.h"

#include <gtest/gtest.h>

#include <iterator>
#include <optional>
#include <set>
#include <string>

#include "child/launch_step.h"
#include "child/ready.h"
#include "child/sandbox/sandbox_policy.h"

namespace forkserver {
namespace {

TEST(ProcessTypes, EveryRowIsFoundByItsNumberAndNamesAreUnique) {
  std::set<std::string_view> names;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    EXPECT_EQ(FindProcessType(row.type), &row);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
  EXPECT_EQ(FindProcessType(static_cast<uint32_t>(ProcessTypes().size())), nullptr);
  EXPECT_EQ(FindProcessType(UINT32_MAX), nullptr);
}

TEST(ProcessTypes, TheProgramThatTheUserStartedIsNotLaunched) {
  EXPECT_EQ(FindProcessType(ProcessType::kParent)->launchable, Launchable::kNo);
}

TEST(ProcessTypes, ArePutUnderThePolicyOfTheirName) {
  for (const ProcessTypeRow& row : ProcessTypes()) {
    const std::optional<SandboxPolicyId> of_that_name = FindSandboxPolicy(row.name);
    EXPECT_EQ(row.sandbox, of_that_name.value_or(SandboxPolicyId::kNone)) << row.name;
  }
}

TEST(ProcessTypes, AndPoliciesWithoutTypeAreAllPolicies) {
  std::set<SandboxPolicyId> policies(std::begin(kPoliciesWithoutType),
                                     std::end(kPoliciesWithoutType));
  for (const ProcessTypeRow& row : ProcessTypes()) policies.insert(row.sandbox);
  policies.erase(SandboxPolicyId::kNone);
  EXPECT_EQ(policies,
            std::set<SandboxPolicyId>(SandboxPolicies().begin(), SandboxPolicies().end()));
}

TEST(LaunchStep, EveryStepHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kLaunchStepCount; ++i) {
    const std::string_view name = LaunchStepName(static_cast<LaunchStep>(i));
    EXPECT_NE(name, "unknown step") << i;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(LaunchStepName(static_cast<LaunchStep>(999)), "unknown step");
}

TEST(Ready, SurvivesTheWireAndNoPrefixOfItDoes) {
  ReadyMessage sent = {.build_id = 1, .pid = 2, .started_at = 3, .plan_received_at = 4};
  sent.done_at[5] = 6;
  uint8_t buffer[ReadyMessage::kBytes];
  const std::span<const uint8_t> payload = Encode(sent, buffer);
  ReadyMessage received;
  ASSERT_TRUE(Decode(payload, received));
  EXPECT_EQ(received.build_id, 1u);
  EXPECT_EQ(received.pid, 2);
  EXPECT_EQ(received.started_at, 3);
  EXPECT_EQ(received.plan_received_at, 4);
  EXPECT_EQ(received.done_at, sent.done_at);
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(Decode(payload.first(size), received)) << size;
  }
}

}  // namespace
}  // namespace forkserver
