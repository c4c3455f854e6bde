// The level in force: which layers of a policy's sandbox this machine allows, found out by engaging
// them.
//
//     absl::StatusOr<SandboxReport> report = EffectiveSandbox(SandboxPolicyId::kContent);
//     if (FirstMissing(*report, MakeSandboxPolicy(report->policy).required) !=
//     SandboxLayer::kCount)
//       ...no content process could be launched here...
//     WhyRefused(*report, SandboxLayer::kUserNamespace)       // why_refused.h
//
// No list of kernel versions and settings says so as well: what a container's filter, a security
// module or a limit forbids shows when it is tried. A child is forked that does what a template
// does (namespaces, privileges, Landlock, filter), and forks another, as the init of its pid
// namespace where it has one, which does what each child of a template does. Both end at once. The
// answer is of the moment: limits and settings may change.
//
// Threads: may be called in a process that has them, also while others launch, since the children
// make system calls only; but by one thread at a time, since libseccomp, which compiles the filter,
// has global variables.
// Costs a fork of the calling process, which copies its page tables, and some 5 ms.
//
// Nothing is left of it: both children are reaped and everything is closed and unmapped when it
// returns, two seconds after the fork at the latest.
#ifndef FORKSERVER_HOST_EFFECTIVE_SANDBOX_H_
#define FORKSERVER_HOST_EFFECTIVE_SANDBOX_H_

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"

namespace forkserver {

// A layer that was refused is no error. InvalidArgument: there is no such policy or level.
// DeadlineExceeded: a call did not come back. Internal: a child was killed, as by a filter that
// this process is under itself. Others name the call.
absl::StatusOr<SandboxReport> EffectiveSandbox(SandboxPolicyId policy = SandboxPolicyId::kContent,
                                               int level = kFullSandbox);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_EFFECTIVE_SANDBOX_H_
