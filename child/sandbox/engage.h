// Engages a policy in the calling process: what a template does once, and its children inherit.
//
//     absl::StatusOr<SandboxEngagement> sandbox = SandboxEngagement::Prepare(policy, level);
//     sandbox->EnterNamespaces(PidNamespace::kOfItsOwn);
//     ...the freeze...
//     sandbox->Lock();                             // Landlock, privileges, filter
//     UniqueFd listener = sandbox->TakeListener(); // for the host's broker
//     sandbox->report()                            // what came of it, layer by layer
//
// In this order, which the kernel dictates: after Landlock nothing can be mounted, after the filter
// hardly anything can be done. Prepare allocates (the filter is compiled there), the other two do
// not, and Lock writes to nothing but this object, so that it may follow a freeze: the object is
// then on the stack. A layer that the machine refuses is noted and the next one is tried; whether
// less is enough is for whoever reads the report (SandboxPolicy::required).
//
// Below a template that is sandboxed already (`inherited`): its namespaces and its listener are the
// chain's, since a second listener is EBUSY (seccomp(2)). Another policy adds its filter, which can
// only take away; the same policy adds nothing.
//
// The calling process must be single-threaded. The listener is close-on-exec and must be closed in
// the template before the first fork: whoever holds it answers for the sandboxed.
#ifndef CHILD_SANDBOX_ENGAGE_H_
#define CHILD_SANDBOX_ENGAGE_H_

#include <linux/filter.h>

#include <vector>

#include "absl/status/statusor.h"
#include "child/sandbox/landlock.h"
#include "child/sandbox/namespaces.h"
#include "child/sandbox/own_layers.h"
#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

class SandboxEngagement {
 public:
  // Of a process that is not to be sandboxed: nothing.
  SandboxEngagement() = default;

  // `level` as sandbox_policy.h has it, and not kSandboxOff. `inherited`: of the template that this
  // process was forked from. Fails as CompileFilter does.
  static absl::StatusOr<SandboxEngagement> Prepare(const SandboxPolicy& policy, int level,
                                                   const SandboxReport& inherited = {});

  // Of one that was prepared before the one above it was locked, which cannot be prepared any more
  // then: what has come of that one.
  void Inherit(const SandboxReport& above);

  void EnterNamespaces(PidNamespace pid);
  void Lock();

  // Not open where there is none.
  UniqueFd TakeListener() { return std::move(listener_); }
  // What children of this process add.
  OwnLayers own_layers() const;

  const SandboxReport& report() const { return report_; }
  SandboxReport& report() { return report_; }

 private:
  void AttachFilter();

  enum class Place : uint8_t { kFirst, kBelowSandboxed };

  SandboxReport report_;
  Place place_ = Place::kFirst;
  NetworkAccess network_ = NetworkAccess::kNone;
  LookingIn looking_in_ = LookingIn::kAllowed;
  SandboxLimits limits_;
  uint64_t data_bytes_ = 0;
  bool adds_filter_ = false;            // else there is one that says the same, or none is wanted
  std::vector<sock_filter> notifying_;  // empty below a template that has the listener
  std::vector<sock_filter> silent_;
  LandlockRuleset ruleset_;
  UniqueFd listener_;
};

}  // namespace forkserver

#endif  // CHILD_SANDBOX_ENGAGE_H_
