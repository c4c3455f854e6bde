#include "child/plan.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

namespace forkserver {
namespace {

std::vector<std::string> Strings(const PlanSection& section) {
  std::vector<std::string> strings;
  ByteReader in = section.reader();
  for (uint32_t i = 0; i < section.count; ++i) strings.emplace_back(in.String());
  EXPECT_TRUE(in.AtEnd());
  return strings;
}

TEST(Plan, EveryFieldSurvivesTheWire) {
  const std::vector<std::string> argv = {"child", "", "--flag=\n"};
  const std::vector<std::string> set = {"A=1", "B="};
  const std::vector<std::string> unset = {"C"};
  const std::vector<PlannedDescriptor> descriptors = {
      {0, PlannedDescriptor::kTemplatesOwn, OnExec::kInherit}, {7, 2, OnExec::kClose}};
  const std::vector<ResourceLimit> limits = {{RLIMIT_CORE, 1, RLIM_INFINITY}};
  const std::vector<uint8_t> payload = EncodePlan({.type = ProcessType::kContent,
                                                   .argv = argv,
                                                   .environment_base = EnvironmentBase::kEmpty,
                                                   .set_environment = set,
                                                   .unset_environment = unset,
                                                   .working_directory = "/tmp",
                                                   .name = "name",
                                                   .title = "title",
                                                   .descriptors = descriptors,
                                                   .limits = limits,
                                                   .nice = -5,
                                                   .parent_death_signal = 9,
                                                   .host_pid = 4711,
                                                   .signal_mask = uint64_t{1} << 63,
                                                   .prefs_descriptor = 3,
                                                   .debug_pause_seconds = 30});
  PlanView view;
  ASSERT_FALSE(DecodePlan(payload, view).failed());
  EXPECT_EQ(view.type, static_cast<uint32_t>(ProcessType::kContent));
  EXPECT_EQ(view.environment_base, EnvironmentBase::kEmpty);
  EXPECT_EQ(view.working_directory, "/tmp");
  EXPECT_EQ(view.name, "name");
  EXPECT_EQ(view.title, "title");
  EXPECT_EQ(view.nice, -5);
  EXPECT_EQ(view.parent_death_signal, 9);
  EXPECT_EQ(view.host_pid, 4711);
  EXPECT_EQ(view.signal_mask, uint64_t{1} << 63);
  EXPECT_EQ(view.prefs_descriptor, 3u);
  EXPECT_EQ(view.debug_pause_seconds, 30u);
  EXPECT_EQ(Strings(view.argv), argv);
  EXPECT_EQ(Strings(view.set_environment), set);
  EXPECT_EQ(Strings(view.unset_environment), unset);
  ASSERT_EQ(view.descriptors.count, 2u);
  ByteReader in = view.descriptors.reader();
  EXPECT_EQ(ReadPlannedDescriptor(in).source, PlannedDescriptor::kTemplatesOwn);
  const PlannedDescriptor second = ReadPlannedDescriptor(in);
  EXPECT_EQ(second.target, 7u);
  EXPECT_EQ(second.source, 2u);
  EXPECT_EQ(second.on_exec, OnExec::kClose);
  ASSERT_EQ(view.limits.count, 1u);
  ByteReader limit_in = view.limits.reader();
  const ResourceLimit limit = ReadResourceLimit(limit_in);
  EXPECT_EQ(limit.resource, RLIMIT_CORE);
  EXPECT_EQ(limit.soft, 1u);
  EXPECT_EQ(limit.hard, RLIM_INFINITY);
}

TEST(Plan, WhatIsNotNamedStaysUnnamed) {
  PlanView view;
  const std::vector<uint8_t> payload = EncodePlan({.type = ProcessType::kContent});
  ASSERT_FALSE(DecodePlan(payload, view).failed());
  EXPECT_FALSE(view.nice.has_value());
  EXPECT_FALSE(view.prefs_descriptor.has_value());
  EXPECT_FALSE(view.debug_pause_seconds.has_value());
  EXPECT_EQ(view.argv.count, 0u);
}

// argv and environ of the child are pointers into the payload.
TEST(Plan, StringsEndInANulInPlace) {
  const std::vector<std::string> argv = {"abc"};
  const std::vector<uint8_t> payload = EncodePlan({.argv = argv});
  PlanView view;
  ASSERT_FALSE(DecodePlan(payload, view).failed());
  ByteReader in = view.argv.reader();
  const std::string_view text = in.String();
  EXPECT_STREQ(text.data(), "abc");
  EXPECT_GE(reinterpret_cast<const uint8_t*>(text.data()), payload.data());
  EXPECT_LT(reinterpret_cast<const uint8_t*>(text.data()), payload.data() + payload.size());
}

TEST(Plan, StringWithANulDoesNotEncode) {
  const std::vector<std::string> argv = {std::string("a\0b", 3)};
  EXPECT_TRUE(EncodePlan({.argv = argv}).empty());
}

TEST(Plan, NoPrefixOfAPlanIsAPlan) {
  const std::vector<std::string> argv = {"a", "b"};
  const std::vector<PlannedDescriptor> descriptors = {{0, 0}};
  const std::vector<uint8_t> payload =
      EncodePlan({.argv = argv, .set_environment = argv, .descriptors = descriptors});
  for (size_t size = 0; size < payload.size(); ++size) {
    PlanView view;
    const StepFailure failure = DecodePlan(std::span(payload).first(size), view);
    EXPECT_EQ(failure.step, LaunchStep::kPlan) << size;
    EXPECT_EQ(failure.error, EBADMSG) << size;
  }
}

// Counts are the sender's word; walking over them must end at the payload's end.
TEST(Plan, EveryChangedByteIsAPlanOrAnError) {
  const std::vector<std::string> argv = {"a", "b"};
  const std::vector<ResourceLimit> limits = {{1, 2, 3}};
  const std::vector<uint8_t> payload =
      EncodePlan({.argv = argv, .working_directory = "/", .limits = limits});
  for (size_t i = 0; i < payload.size(); ++i) {
    for (const uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::vector<uint8_t> changed = payload;
      changed[i] = value;
      PlanView view;
      if (DecodePlan(changed, view).failed()) continue;
      EXPECT_EQ(Strings(view.argv).size(), view.argv.count);
    }
  }
}

TEST(Plan, ArgumentsAndEnvironmentHaveALimitTogether) {
  const std::vector<std::string> half = {std::string(kMaxArgumentBytes / 2, 'x')};
  const std::vector<uint8_t> payload = EncodePlan({.argv = half, .set_environment = half});
  PlanView view;
  const StepFailure failure = DecodePlan(payload, view);
  EXPECT_EQ(failure.step, LaunchStep::kEnvironment);
  EXPECT_EQ(failure.error, E2BIG);
}

}  // namespace
}  // namespace forkserver
