// The host's side of all its templates' sandboxes: the broker, and what each chain has in common.
//
//     SandboxHost sandboxes(template_options, broker_options);
//     ...a template says Hello...
//     absl::StatusOr<std::unique_ptr<TemplateLink::Sandbox>> sandbox =
//         sandboxes.Admit(index, parents_chain, hello, descriptors);
//
// The broker, and with it a thread, is there from the first template on that has a listener. Each
// template has rules of its own there, the policy's and what its options add, and another set for
// templates below it, which also freeze, and read about themselves in /proc for that.
//
// Threads: those of the loop, but for the reporter.
#ifndef FORKSERVER_HOST_SANDBOX_HOST_H_
#define FORKSERVER_HOST_SANDBOX_HOST_H_

#include <stddef.h>

#include <memory>
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
  absl::StatusOr<std::unique_ptr<TemplateLink::Sandbox>> Admit(
      size_t index, std::shared_ptr<SandboxChain> parents_chain, const HelloMessage& hello,
      DescriptorList& descriptors);

  // The same for a child that was exec'ed and has engaged the sandbox of the template at `index` by
  // itself: enters what came with its Ready. `listener` is consumed.
  absl::Status AdmitExeced(size_t index, const SandboxReport& report, UniqueFd listener,
                           ProcessType type, Process& child);

  // What an exec in place of a fork of the template at `index` is to engage.
  SandboxPolicyId PolicyOf(size_t index) const { return policies_[index].policy; }
  SandboxLayers RequiredOf(size_t index) const { return policies_[index].required; }

  // Null: nothing is sandboxed yet.
  SandboxReporter* reporter();

 private:
  struct Effective {
    SandboxPolicyId policy = SandboxPolicyId::kNone;
    SandboxLayers required = 0;
  };

  absl::StatusOr<std::shared_ptr<SandboxChain>> MakeChain(const HelloMessage& hello,
                                                          DescriptorList& descriptors);
  absl::Status Serve(SandboxChain& chain, UniqueFd listener);

  const BrokerOptions options_;
  std::vector<Effective> policies_;    // each template's, or that of the one above
  std::vector<BrokerRules> rulesets_;  // each template's, then each one's for templates below it
  const size_t templates_;
  std::shared_ptr<Broker> broker_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SANDBOX_HOST_H_
