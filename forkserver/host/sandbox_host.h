// The host's side of all its templates' sandboxes: the broker, and what each chain has in common.
//
//     SandboxHost sandboxes(template_options, broker_options);
//     ...a template says Hello...
//     absl::StatusOr<std::unique_ptr<TemplateSandbox>> sandbox =
//         sandboxes.Admit(index, parents_chain, hello, descriptors);
//
// The broker, and with it its threads, is there from the first template on that has a listener.
// Each template has rules of its own there: what its policy and its options allow, less what those
// of templates above it do not, as far as their levels are not 0; and another set for templates
// below it, which also freeze, and read about themselves in /proc for that.
//
// Threads: those of the loop, but for the reporter.
#ifndef FORKSERVER_HOST_SANDBOX_HOST_H_
#define FORKSERVER_HOST_SANDBOX_HOST_H_

#include <stddef.h>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "forkserver/host/broker/broker.h"
#include "forkserver/host/sandbox_chain.h"
#include "forkserver/host/template_link.h"
#include "forkserver/host/template_options.h"
#include "forkserver/server/hello.h"
#include "transceiver/packet.h"

namespace forkserver {

class SandboxHost {
 public:
  // `templates`: the root first, and parents before their children.
  SandboxHost(const std::vector<TemplateOptions>& templates, BrokerOptions options);

  // For the template at `index` of the list. `parents_chain`: of the template that it was forked
  // from, null where that is not sandboxed. Null: the template is not sandboxed. A Status: what
  // came is not what the Hello says, or the broker cannot be started.
  absl::StatusOr<std::unique_ptr<TemplateSandbox>> Admit(
      size_t index, std::shared_ptr<SandboxChain> parents_chain, const HelloMessage& hello,
      DescriptorList& descriptors);

  // The same for a child that was exec'ed and has engaged the sandbox of the template at `index` by
  // itself: enters what came with its Ready. `listener` is consumed.
  absl::Status AdmitExeced(size_t index, const SandboxReport& report, UniqueFd listener,
                           ProcessType type, Process& child);

  // What an exec in place of a fork of the template at `index` is to engage.
  std::vector<SandboxPolicyId> PoliciesOf(size_t index) const;
  SandboxLayers RequiredOf(size_t index) const { return chains_[index].required; }

  // Null: nothing is sandboxed yet.
  SandboxReporter* reporter();
  // Of the broker, which answers nobody from here on (Broker::Stop).
  bool StopBroker() { return broker_ == nullptr || broker_->Stop(); }

 private:
  // A policy of a template or of one above it, with the files that were added to it.
  struct Level {
    SandboxPolicyId policy = SandboxPolicyId::kNone;
    std::vector<FileRule> files = {};
  };
  // Of a template, the outermost first.
  struct Chain {
    std::vector<Level> levels = {};
    SandboxLayers required = 0;
  };
  // Which template, and which policies hold there.
  using RulesetKey = std::pair<size_t, uint16_t>;

  static Chain ChainOf(const std::vector<TemplateOptions>& templates, const TemplateOptions& one);
  void AddRulesets(size_t index);
  // Nothing: those policies are not that template's.
  std::optional<size_t> RulesetOf(size_t index, const SandboxReport& report) const;

  absl::StatusOr<std::shared_ptr<SandboxChain>> MakeChain(const HelloMessage& hello,
                                                          DescriptorList& descriptors);
  absl::Status Serve(SandboxChain& chain, UniqueFd listener);

  const BrokerOptions options_;
  std::vector<Chain> chains_;  // each template's
  // For children, and behind each the same for templates.
  std::vector<BrokerRules> rulesets_;
  std::map<RulesetKey, size_t> ruleset_of_;
  std::shared_ptr<Broker> broker_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SANDBOX_HOST_H_
