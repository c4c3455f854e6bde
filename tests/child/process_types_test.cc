#include "child/process_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "child/launch_step.h"
#include "child/ready.h"
#include "child/sandbox/sandbox_policy.h"

namespace forkserver {
namespace {

using ::testing::ElementsAre;

TEST(ProcessTypes, EveryRowIsFoundByItsNumberAndNamesAreUnique) {
  std::set<std::string_view> names;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    EXPECT_EQ(FindProcessType(row.type), &row);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
  EXPECT_EQ(FindProcessType(static_cast<uint32_t>(ProcessTypes().size())), nullptr);
  EXPECT_EQ(FindProcessType(UINT32_MAX), nullptr);
}

// A number that changes makes two programs of different builds misunderstand each other.
TEST(ProcessTypes, KeepTheirNumbers) {
  std::vector<std::string_view> names;
  for (const ProcessTypeRow& row : ProcessTypes()) names.push_back(row.name);
  names.resize(std::min<size_t>(names.size(), 15));  // new types come after these
  EXPECT_THAT(names, ElementsAre("parent", "forkserver", "content", "utility", "ipc-unit-test",
                                 "dummy", "media", "data-decoder", "socket", "gpu", "vr",
                                 "launcher", "sandbox-broker", "utility-win32k", "gpu-fallback"));
}

TEST(ProcessTypes, WhatIsThereAndWhatOtherSystemsHaveIsNotLaunched) {
  for (const ProcessType type :
       {ProcessType::kParent, ProcessType::kLauncher, ProcessType::kRemoteSandboxBroker,
        ProcessType::kUtilityWithWin32k, ProcessType::kGpuFallback}) {
    EXPECT_EQ(FindProcessType(type)->launchable, Launchable::kNo) << ProcessTypeName(type);
    EXPECT_FALSE(kLaunchableProcessTypes.contains(type)) << ProcessTypeName(type);
  }
}

TEST(ProcessTypes, AnEmbedderLaunchesAllOthersButTemplates) {
  EXPECT_EQ(FindProcessType(ProcessType::kForkServer)->launchable, Launchable::kByServer);
  EXPECT_FALSE(kLaunchableProcessTypes.contains(ProcessType::kForkServer));
  for (const ProcessTypeRow& row : ProcessTypes()) {
    EXPECT_EQ(kLaunchableProcessTypes.contains(row.type), row.launchable == Launchable::kYes)
        << row.name;
  }
}

TEST(ProcessTypes, OfThePolicysNameArePutUnderIt) {
  for (const ProcessTypeRow& row : ProcessTypes()) {
    const std::optional<SandboxPolicyId> of_that_name = FindSandboxPolicy(row.name);
    if (!of_that_name) continue;
    EXPECT_EQ(row.sandbox, *of_that_name) << row.name;
  }
}

TEST(ProcessTypes, AreConnectedBothWays) {
  for (const ProcessTypeRow& one : ProcessTypes()) {
    for (const ProcessTypeRow& other : ProcessTypes()) {
      EXPECT_EQ(MayConnect(one.type, other.type), MayConnect(other.type, one.type))
          << one.name << " and " << other.name;
    }
  }
}

TEST(ProcessTypes, OnlyThoseAreConnectedThatTheTableConnects) {
  EXPECT_TRUE(MayConnect(ProcessType::kParent, ProcessType::kContent));
  EXPECT_TRUE(MayConnect(ProcessType::kContent, ProcessType::kContent));  // nested
  EXPECT_TRUE(MayConnect(ProcessType::kContent, ProcessType::kGpu));
  EXPECT_TRUE(MayConnect(ProcessType::kGpu, ProcessType::kVr));
  EXPECT_FALSE(MayConnect(ProcessType::kContent, ProcessType::kVr));
  EXPECT_FALSE(MayConnect(ProcessType::kSocket, ProcessType::kGpu));
  EXPECT_FALSE(MayConnect(ProcessType::kUtility, ProcessType::kUtility));
  EXPECT_FALSE(MayConnect(ProcessType::kParent, ProcessType::kForkServer));
  EXPECT_FALSE(MayConnect(static_cast<ProcessType>(77), ProcessType::kContent));
  EXPECT_FALSE(MayConnect(ProcessType::kContent, static_cast<ProcessType>(77)));
}

TEST(ProcessTypes, WithoutAGpuProcessTheParentComposites) {
  EXPECT_EQ(FindProcessType(ProcessType::kGpu)->fallback, ParentFallback::kCompositingThread);
  EXPECT_EQ(FindProcessType(ProcessType::kContent)->fallback, ParentFallback::kNone);
}

TEST(ProcessTypes, EachHasABitOfItsOwnInMasksOfComponents) {
  uint32_t seen = 0;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    EXPECT_EQ(std::popcount(row.component_bit()), 1) << row.name;
    EXPECT_EQ(seen & row.component_bit(), 0u) << row.name;
    seen |= row.component_bit();
  }
  EXPECT_EQ(seen, ProcessTypeSet::All().bits());
}

TEST(ProcessTypes, SetsOfThemHaveNamesForPeople) {
  EXPECT_EQ(ProcessTypeNames({}), "none");
  EXPECT_EQ(ProcessTypeNames({ProcessType::kGpu, ProcessType::kContent}), "content, gpu");
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
