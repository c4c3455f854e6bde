// A failed launch as a Status: one line for people, and {step, errno, index} for programs.
//
//     if (!child.ok()) {
//       child.status().message();    // "launch of content: descriptors, entry 3: EBADF"
//       std::optional<LaunchFailure> failure = GetLaunchFailure(child.status());
//       if (failure && failure->step == LaunchStep::kFork && failure->error == EAGAIN) ...
//     }
//
// Of a sandbox that its policy does not accept: "launch of content: start of content: sandbox:
// network namespace: unshare CLONE_NEWNET: EPERM", where `index` is the SandboxLayer and `detail`
// what stands behind the step. why_refused.h may know more of it.
#ifndef FORKSERVER_HOST_LAUNCH_FAILURE_H_
#define FORKSERVER_HOST_LAUNCH_FAILURE_H_

#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "child/launch_step.h"
#include "child/process_types.h"
#include "transceiver/messages.h"

namespace forkserver {

struct LaunchFailure {
  LaunchStep step = LaunchStep::kNone;
  int error = 0;
  uint32_t index = 0;
  std::string detail = {};
};

// How errors speak of a launch: "launch of content".
std::string LaunchName(ProcessType type);

// `what` names the launch.
absl::Status LaunchFailureStatus(std::string_view what, const LaunchFailure& failure);

// The same for a Failed that a template or a child sent.
absl::Status LaunchFailureStatus(std::string_view what, const FailedMessage& message);

// An error of a call that knows of no launch, with the launch's name before it: "launch of content:
// memfd_create plan: EMFILE". A LaunchFailure stays one.
absl::Status NameLaunch(std::string_view what, const absl::Status& status);

// Nothing for a Status that is of no step: a template that is gone, a deadline.
std::optional<LaunchFailure> GetLaunchFailure(const absl::Status& status);

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_FAILURE_H_
