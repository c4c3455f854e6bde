// What a chain of sandboxed templates and their children share: the init of their pid namespace,
// and their place in the broker.
//
//     absl::StatusOr<std::shared_ptr<SandboxChain>> chain = SandboxChain::Create(...);  // a Hello
//     SandboxMembership membership = {.chain = *chain, .ruleset = 0, .report = report};
//     absl::StatusOr<Process> child = membership.Admit(std::move(pidfd), type);
//
// The first sandboxed template of a chain makes the namespaces and the listener; templates below it
// have the same ones. Each child holds its chain until it is reaped: so the init lives as long as
// anybody in its namespace, also when templates and fork server are gone, and is ended and reaped
// with the last of them. The kernel kills the others when an init dies; whoever wants to know of
// that watches the lifeline, since the pidfd says so only when all others have been reaped.
//
// Threads: all but the destructor may be called on any; destroying the last reference ends the
// init and waits for that, 50 ms and a second at most.
#ifndef FORKSERVER_HOST_SANDBOX_CHAIN_H_
#define FORKSERVER_HOST_SANDBOX_CHAIN_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_report.h"
#include "forkserver/host/broker/broker.h"
#include "forkserver/host/process.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class SandboxChain {
 public:
  // What came with the first template's Hello; may be missing.
  struct Parts {
    std::optional<Process> init = {};
    UniqueFd lifeline = {};
  };

  explicit SandboxChain(Parts parts) : parts_(std::move(parts)) {}
  SandboxChain(const SandboxChain&) = delete;
  SandboxChain& operator=(const SandboxChain&) = delete;
  ~SandboxChain();

  // Hangs up when the init dies; -1: there is none.
  int lifeline() const { return parts_.lifeline.get(); }
  // Looks at once: an event loop may not have come to it yet.
  bool HasLostItsInit() const;
  std::optional<pid_t> init_pid() const {
    return parts_.init ? std::optional(parts_.init->pid()) : std::nullopt;
  }

  // A broker that is gone has stopped by itself.
  void ServedBy(std::weak_ptr<Broker> broker, ListenerId listener);
  // No more answers for its children: the kernel's ENOSYS from here on.
  void StopServing();

  // Of a process: its place in the broker, empty where there is none or its listener has ended.
  absl::StatusOr<ChildRegistration> Register(pid_t pid, size_t ruleset, ProcessType type);
  // As whom the host knows the process that has `pid` in the chain's namespace. NotFound.
  absl::StatusOr<pid_t> FindByInnerPid(pid_t pid) const;
  // What was last refused to a process, and not before `since`, oldest first, as far as the
  // reporter kept it; nothing where its broker has stopped.
  std::vector<RefusedCall> RefusedCallsOf(pid_t pid, int64_t since, size_t most) const;

 private:
  void ReapStrays(int64_t deadline);

  Parts parts_;
  std::optional<ListenerId> listener_;
  std::weak_ptr<Broker> broker_;
};

// What children of one sandboxed template have in common.
struct SandboxMembership {
  std::shared_ptr<SandboxChain> chain = {};
  size_t ruleset = 0;  // of the broker's
  std::shared_ptr<const SandboxReport> report = {};

  // Takes over a child that the template has forked. Its pid is the kernel's word and not the
  // template's, which sees another one.
  absl::StatusOr<Process> Admit(UniqueFd pidfd, ProcessType type) const;
  // Enters one that the host knows already.
  absl::Status Enroll(Process& child, ProcessType type) const;
  // The same as Admit for a child whose pidfd was lost, by the pid that the host knows it by, or
  // that it has in the chain's namespace, which is what a template in there knows.
  absl::StatusOr<Process> Adopt(pid_t pid, ProcessType type, ChildKind kind) const;
  absl::StatusOr<Process> Find(pid_t inner_pid, ProcessType type, ChildKind kind) const;
};

// Of a sandboxed template: what it shares with its children, and which of the broker's rules are
// theirs.
struct TemplateSandbox {
  SandboxMembership children;
  size_t templates_ruleset = 0;  // of templates below it

  SandboxMembership For(ProcessType type) const;
};

// What a sandboxed child has of the host as long as it is not reaped.
class SandboxedChild {
 public:
  SandboxedChild(SandboxMembership membership, ChildRegistration registration)
      : membership_(std::move(membership)), registration_(std::move(registration)) {}

  const SandboxMembership& membership() const { return membership_; }
  // A blank's is known at its launch only.
  void SetType(ProcessType type) { registration_.SetType(type); }

 private:
  SandboxMembership membership_;
  ChildRegistration registration_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_SANDBOX_CHAIN_H_
