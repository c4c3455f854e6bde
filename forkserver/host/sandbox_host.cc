#include "forkserver/host/sandbox_host.h"

#include <map>
#include <optional>
#include <utility>

#include "child/sandbox/sandbox_policy.h"

namespace forkserver {
namespace {

// Of two rules for the same the later one holds: an embedder's over the policy's.
std::vector<FileRule> Merge(const std::vector<std::vector<FileRule>>& lists) {
  std::map<std::pair<std::string, FileReach>, uint32_t> rights;
  for (const std::vector<FileRule>& list : lists) {
    for (const FileRule& rule : list) rights[{rule.path, rule.reach}] = rule.rights;
  }
  std::vector<FileRule> merged;
  for (const auto& [place, allowed] : rights) {
    merged.push_back({.path = place.first, .reach = place.second, .rights = allowed});
  }
  return merged;
}

// What a template looks up about itself, in its freeze and in the reports of its warm-ups.
std::vector<FileRule> OwnProc() {
  return {{.path = "/proc/self", .reach = FileReach::kBeneath, .rights = kMayRead},
          {.path = "/proc/self/coredump_filter",
           .reach = FileReach::kExactly,
           .rights = kMayRead | kMayWrite}};
}

const TemplateOptions* FindParent(const std::vector<TemplateOptions>& templates,
                                  const TemplateOptions& one) {
  for (const TemplateOptions& candidate : templates) {
    if (candidate.name == one.parent && &candidate != &one) return &candidate;
  }
  return nullptr;
}

}  // namespace

SandboxHost::SandboxHost(const std::vector<TemplateOptions>& templates, BrokerOptions options)
    : options_(std::move(options)), templates_(templates.size()) {
  for (const bool for_templates : {false, true}) {
    for (const TemplateOptions& one : templates) {
      // Its own policy, or the next one above it; and what has been added down to here.
      std::vector<std::vector<FileRule>> files;
      Effective effective;
      for (const TemplateOptions* at = &one; at != nullptr; at = FindParent(templates, *at)) {
        files.insert(files.begin(), at->sandbox.files);
        effective.required |= at->sandbox.required;
        if (effective.policy == SandboxPolicyId::kNone) effective.policy = at->sandbox.policy;
      }
      if (!for_templates) policies_.push_back(effective);
      const SandboxPolicy policy = MakeSandboxPolicy(effective.policy);
      files.insert(files.begin(), policy.files);
      if (for_templates) files.push_back(OwnProc());
      rulesets_.push_back({.calls = policy.calls, .files = Merge(files)});
    }
  }
}

SandboxReporter* SandboxHost::reporter() {
  return broker_ != nullptr ? &broker_->reporter() : nullptr;
}

absl::StatusOr<std::shared_ptr<SandboxChain>> SandboxHost::MakeChain(const HelloMessage& hello,
                                                                     DescriptorList& descriptors) {
  const auto is_engaged = [&hello](SandboxLayer layer) {
    return hello.sandbox[layer].outcome == LayerOutcome::kEngaged;
  };
  const size_t listeners = is_engaged(SandboxLayer::kListener) ? 1 : 0;
  const size_t inits = is_engaged(SandboxLayer::kPidNamespace) ? 2 : 0;
  if (descriptors.size() != listeners + inits) {
    return absl::InternalError("its Hello has not the descriptors of its sandbox");
  }
  SandboxChain::Parts parts;
  if (inits > 0) {
    absl::StatusOr<Process> init = Process::FromPidfd(descriptors.Take(listeners));
    if (!init.ok()) return init.status();
    parts.init.emplace(*std::move(init));
    parts.lifeline = descriptors.Take(listeners + 1);
  }
  auto chain = std::make_shared<SandboxChain>(std::move(parts));
  if (listeners > 0) {
    if (absl::Status served = Serve(*chain, descriptors.Take(0)); !served.ok()) return served;
  }
  return chain;
}

absl::Status SandboxHost::Serve(SandboxChain& chain, UniqueFd listener) {
  if (broker_ == nullptr) {
    absl::StatusOr<std::unique_ptr<Broker>> broker = Broker::Start(options_);
    if (!broker.ok()) return broker.status();
    broker_ = *std::move(broker);
  }
  const absl::StatusOr<ListenerId> id = broker_->Serve(std::move(listener), rulesets_);
  if (!id.ok()) return id.status();
  chain.ServedBy(broker_, *id);
  return absl::OkStatus();
}

absl::Status SandboxHost::AdmitExeced(size_t index, const SandboxReport& report, UniqueFd listener,
                                      ProcessType type, Process& child) {
  if (report[SandboxLayer::kListener].holds() != listener.is_open()) {
    return absl::InternalError("its Ready has not the descriptors of its sandbox");
  }
  const SandboxMembership membership = {
      .chain = std::make_shared<SandboxChain>(SandboxChain::Parts()),
      .ruleset = index,
      .report = std::make_shared<const SandboxReport>(report)};
  if (listener.is_open()) {
    if (absl::Status served = Serve(*membership.chain, std::move(listener)); !served.ok()) {
      return served;
    }
  }
  return membership.Enroll(child, type);
}

absl::StatusOr<std::unique_ptr<TemplateLink::Sandbox>> SandboxHost::Admit(
    size_t index, std::shared_ptr<SandboxChain> parents_chain, const HelloMessage& hello,
    DescriptorList& descriptors) {
  if (hello.sandbox.level == kSandboxOff) {
    if (descriptors.size() == 0) return std::unique_ptr<TemplateLink::Sandbox>();
    return absl::InternalError("its Hello has descriptors of a sandbox that it has not");
  }
  if (parents_chain == nullptr) {
    absl::StatusOr<std::shared_ptr<SandboxChain>> made = MakeChain(hello, descriptors);
    if (!made.ok()) return made.status();
    parents_chain = *std::move(made);
  } else if (descriptors.size() != 0) {
    return absl::InternalError("its Hello has descriptors of a sandbox that it inherited");
  }
  return std::make_unique<TemplateLink::Sandbox>(TemplateLink::Sandbox{
      .children = {.chain = std::move(parents_chain),
                   .ruleset = index,
                   .report = std::make_shared<const SandboxReport>(hello.sandbox)},
      .templates_ruleset = templates_ + index});
}

}  // namespace forkserver
