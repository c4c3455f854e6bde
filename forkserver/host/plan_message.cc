#include "forkserver/host/plan_message.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "child/plan.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/sealed_memfd.h"

namespace forkserver {
namespace {

// The place of `fd` among the travelling descriptors; one that is there already travels once.
uint32_t IndexOf(int fd, std::vector<int>& descriptors) {
  const auto found = std::find(descriptors.begin(), descriptors.end(), fd);
  if (found != descriptors.end()) return static_cast<uint32_t>(found - descriptors.begin());
  descriptors.push_back(fd);
  return static_cast<uint32_t>(descriptors.size() - 1);
}

absl::Status Refuse(const LaunchOptions& options, LaunchStep step, int error, size_t index = 0,
                    std::string detail = {}) {
  return LaunchFailureStatus(LaunchName(options.type), {.step = step,
                                                        .error = error,
                                                        .index = static_cast<uint32_t>(index),
                                                        .detail = std::move(detail)});
}

}  // namespace

LaunchFailure InTermsOfOptions(LaunchFailure failure) {
  constexpr uint32_t kStdioEntries = STDERR_FILENO + 1;
  if (failure.step != LaunchStep::kDescriptors || failure.error == E2BIG) return failure;
  if (failure.index < kStdioEntries) {
    failure.step = LaunchStep::kStdio;
  } else if (failure.index != kOtherDescriptors) {
    failure.index -= kStdioEntries;
  }
  return failure;
}

absl::StatusOr<PlanMessage> BuildPlanMessage(const LaunchOptions& options, ParentThread parent,
                                             const HostFacts& facts, const PrefsGeneration& prefs,
                                             std::span<const SandboxPolicyId> sandbox_policies,
                                             SandboxLayers required, int births) {
  PlanMessage message;
  std::vector<PlannedDescriptor> planned;
  planned.reserve(options.stdio.size() + options.descriptors.size());
  for (uint32_t number = 0; number < options.stdio.size(); ++number) {
    const Stdio& stdio = options.stdio[number];
    uint32_t source = PlannedDescriptor::kTemplatesOwn;
    if (stdio.kind == Stdio::Kind::kNull) {
      source = IndexOf(facts.null_device.get(), message.descriptors);
    } else if (stdio.kind == Stdio::Kind::kDescriptor) {
      source = IndexOf(stdio.fd, message.descriptors);
    }
    planned.push_back({.target = number, .source = source, .on_exec = OnExec::kInherit});
  }
  for (size_t i = 0; i < options.descriptors.size(); ++i) {
    const DescriptorMapping& mapping = options.descriptors[i];
    if (mapping.target <= STDERR_FILENO)
      return Refuse(options, LaunchStep::kDescriptors, EINVAL, i);
    planned.push_back({.target = static_cast<uint32_t>(mapping.target),
                       .source = IndexOf(mapping.fd, message.descriptors),
                       .on_exec = mapping.on_exec});
  }

  const ProcessTypeRow* row = FindProcessType(options.type);
  Plan plan = {
      .type = options.type,
      .argv = options.argv,
      .environment_base = options.environment_base,
      .set_environment = options.set_environment,
      .unset_environment = options.unset_environment,
      .working_directory = options.working_directory,
      .name = options.name.empty() && row != nullptr ? row->name : options.name,
      .title = options.title,
      .descriptors = planned,
      .limits = options.limits,
      .nice = options.nice,
      .parent_death_signal = parent == ParentThread::kStart ? options.parent_death_signal : 0,
      .host_pid = facts.pid,
      .signal_mask = facts.signal_mask,
      .sandbox_policies = sandbox_policies,
      .sandbox_required = required};
  if (prefs.fd != nullptr) {
    plan.prefs_descriptor = IndexOf(prefs.fd->get(), message.descriptors);
  }
  if (facts.debugging.Covers(options.type)) {
    plan.debug_pause_seconds = facts.debugging.pause_seconds;
  }
  if (births >= 0) plan.births_descriptor = IndexOf(births, message.descriptors);

  message.payload = EncodePlan(plan);
  if (message.payload.empty()) {
    return Refuse(options, LaunchStep::kPlan, EINVAL, 0, "a string has a NUL byte inside");
  }
  if (message.payload.size() > kMaxPlanBytes) {
    const bool is_path = options.working_directory.size() > PATH_MAX;
    return Refuse(options, is_path ? LaunchStep::kWorkingDirectory : LaunchStep::kEnvironment,
                  is_path ? ENAMETOOLONG : E2BIG);
  }
  if (message.payload.size() > kMaxPayloadBytes) {
    absl::StatusOr<UniqueFd> memfd = CreateSealedMemfd("plan", message.payload);
    if (!memfd.ok()) return NameLaunch(LaunchName(options.type), memfd.status());
    message.memfd = *std::move(memfd);
    message.descriptors.push_back(message.memfd.get());
    message.payload.clear();
    message.flags = kPayloadInMemfd;
  }
  if (message.descriptors.size() > kMaxDescriptors) {
    return Refuse(options, LaunchStep::kDescriptors, E2BIG, kMaxDescriptors);
  }
  return message;
}

}  // namespace forkserver
