// What a sandboxed process got of each layer, and why not where it did not.
//
//     const LayerState& user = report[SandboxLayer::kUserNamespace];
//     if (user.outcome == LayerOutcome::kRefused) ...LayerStateText(user)...
//                                     // "unshare CLONE_NEWUSER: EPERM"
//
// Made by the template while it engages the sandbox; it goes to the host with the Hello, and each
// launch carries it. Plain data: no allocation but in the functions that make text.
#ifndef CHILD_SANDBOX_SANDBOX_REPORT_H_
#define CHILD_SANDBOX_SANDBOX_REPORT_H_

#include <stddef.h>
#include <stdint.h>

#include <array>
#include <string>
#include <string_view>

#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy.h"
#include "transceiver/byte_order.h"

namespace forkserver {

enum class LayerOutcome : uint8_t {
  kNotWanted,  // by the policy or its level
  kEngaged,
  kInherited,  // engaged by a template above this one
  kRefused,    // by this machine: see call and error

  kCount,
};

// What failed. The numbers are on the wire.
enum class SandboxCall : uint8_t {
  kNone = 0,
  kUnshareUser,
  kWriteSetgroups,
  kWriteUidMap,
  kWriteGidMap,
  kUnsharePid,
  kUnshareMount,
  kUnshareIpc,
  kUnshareUts,
  kUnshareNetwork,
  kSetHostName,
  kMakePrivate,
  kMountRoot,
  kEnterRoot,
  kPivotRoot,
  kUnmountOldRoot,
  kDropBoundingSet,
  kSetSecurebits,
  kClearAmbient,
  kSetCapabilities,
  kSetNoNewPrivileges,
  kSetDumpable,
  kSetLimit,
  kCreateRuleset,
  kRestrictSelf,
  kLandlockVersion,  // the kernel's Landlock is older than the layer
  kAttachFilter,
  kNewListener,
  kForkInit,
  kMissingLayer,   // another layer, without which this one cannot be
  kAboveHasNone,   // the template above was engaged without namespaces
  kStaysInItsOwn,  // a process that was exec'ed has the pid namespace of its host

  kCount,
};

struct LayerState {
  LayerOutcome outcome = LayerOutcome::kNotWanted;
  SandboxCall call = SandboxCall::kNone;
  int32_t error = 0;

  bool holds() const {
    return outcome == LayerOutcome::kEngaged || outcome == LayerOutcome::kInherited;
  }
  bool operator==(const LayerState&) const = default;
};

struct SandboxReport {
  SandboxPolicyId policy = SandboxPolicyId::kNone;
  uint8_t level = 0;
  // All that hold, of this template and those above it: PolicyBit of each. `policy` is the last.
  uint16_t policies = 0;
  // How long it took to engage, without the compilation of the filter and with it, in ns.
  int64_t engaging_nanos = 0;
  int64_t compiling_nanos = 0;
  std::array<LayerState, kSandboxLayerCount> layers = {};

  LayerState& operator[](SandboxLayer layer) { return layers[static_cast<size_t>(layer)]; }
  const LayerState& operator[](SandboxLayer layer) const {
    return layers[static_cast<size_t>(layer)];
  }
  void Engaged(SandboxLayer layer) { (*this)[layer] = {.outcome = LayerOutcome::kEngaged}; }
  void Refused(SandboxLayer layer, SandboxCall call, int error) {
    (*this)[layer] = {.outcome = LayerOutcome::kRefused, .call = call, .error = error};
  }

  static constexpr size_t kBytes = 2 + 2 + 2 * 8 + kSandboxLayerCount * 6;
};

// The first layer of `required` that was refused; kCount: none.
SandboxLayer FirstMissing(const SandboxReport& report, SandboxLayers required);

// "engaged", "not wanted", "unshare CLONE_NEWUSER: EPERM".
std::string LayerStateText(const LayerState& state);

void Encode(const SandboxReport& report, ByteWriter& out);
// False: what was read is no such report.
bool Decode(ByteReader& in, SandboxReport& report);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_SANDBOX_REPORT_H_
