#include "child/plan.h"

#include <errno.h>

#include "transceiver/launch_path.h"

namespace forkserver {
namespace {

constexpr uint32_t kNoDescriptor = UINT32_MAX;
constexpr uint32_t kNoPause = UINT32_MAX;
constexpr size_t kStringOverhead = sizeof(uint32_t) + 1;
constexpr size_t kDescriptorBytes = 9;
constexpr size_t kLimitBytes = 20;
constexpr size_t kFixedBytes = 128;  // more than all fields without a list

size_t EncodedSize(std::span<const std::string> strings) {
  size_t size = sizeof(uint32_t);
  for (const std::string& text : strings) size += text.size() + kStringOverhead;
  return size;
}

void PutStrings(ByteWriter& out, std::span<const std::string> strings) {
  out.U32(static_cast<uint32_t>(strings.size()));
  for (const std::string& text : strings) out.String(text);
}

// Reads `count` and walks over the elements, so that a later walk needs no checks.
template <typename ReadOne>
FORKSERVER_LAUNCH_PATH PlanSection TakeSection(std::span<const uint8_t> payload, ByteReader& in,
                                               ReadOne read_one) {
  PlanSection section = {.count = in.U32(), .bytes = {}};
  const size_t start = in.position();
  for (uint32_t i = 0; i < section.count && in.ok(); ++i) read_one(in);
  if (in.ok()) section.bytes = payload.subspan(start, in.position() - start);
  return section;
}

}  // namespace

std::vector<uint8_t> EncodePlan(const Plan& plan) {
  std::vector<uint8_t> payload(kFixedBytes + plan.working_directory.size() + plan.name.size() +
                               plan.title.size() + plan.descriptors.size() * kDescriptorBytes +
                               plan.limits.size() * kLimitBytes + EncodedSize(plan.argv) +
                               EncodedSize(plan.set_environment) +
                               EncodedSize(plan.unset_environment));
  ByteWriter out(payload);
  out.U32(static_cast<uint32_t>(plan.type));
  out.U8(static_cast<uint8_t>(plan.environment_base));
  out.U8(plan.nice.has_value());
  out.I32(plan.nice.value_or(0));
  out.I32(plan.parent_death_signal);
  out.I32(plan.host_pid);
  out.U64(plan.signal_mask);
  out.U32(plan.prefs_descriptor.value_or(kNoDescriptor));
  out.U32(plan.births_descriptor.value_or(kNoDescriptor));
  out.U8(static_cast<uint8_t>(plan.sandbox_policies.size()));
  for (const SandboxPolicyId id : plan.sandbox_policies) out.U8(static_cast<uint8_t>(id));
  out.U32(plan.sandbox_required);
  out.U32(plan.debug_pause_seconds.value_or(kNoPause));
  out.String(plan.working_directory);
  out.String(plan.name);
  out.String(plan.title);
  out.U32(static_cast<uint32_t>(plan.descriptors.size()));
  for (const PlannedDescriptor& descriptor : plan.descriptors) {
    out.U32(descriptor.target);
    out.U32(descriptor.source);
    out.U8(static_cast<uint8_t>(descriptor.on_exec));
  }
  out.U32(static_cast<uint32_t>(plan.limits.size()));
  for (const ResourceLimit& limit : plan.limits) {
    out.I32(limit.resource);
    out.U64(limit.soft);
    out.U64(limit.hard);
  }
  PutStrings(out, plan.argv);
  PutStrings(out, plan.set_environment);
  PutStrings(out, plan.unset_environment);
  // A string with a NUL inside leaves the writer short; what the child gets then is no Plan, and
  // says so.
  payload.resize(out.ok() ? out.size() : 0);
  return payload;
}

FORKSERVER_LAUNCH_PATH PlannedDescriptor ReadPlannedDescriptor(ByteReader& in) {
  PlannedDescriptor descriptor;
  descriptor.target = in.U32();
  descriptor.source = in.U32();
  descriptor.on_exec = static_cast<OnExec>(in.U8());
  return descriptor;
}

FORKSERVER_LAUNCH_PATH ResourceLimit ReadResourceLimit(ByteReader& in) {
  ResourceLimit limit;
  limit.resource = in.I32();
  limit.soft = in.U64();
  limit.hard = in.U64();
  return limit;
}

FORKSERVER_LAUNCH_PATH StepFailure DecodePlan(std::span<const uint8_t> payload, PlanView& view) {
  ByteReader in(payload);
  view.type = in.U32();
  view.environment_base = static_cast<EnvironmentBase>(in.U8());
  const uint8_t has_nice = in.U8();
  const int32_t nice = in.I32();
  if (has_nice != 0) view.nice = nice;
  view.parent_death_signal = in.I32();
  view.host_pid = in.I32();
  view.signal_mask = in.U64();
  const uint32_t prefs = in.U32();
  if (prefs != kNoDescriptor) view.prefs_descriptor = prefs;
  const uint32_t births = in.U32();
  if (births != kNoDescriptor) view.births_descriptor = births;
  view.sandbox_policy_count = in.U8();
  if (view.sandbox_policy_count > kMostNestedPolicies) return {LaunchStep::kPlan, EBADMSG};
  for (uint32_t i = 0; i < view.sandbox_policy_count; ++i) {
    view.sandbox_policies[i] = static_cast<SandboxPolicyId>(in.U8());
  }
  view.sandbox_required = in.U32();
  const uint32_t pause = in.U32();
  if (pause != kNoPause) view.debug_pause_seconds = pause;
  view.working_directory = in.String();
  view.name = in.String();
  view.title = in.String();
  view.descriptors = TakeSection(payload, in, ReadPlannedDescriptor);
  view.limits = TakeSection(payload, in, ReadResourceLimit);
  const size_t arguments_start = in.position();
  const auto string = [](ByteReader& reader) { reader.String(); };
  view.argv = TakeSection(payload, in, string);
  view.set_environment = TakeSection(payload, in, string);
  view.unset_environment = TakeSection(payload, in, string);
  if (!in.AtEnd()) return {LaunchStep::kPlan, EBADMSG};
  if (view.environment_base > EnvironmentBase::kEmpty) return {LaunchStep::kPlan, EBADMSG};
  if (in.position() - arguments_start > kMaxArgumentBytes) {
    return {LaunchStep::kEnvironment, E2BIG};
  }
  if (view.descriptors.count > kMaxPlannedDescriptors) return {LaunchStep::kDescriptors, E2BIG};
  return {};
}

}  // namespace forkserver
