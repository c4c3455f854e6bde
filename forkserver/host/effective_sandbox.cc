#include "forkserver/host/effective_sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_format.h"
#include "child/sandbox/engage.h"
#include "child/sandbox/own_layers.h"
#include "forkserver/host/process.h"
#include "forkserver/server/clone_process.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/mapping.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr int64_t kPatience = 2 * kNanosPerSecond;

// What the two children write, in memory that they share with the host: a filter may have any
// other way.
struct Findings {
  SandboxReport report = {};
  // As the host sees it, or minus errno; 0: the first child did not come to it. Whoever else waits
  // for children of the host cannot take it (clone_process.h), so the number stays its own.
  std::atomic<pid_t> second_child = 0;
  int own_domain_error = 0;
  int own_filter_error = 0;
};
static_assert(std::is_trivially_copyable_v<SandboxReport>);

[[noreturn]] void Exit() {
  for (;;) RawSyscall(SYS_exit_group, 0);
}

// What each child of a template does, one layer at a time.
[[noreturn]] void RunSecondChild(const OwnLayers& own, Findings& findings) {
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  findings.own_domain_error = AddOwnLayers({.landlock_ruleset = own.landlock_ruleset});
  findings.own_filter_error = AddOwnLayers({.filter = own.filter});
  Exit();
}

// What a template does, without the freeze. System calls only: the host may have threads, whose
// locks are copied as they are. Under the filter it cannot wait for a child, so the second one is
// the host's, as the init of a template's namespace is.
[[noreturn]] void RunFirstChild(const ProcessCloner& cloner, SandboxEngagement& sandbox,
                                Findings& findings) {
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  sandbox.EnterNamespaces(PidNamespace::kOfItsOwn);
  sandbox.Lock();
  findings.report = sandbox.report();
  const ClonedProcess cloned = cloner.Clone(ChildParent::kCallersParent);
  if (cloned.pid == 0) RunSecondChild(sandbox.own_layers(), findings);
  findings.second_child.store(cloned.pid);
  Exit();
}

// No handler of the host's runs in the child.
ClonedProcess ForkFirstChild(const ProcessCloner& cloner, SandboxEngagement& sandbox,
                             Findings& findings) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  ClonedProcess cloned = cloner.Clone(ChildParent::kCaller);
  if (cloned.pid == 0) RunFirstChild(cloner, sandbox, findings);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return cloned;
}

// Reaps it; kills it at the deadline.
absl::Status WaitFor(Process process, int64_t deadline, std::string_view which) {
  const absl::StatusOr<ExitStatus> status =
      process.Wait(absl::Nanoseconds(std::max(deadline - NowNanos(), int64_t{0})));
  if (absl::IsDeadlineExceeded(status.status())) {
    return absl::DeadlineExceededError(
        absl::StrFormat("%s child did not end within %d s", which, kPatience / kNanosPerSecond));
  }
  if (!status.ok()) return status.status();
  if (status->success()) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("%s child %s", which, status->ToString()));
}

// Both children, also where the first one did not end by itself.
absl::Status WaitForBoth(ClonedProcess first, const Findings& findings) {
  const int64_t deadline = NowNanos() + kPatience;
  absl::Status ended = WaitFor(Process(first.pid, std::move(first.pidfd)), deadline, "the first");
  const pid_t pid = findings.second_child.load();
  if (pid <= 0) return ended;
  absl::StatusOr<Process> second = Process::Adopt(pid);
  if (!second.ok()) return second.status();
  ended.Update(WaitFor(*std::move(second), deadline, "the second"));
  return ended;
}

// In what both children did: 0 or the errno of the second one's fork.
int AddOwnLayersTo(SandboxReport& report, const Findings& findings) {
  const auto refuse = [&report](SandboxLayer layer, SandboxCall call, int error) {
    if (report[layer].holds() && error != 0) report.Refused(layer, call, error);
  };
  if (const pid_t pid = findings.second_child.load(); pid < 0) {
    if (!report[SandboxLayer::kPidNamespace].holds()) return -pid;
    // Nothing is launched from such a template.
    report.Refused(SandboxLayer::kPidNamespace, SandboxCall::kForkInit, -pid);
    refuse(SandboxLayer::kOwnLandlockDomain, SandboxCall::kForkInit, -pid);
    refuse(SandboxLayer::kOwnFilter, SandboxCall::kForkInit, -pid);
    return 0;
  }
  refuse(SandboxLayer::kOwnLandlockDomain, SandboxCall::kRestrictSelf, findings.own_domain_error);
  refuse(SandboxLayer::kOwnFilter, SandboxCall::kAttachFilter, findings.own_filter_error);
  return 0;
}

absl::StatusOr<SandboxReport> Try(const SandboxPolicy& policy, int level) {
  absl::StatusOr<SandboxEngagement> sandbox = SandboxEngagement::Prepare(policy, level);
  if (!sandbox.ok()) return sandbox.status();
  Mapping memory;
  if (const int error =
          memory.Map(sizeof(Findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
      error != 0) {
    return ErrnoStatus(error, "mmap of its findings");
  }
  Findings& findings = *new (memory.bytes().data()) Findings;
  ClonedProcess first = ForkFirstChild(ProcessCloner::Prepare(nullptr), *sandbox, findings);
  if (first.pid < 0) return ErrnoStatus(-first.pid, "clone3 of the first child");
  if (absl::Status ended = WaitForBoth(std::move(first), findings); !ended.ok()) return ended;
  SandboxReport report = findings.report;
  if (const int error = AddOwnLayersTo(report, findings); error != 0) {
    return ErrnoStatus(error, "clone3 of the second child");
  }
  return report;
}

}  // namespace

absl::StatusOr<SandboxReport> EffectiveSandbox(SandboxPolicyId policy, int level) {
  const SandboxPolicy made = MakeSandboxPolicy(policy);
  if (made.id == SandboxPolicyId::kNone || level < kSandboxOff || level > kFullSandbox) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "sandbox policy %d at level %d: there is none", static_cast<int>(policy), level));
  }
  if (level == kSandboxOff) return SandboxReport{.policy = policy};
  absl::StatusOr<SandboxReport> report = Try(made, level);
  if (report.ok()) return report;
  return absl::Status(report.status().code(),
                      absl::StrFormat("trying the sandbox %s: %s", std::string(made.name),
                                      std::string(report.status().message())));
}

}  // namespace forkserver
