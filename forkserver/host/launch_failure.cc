#include "forkserver/host/launch_failure.h"

#include <errno.h>
#include <stdio.h>

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_layer.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

// A payload in text: a Status that is printed shows it.
constexpr char kPayloadUrl[] = "forkserver/launch-failure";

bool ClosesOthers(const FailedMessage& message) {
  return static_cast<LaunchStep>(message.step) == LaunchStep::kDescriptors &&
         message.index == kOtherDescriptors;
}

bool HasIndex(const FailedMessage& message) {
  const LaunchStep step = static_cast<LaunchStep>(message.step);
  // Of all of a list together.
  if (ClosesOthers(message) || message.error == E2BIG) return false;
  return step == LaunchStep::kDescriptors || step == LaunchStep::kStdio ||
         step == LaunchStep::kEnvironment || step == LaunchStep::kLimits;
}

// A template says of its sandbox which layer and which call; between fork and Ready nobody makes
// sentences, and the number is that of the layer.
std::string Detail(const FailedMessage& message) {
  if (message.detail.empty() && message.error == ENOSYS &&
      static_cast<LaunchStep>(message.step) == LaunchStep::kProcessType) {
    return "the program has no class for it";
  }
  if (message.detail.empty() && ClosesOthers(message)) return "close_range of the others";
  if (message.detail.empty() && message.error == E2BIG) {
    const LaunchStep step = static_cast<LaunchStep>(message.step);
    if (step == LaunchStep::kDescriptors) return "too many";
    if (step == LaunchStep::kEnvironment) return "too long, together with the arguments";
  }
  if (!message.detail.empty() || static_cast<LaunchStep>(message.step) != LaunchStep::kSandbox) {
    return std::string(message.detail);
  }
  const auto layer = static_cast<SandboxLayer>(std::min<uint32_t>(message.index, UINT8_MAX));
  // The child's own are the last two, and it does not say which of them.
  if (layer == SandboxLayer::kOwnFilter) return "the child's own layers";
  return std::string(SandboxLayerName(layer));
}

}  // namespace

absl::Status LaunchFailureStatus(std::string_view what, const FailedMessage& message) {
  const LaunchStep step = static_cast<LaunchStep>(message.step);
  std::string line = absl::StrFormat("%s: %s", what, LaunchStepName(step));
  if (HasIndex(message)) line += absl::StrFormat(", entry %d", message.index);
  if (message.about != 0 && step == LaunchStep::kRequest) {
    line += absl::StrFormat(" %s", MessageName(message.about));
  }
  if (const std::string detail = Detail(message); !detail.empty()) line += ": " + detail;
  // The text of a sandbox's layer ends with it already, or no call failed.
  const std::string error = ": " + ErrnoName(message.error);
  if (message.error != 0 && !absl::EndsWith(line, error)) line += error;
  // An errno that is no error, from a peer that makes things up, must not become OkStatus.
  const absl::StatusCode code = absl::ErrnoToStatusCode(message.error);
  absl::Status status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, line);
  status.SetPayload(kPayloadUrl,
                    absl::Cord(absl::StrFormat("step=%d errno=%d index=%d detail=%s", message.step,
                                               message.error, message.index, message.detail)));
  return status;
}

absl::Status LaunchFailureStatus(std::string_view what, const LaunchFailure& failure) {
  return LaunchFailureStatus(what, FailedMessage{.step = static_cast<uint16_t>(failure.step),
                                                 .about = 0,
                                                 .error = failure.error,
                                                 .index = failure.index,
                                                 .detail = failure.detail});
}

std::string LaunchName(ProcessType type) {
  return absl::StrFormat("launch of %s", ProcessTypeName(type));
}

absl::Status NameLaunch(std::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  absl::Status named(status.code(), absl::StrFormat("%s: %s", what, std::string(status.message())));
  status.ForEachPayload([&named](absl::string_view url, const absl::Cord& payload) {
    named.SetPayload(url, payload);
  });
  return named;
}

std::optional<LaunchFailure> GetLaunchFailure(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  const std::string text(*payload);
  LaunchFailure failure;
  int step = 0;
  int detail = 0;
  if (sscanf(text.c_str(), "step=%d errno=%d index=%u detail=%n", &step, &failure.error,
             &failure.index, &detail) != 3 ||
      detail == 0) {
    return std::nullopt;
  }
  failure.step = static_cast<LaunchStep>(step);
  failure.detail = text.substr(static_cast<size_t>(detail));
  return failure;
}

}  // namespace forkserver
