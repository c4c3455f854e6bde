#include "forkserver/host/template_options.h"

#include <set>

#include "absl/strings/str_format.h"
#include "forkserver/host/broker/path_policy.h"

namespace forkserver {

namespace {

// Null: the root.
const TemplateOptions* Above(const std::vector<TemplateOptions>& options,
                             const TemplateOptions& one) {
  for (const TemplateOptions& candidate : options) {
    if (candidate.name == one.parent) return &candidate;
  }
  return nullptr;
}

}  // namespace

absl::Status CheckTemplateOptions(const std::vector<TemplateOptions>& options) {
  std::set<std::string_view> names = {kRootTemplate};
  std::set<ProcessType> types;
  for (const TemplateOptions& one : options) {
    if (names.count(one.parent) == 0) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "start: template '%s': its parent '%s' is no template above it", one.name, one.parent));
    }
    if (one.name.empty() || !names.insert(one.name).second) {
      return absl::InvalidArgumentError(
          absl::StrFormat("start: template '%s': the name is empty or taken", one.name));
    }
    if (one.pool && one.pool->min > one.pool->max) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "start: template '%s': the pool's minimum is above its maximum", one.name));
    }
    if (one.evict_after < absl::ZeroDuration()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("start: template '%s': evict_after is negative", one.name));
    }
    if (one.sandbox.policy >= SandboxPolicyId::kCount) {
      return absl::InvalidArgumentError(
          absl::StrFormat("start: template '%s': there is no sandbox policy %d", one.name,
                          static_cast<int>(one.sandbox.policy)));
    }
    size_t policies = 0;
    for (const TemplateOptions* at = &one; at != nullptr; at = Above(options, *at)) {
      if (at->sandbox.policy != SandboxPolicyId::kNone) ++policies;
    }
    if (policies > kMostNestedPolicies) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "start: template '%s': %d sandbox policies lie above each other, of %d at most", one.name,
          policies, kMostNestedPolicies));
    }
    if (absl::StatusOr<PathPolicy> files = PathPolicy::Create(one.sandbox.files); !files.ok()) {
      return absl::InvalidArgumentError(absl::StrFormat("start: template '%s': %s", one.name,
                                                        std::string(files.status().message())));
    }
    for (const ProcessType type : one.types) {
      if (FindProcessType(type) == nullptr) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "start: template '%s': type %d has no row in the table of process types", one.name,
            static_cast<int>(type)));
      }
      if (!kLaunchableProcessTypes.contains(type)) {
        return absl::InvalidArgumentError(
            absl::StrFormat("start: template '%s': type %s is not launched from templates",
                            one.name, ProcessTypeName(type)));
      }
      if (!types.insert(type).second) {
        return absl::InvalidArgumentError(
            absl::StrFormat("start: template '%s': type %s has a template already", one.name,
                            ProcessTypeName(type)));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace forkserver
