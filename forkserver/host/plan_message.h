// LaunchOptions as the message that a child will read: the encoded Plan and its descriptors.
#ifndef FORKSERVER_HOST_PLAN_MESSAGE_H_
#define FORKSERVER_HOST_PLAN_MESSAGE_H_

#include <stdint.h>
#include <unistd.h>

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_layer.h"
#include "child/sandbox/sandbox_policy.h"
#include "forkserver/host/child_debugging.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/host/launch_options.h"
#include "preload/prefs/prefs_store.h"
#include "transceiver/frame.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// What the host contributes to every Plan.
struct HostFacts {
  int pid = 0;
  int start_thread = 0;           // the tid that called Start
  uint64_t signal_mask = 0;       // at the host's start
  uint64_t descriptor_limit = 0;  // soft, at the host's start: what its templates have
  UniqueFd null_device;           // /dev/null, for Stdio::Null
  ChildDebugging debugging = {};
};

struct PlanMessage {
  uint32_t flags = kNoFlags;
  std::vector<uint8_t> payload;
  std::vector<int> descriptors;  // borrowed from the options, the facts and the prefs
  UniqueFd memfd;                // the payload, where it is too large for a packet
};

// What failed, in the caller's terms: a Plan lists stdio first and the descriptors behind it, while
// the options have each from 0.
LaunchFailure InTermsOfOptions(LaunchFailure failure);

// Which of the host's threads the kernel takes for a process's parent: the one that forked the seed
// or exec'ed the root that it comes from, or that exec'ed it itself. A parent-death signal comes
// when that thread ends.
enum class ParentThread : uint8_t {
  kStart,    // the one that called Start
  kAnother,  // it may end long before the host: its processes get no such signal
};

inline ParentThread ParentOfAnExec(const HostFacts& facts) {
  return gettid() == facts.start_thread ? ParentThread::kStart : ParentThread::kAnother;
}

// Fails with a LaunchFailure where the wire could not carry the Plan at all; what a child can
// check is left to the child.
// `sandbox_policies` and `required`: of an exec'ed child, which engages them by itself. `births`:
// of a template, the descriptor of its BirthRecord, borrowed; -1: it has none.
absl::StatusOr<PlanMessage> BuildPlanMessage(const LaunchOptions& options, ParentThread parent,
                                             const HostFacts& facts, const PrefsGeneration& prefs,
                                             std::span<const SandboxPolicyId> sandbox_policies = {},
                                             SandboxLayers required = 0, int births = -1);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_PLAN_MESSAGE_H_
