#include "child/sandbox/sandbox_report.h"

#include "absl/strings/str_cat.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

constexpr std::string_view kCallNames[] = {
    "",
    "unshare CLONE_NEWUSER",
    "write /proc/self/setgroups",
    "write /proc/self/uid_map",
    "write /proc/self/gid_map",
    "unshare CLONE_NEWPID",
    "unshare CLONE_NEWNS",
    "unshare CLONE_NEWIPC",
    "unshare CLONE_NEWUTS",
    "unshare CLONE_NEWNET",
    "sethostname",
    "mount / MS_PRIVATE",
    "mount of the empty root",
    "fchdir to the empty root",
    "pivot_root",
    "umount2 of the old root",
    "prctl PR_CAPBSET_DROP",
    "prctl PR_SET_SECUREBITS",
    "prctl PR_CAP_AMBIENT",
    "capset",
    "prctl PR_SET_NO_NEW_PRIVS",
    "prctl PR_SET_DUMPABLE",
    "prlimit",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "the kernel's Landlock is too old",
    "seccomp SECCOMP_SET_MODE_FILTER",
    "seccomp SECCOMP_FILTER_FLAG_NEW_LISTENER",
    "clone3 of the pid namespace's init",
    "a layer that it needs is missing",
    "the template above has none",
    "a process that was exec'ed stays in the host's",
};
static_assert(std::size(kCallNames) == static_cast<size_t>(SandboxCall::kCount));

}  // namespace

SandboxLayer FirstMissing(const SandboxReport& report, SandboxLayers required) {
  for (size_t i = 0; i < kSandboxLayerCount; ++i) {
    const auto layer = static_cast<SandboxLayer>(i);
    if ((required & LayerBit(layer)) != 0 && report[layer].outcome == LayerOutcome::kRefused) {
      return layer;
    }
  }
  return SandboxLayer::kCount;
}

std::string LayerStateText(const LayerState& state) {
  switch (state.outcome) {
    case LayerOutcome::kNotWanted:
      return "not wanted";
    case LayerOutcome::kEngaged:
      return "engaged";
    case LayerOutcome::kInherited:
      return "inherited";
    case LayerOutcome::kRefused:
    case LayerOutcome::kCount:
      break;
  }
  const std::string call(kCallNames[static_cast<size_t>(state.call)]);
  return state.error == 0 ? call : absl::StrCat(call, ": ", ErrnoName(state.error));
}

void Encode(const SandboxReport& report, ByteWriter& out) {
  out.U8(static_cast<uint8_t>(report.policy));
  out.U8(report.level);
  out.U16(report.policies);
  out.I64(report.engaging_nanos);
  out.I64(report.compiling_nanos);
  for (const LayerState& layer : report.layers) {
    out.U8(static_cast<uint8_t>(layer.outcome));
    out.U8(static_cast<uint8_t>(layer.call));
    out.I32(layer.error);
  }
}

bool Decode(ByteReader& in, SandboxReport& report) {
  report.policy = static_cast<SandboxPolicyId>(in.U8());
  report.level = in.U8();
  report.policies = in.U16();
  report.engaging_nanos = in.I64();
  report.compiling_nanos = in.I64();
  for (LayerState& layer : report.layers) {
    layer.outcome = static_cast<LayerOutcome>(in.U8());
    layer.call = static_cast<SandboxCall>(in.U8());
    layer.error = in.I32();
    if (layer.outcome >= LayerOutcome::kCount || layer.call >= SandboxCall::kCount) return false;
    // People are told which call it was.
    if (layer.outcome == LayerOutcome::kRefused && layer.call == SandboxCall::kNone) return false;
  }
  return in.ok() && report.policy < SandboxPolicyId::kCount;
}

}  // namespace forkserver
