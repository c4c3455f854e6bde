#include "forkserver/host/sandbox_host.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "child/sandbox/sandbox_policy.h"
#include "forkserver/host/broker/path_policy.h"

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

// How the host answers what one of several filters did not let through: as the strictest of them.
// Those that let it through have no word in it.
SystemCalls StrictestAnswers(const std::vector<SystemCalls>& policies) {
  std::set<long> named;
  for (const SystemCalls& calls : policies) {
    for (const auto& [call, rule] : calls.rules()) named.insert(call);
  }
  // Ask, refuse, kill: in this order.
  const auto severity = [](const CallAnswer& of) {
    return of.kind == CallAnswer::Kind::kKill ? 2 : of.kind == CallAnswer::Kind::kAsk ? 0 : 1;
  };
  SystemCalls strictest;
  for (const long call : named) {
    std::optional<CallAnswer> answer;
    for (const SystemCalls& calls : policies) {
      const auto found = calls.rules().find(call);
      if (found != calls.rules().end() && found->second.is_allowed) continue;
      const CallAnswer one = calls.AnswerTo(call);
      if (!answer || severity(one) > severity(*answer)) answer = one;
    }
    if (!answer) continue;
    switch (answer->kind) {
      case CallAnswer::Kind::kAsk:
        strictest.Ask({call});
        break;
      case CallAnswer::Kind::kRefuse:
        strictest.Refuse(answer->error, {call});
        break;
      case CallAnswer::Kind::kKill:
        strictest.Kill({call});
        break;
    }
  }
  return strictest;
}

// What all of them allow: at each place that a rule of any of them names, and beneath it, the
// rights that all agree on. The rules have passed PathPolicy::Create.
std::vector<FileRule> CommonFiles(const std::vector<std::vector<FileRule>>& lists) {
  if (lists.size() == 1) return lists.front();
  std::vector<PathPolicy> policies;
  std::set<std::string> places;
  for (const std::vector<FileRule>& list : lists) {
    absl::StatusOr<PathPolicy> policy = PathPolicy::Create(list);
    if (!policy.ok()) return {};
    policies.push_back(*std::move(policy));
    for (const FileRule& rule : list) places.insert(rule.path);
  }
  const auto agreed = [&policies](const std::string& path) {
    uint32_t rights = ~0u;
    for (const PathPolicy& policy : policies) rights &= policy.Find(path);
    return rights;
  };
  std::vector<FileRule> common;
  for (const std::string& place : places) {
    common.push_back({.path = place, .reach = FileReach::kExactly, .rights = agreed(place)});
    // A name that no rule has stands for all that have no rule of their own.
    const std::string within = (place == "/" ? "" : place) + "/?";
    common.push_back({.path = place, .reach = FileReach::kBeneath, .rights = agreed(within)});
  }
  return common;
}

}  // namespace

SandboxHost::Chain SandboxHost::ChainOf(const std::vector<TemplateOptions>& templates,
                                        const TemplateOptions& one) {
  std::vector<const TemplateOptions*> path;
  for (const TemplateOptions* at = &one; at != nullptr; at = FindParent(templates, *at)) {
    path.insert(path.begin(), at);
  }
  Chain chain;
  for (const TemplateOptions* at : path) {
    const SandboxOptions& options = at->sandbox;
    chain.required |= options.required;
    if (options.policy != SandboxPolicyId::kNone) {
      chain.levels.push_back(
          {.policy = options.policy, .files = MakeSandboxPolicy(options.policy).files});
    }
    if (!chain.levels.empty()) {
      std::vector<FileRule>& files = chain.levels.back().files;
      files = Merge({files, options.files});
    }
  }
  return chain;
}

// One for each choice of policies, since each may be off when its template starts.
void SandboxHost::AddRulesets(size_t index) {
  const std::vector<Level>& levels = chains_[index].levels;
  for (uint32_t choice = 1; choice < 1u << levels.size(); ++choice) {
    std::vector<SystemCalls> calls;
    std::vector<std::vector<FileRule>> files;
    uint16_t policies = 0;
    for (size_t i = 0; i < levels.size(); ++i) {
      if ((choice >> i & 1) == 0) continue;
      calls.push_back(MakeSandboxPolicy(levels[i].policy).calls);
      files.push_back(levels[i].files);
      policies = static_cast<uint16_t>(policies | PolicyBit(levels[i].policy));
    }
    ruleset_of_[{index, policies}] = rulesets_.size();
    const BrokerRules for_children = {.calls = StrictestAnswers(calls),
                                      .files = CommonFiles(files)};
    rulesets_.push_back(for_children);
    rulesets_.push_back(
        {.calls = for_children.calls, .files = Merge({for_children.files, OwnProc()})});
  }
}

SandboxHost::SandboxHost(const std::vector<TemplateOptions>& templates, BrokerOptions options)
    : options_(std::move(options)) {
  for (const TemplateOptions& one : templates) {
    chains_.push_back(ChainOf(templates, one));
    AddRulesets(chains_.size() - 1);
  }
}

std::vector<SandboxPolicyId> SandboxHost::PoliciesOf(size_t index) const {
  std::vector<SandboxPolicyId> policies;
  for (const Level& level : chains_[index].levels) policies.push_back(level.policy);
  return policies;
}

std::optional<size_t> SandboxHost::RulesetOf(size_t index, const SandboxReport& report) const {
  const auto found = ruleset_of_.find({index, report.policies});
  return found != ruleset_of_.end() ? std::optional(found->second) : std::nullopt;
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
  const std::optional<size_t> ruleset = RulesetOf(index, report);
  if (!ruleset) return absl::InternalError("its Ready tells of policies that it was not to have");
  const SandboxMembership membership = {
      .chain = std::make_shared<SandboxChain>(SandboxChain::Parts()),
      .ruleset = *ruleset,
      .report = std::make_shared<const SandboxReport>(report)};
  if (listener.is_open()) {
    if (absl::Status served = Serve(*membership.chain, std::move(listener)); !served.ok()) {
      return served;
    }
  }
  return membership.Enroll(child, type);
}

absl::StatusOr<std::unique_ptr<TemplateSandbox>> SandboxHost::Admit(
    size_t index, std::shared_ptr<SandboxChain> parents_chain, const HelloMessage& hello,
    DescriptorList& descriptors) {
  if (hello.sandbox.level == kSandboxOff) {
    if (descriptors.size() == 0) return std::unique_ptr<TemplateSandbox>();
    return absl::InternalError("its Hello has descriptors of a sandbox that it has not");
  }
  const std::optional<size_t> ruleset = RulesetOf(index, hello.sandbox);
  if (!ruleset) return absl::InternalError("its Hello tells of policies that it was not to have");
  if (parents_chain == nullptr) {
    absl::StatusOr<std::shared_ptr<SandboxChain>> made = MakeChain(hello, descriptors);
    if (!made.ok()) return made.status();
    parents_chain = *std::move(made);
  } else if (descriptors.size() != 0) {
    return absl::InternalError("its Hello has descriptors of a sandbox that it inherited");
  }
  return std::make_unique<TemplateSandbox>(
      TemplateSandbox{.children = {.chain = std::move(parents_chain),
                                   .ruleset = *ruleset,
                                   .report = std::make_shared<const SandboxReport>(hello.sandbox)},
                      .templates_ruleset = *ruleset + 1});
}

}  // namespace forkserver
