#include "child/sandbox/engage.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "child/sandbox/compile_filter.h"
#include "child/sandbox/privileges.h"
#include "transceiver/clock.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

// Linux 5.19; Debian's headers have it, older ones do not.
constexpr unsigned kWaitKillable = 1u << 5;

// A descriptor, 0 or minus errno.
long Attach(const std::vector<sock_filter>& filter, unsigned flags) {
  const sock_fprog program = {.len = static_cast<unsigned short>(filter.size()),
                              .filter = const_cast<sock_filter*>(filter.data())};
  return RawSyscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

// What this policy asks of the broker and those above let through unasked, nobody would ask: it is
// refused.
SystemCalls CallsBelow(const SystemCalls& calls, uint16_t policies_above) {
  std::vector<SystemCalls> above;
  for (const SandboxPolicyId id : SandboxPolicies()) {
    if ((policies_above & PolicyBit(id)) != 0) above.push_back(MakeSandboxPolicy(id).calls);
  }
  SystemCalls below = calls;
  if (above.empty()) return below;
  for (const auto& [call, rule] : calls.rules()) {
    if (rule.is_allowed || calls.AnswerTo(call).kind != CallAnswer::Kind::kAsk) continue;
    const bool is_asked =
        std::any_of(above.begin(), above.end(), [call = call](const SystemCalls& one) {
          const auto found = one.rules().find(call);
          return found == one.rules().end() || !found->second.is_allowed;
        });
    if (!is_asked) below.Refuse(EACCES, {call});
  }
  return below;
}

}  // namespace

absl::StatusOr<SandboxEngagement> SandboxEngagement::Prepare(const SandboxPolicy& policy, int level,
                                                             const SandboxReport& inherited) {
  SandboxEngagement made;
  const bool is_below = inherited.level != kSandboxOff;
  if (is_below) made.place_ = Place::kBelowSandboxed;
  made.report_ = inherited;
  for (LayerState& layer : made.report_.layers) {
    if (layer.holds()) layer = {.outcome = LayerOutcome::kInherited};
  }
  // Namespaces are the chain's: a template cannot make up for what the one above went without.
  made.report_.level = is_below ? inherited.level : static_cast<uint8_t>(level);
  if (is_below && level > inherited.level) {
    for (size_t i = 0; i <= static_cast<size_t>(SandboxLayer::kEmptyRoot); ++i) {
      LayerState& layer = made.report_.layers[i];
      if (layer.outcome == LayerOutcome::kNotWanted) {
        layer = {.outcome = LayerOutcome::kRefused, .call = SandboxCall::kAboveHasNone};
      }
    }
  }
  made.report_.policy = policy.id;
  made.report_.policies = static_cast<uint16_t>(inherited.policies | PolicyBit(policy.id));
  made.network_ = policy.network;
  made.looking_in_ = policy.looking_in;
  made.limits_ = policy.limits;
  made.data_bytes_ = OwnDataBytes();
  made.ruleset_ = LandlockRuleset::Create(policy.network);
  made.adds_filter_ = !is_below || policy.id != inherited.policy;
  if (!made.adds_filter_) return made;
  const int64_t started_at = NowNanos();
  absl::StatusOr<std::vector<sock_filter>> silent = CompileFilter(
      CallsBelow(policy.calls, inherited.policies),
      inherited[SandboxLayer::kListener].holds() ? FilterKind::kBelowListener : FilterKind::kAlone);
  if (!silent.ok()) return silent.status();
  made.silent_ = *std::move(silent);
  if (!is_below) {
    absl::StatusOr<std::vector<sock_filter>> notifying =
        CompileFilter(policy.calls, FilterKind::kWithListener);
    if (!notifying.ok()) return notifying.status();
    made.notifying_ = *std::move(notifying);
  }
  made.report_.compiling_nanos = NowNanos() - started_at;
  return made;
}

void SandboxEngagement::Inherit(const SandboxReport& above) {
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const LayerState& layer = above.layers[i];
    if (layer.holds()) {
      report_.layers[i] = {.outcome = LayerOutcome::kInherited};
    } else if (layer.outcome == LayerOutcome::kRefused) {
      report_.layers[i] = layer;
    }
  }
}

void SandboxEngagement::EnterNamespaces(PidNamespace pid) {
  if (report_.level < kFullSandbox) return;
  if (place_ == Place::kBelowSandboxed) return;  // those of the chain
  const int64_t started_at = NowNanos();
  forkserver::EnterNamespaces({.network = network_, .pid = pid}, report_);
  report_.engaging_nanos += NowNanos() - started_at;
}

void SandboxEngagement::Lock() {
  if (report_.level == kSandboxOff || !adds_filter_) return;
  const int64_t started_at = NowNanos();
  if (place_ == Place::kFirst) {
    DropCapabilities(report_);
    ForbidNewPrivileges(report_);
  }
  if (looking_in_ == LookingIn::kForbidden) ForbidLookingIn(report_);
  SetLimits(limits_, data_bytes_, report_);
  ruleset_.Restrict(report_);
  AttachFilter();
  report_.engaging_nanos += NowNanos() - started_at;
}

void SandboxEngagement::AttachFilter() {
  if (!notifying_.empty()) {
    long listener = Attach(notifying_, SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable);
    if (listener == -EINVAL) listener = Attach(notifying_, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener >= 0) {
      listener_.reset(static_cast<int>(listener));
      report_.Engaged(SandboxLayer::kListener);
      report_.Engaged(SandboxLayer::kSystemCallFilter);
      report_.Engaged(SandboxLayer::kOwnFilter);
      return;
    }
    report_.Refused(SandboxLayer::kListener, SandboxCall::kNewListener,
                    static_cast<int>(-listener));
  }
  if (const long attached = Attach(silent_, 0); attached != 0) {
    const int error = static_cast<int>(-attached);
    report_.Refused(SandboxLayer::kSystemCallFilter, SandboxCall::kAttachFilter, error);
    return report_.Refused(SandboxLayer::kOwnFilter, SandboxCall::kAttachFilter, error);
  }
  report_.Engaged(SandboxLayer::kSystemCallFilter);
  report_.Engaged(SandboxLayer::kOwnFilter);
}

OwnLayers SandboxEngagement::own_layers() const {
  OwnLayers own;
  // A descriptor that is none fails the launch, where the report promises the domain.
  if (report_[SandboxLayer::kOwnLandlockDomain].holds()) {
    own.landlock_ruleset = ruleset_.fd() >= 0 ? ruleset_.fd() : OwnLayers::kMissingRuleset;
  }
  if (report_[SandboxLayer::kOwnFilter].holds()) own.filter = OwnFilter::kAttached;
  return own;
}

}  // namespace forkserver
