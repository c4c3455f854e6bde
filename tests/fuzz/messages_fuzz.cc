// The messages of the launch protocol that have a payload of their own, each as its receiver reads
// it: any bytes are such a message or an error, and what was read is written and read again as the
// same. (Fork, Ping, Pong and Shutdown have none: they are the frame's.)
//
// The first byte says which message the others are.
#include <stddef.h>
#include <stdint.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "child/plan.h"
#include "child/ready.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/server/hello.h"
#include "tests/fuzz/require.h"
#include "transceiver/messages.h"

namespace forkserver {
namespace {

using Bytes = std::vector<uint8_t>;

// A message that was read may have come in more than one way (a flag that is any number but 0, a
// text that the writer cuts); what is written of it comes in one.
template <typename Message>
Bytes Written(const Message& message) {
  static std::array<uint8_t, kMaxPayloadBytes> buffer;
  const std::span<const uint8_t> bytes = Encode(message, buffer);
  return {bytes.begin(), bytes.end()};
}

bool Read(std::span<const uint8_t> payload, HelloMessage& message) {
  absl::StatusOr<HelloMessage> hello = DecodeHello(payload);
  if (!hello.ok()) return false;
  message = *std::move(hello);
  return true;
}

template <typename Message>
bool Read(std::span<const uint8_t> payload, Message& message) {
  return Decode(payload, message);
}

void Tell(const ForkedMessage&) {}

void Tell(const FailedMessage& failed) {
  const absl::Status status = LaunchFailureStatus("launch", failed);
  Require(!status.ok());
  Require(GetLaunchFailure(status).has_value());
}

void Tell(const SandboxReport& report) {
  for (const LayerState& layer : report.layers) Require(!LayerStateText(layer).empty());
  Require(FirstMissing(report, 0) == SandboxLayer::kCount);
}

void Tell(const HelloMessage& hello) {
  Require(!hello.freeze.ToString().empty());
  Require(hello.freeze.WhyNot().empty() == hello.freeze.frozen());
  Tell(hello.sandbox);
}

void Tell(const ReadyMessage& ready) {
  if (ready.sandbox) Tell(*ready.sandbox);
}

template <typename Message>
void FuzzMessage(std::span<const uint8_t> payload) {
  Message message;
  if (!Read(payload, message)) return;
  Tell(message);
  const Bytes once = Written(message);
  Message again;
  Require(Read(once, again));
  Require(Written(again) == once);
}

std::vector<std::string> Strings(const PlanSection& section) {
  std::vector<std::string> strings;
  ByteReader in = section.reader();
  for (uint32_t i = 0; i < section.count; ++i) {
    const std::string_view text = in.String();
    // In place, a C string.
    Require(text.data()[text.size()] == '\0' && text.find('\0') == text.npos);
    strings.emplace_back(text);
  }
  Require(in.AtEnd());
  return strings;
}

template <typename Element>
std::vector<Element> Elements(const PlanSection& section, Element (*read)(ByteReader&)) {
  std::vector<Element> elements;
  ByteReader in = section.reader();
  for (uint32_t i = 0; i < section.count; ++i) elements.push_back(read(in));
  Require(in.AtEnd());
  return elements;
}

void FuzzPlan(std::span<const uint8_t> payload) {
  PlanView view;
  if (DecodePlan(payload, view).failed()) return;
  const std::vector<std::string> argv = Strings(view.argv);
  const std::vector<std::string> set = Strings(view.set_environment);
  const std::vector<std::string> unset = Strings(view.unset_environment);
  const auto descriptors = Elements(view.descriptors, ReadPlannedDescriptor);
  const auto limits = Elements(view.limits, ReadResourceLimit);
  Require(descriptors.size() <= kMaxPlannedDescriptors);
  Require(view.sandbox_policy_count <= kMostNestedPolicies);
  const Plan plan = {
      .type = static_cast<ProcessType>(view.type),
      .argv = argv,
      .environment_base = view.environment_base,
      .set_environment = set,
      .unset_environment = unset,
      .working_directory = view.working_directory,
      .name = view.name,
      .title = view.title,
      .descriptors = descriptors,
      .limits = limits,
      .nice = view.nice,
      .parent_death_signal = view.parent_death_signal,
      .host_pid = view.host_pid,
      .signal_mask = view.signal_mask,
      .prefs_descriptor = view.prefs_descriptor,
      .sandbox_policies = std::span(view.sandbox_policies).first(view.sandbox_policy_count),
      .sandbox_required = view.sandbox_required,
      .debug_pause_seconds = view.debug_pause_seconds};
  const Bytes once = EncodePlan(plan);
  // The type is read as a number that may be none of an enum of one byte.
  if (static_cast<uint32_t>(plan.type) != view.type) return;
  Require(once.size() == payload.size());
  PlanView again;
  Require(!DecodePlan(once, again).failed());
  Require(Strings(again.argv) == argv && Strings(again.set_environment) == set &&
          Strings(again.unset_environment) == unset);
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forkserver;
  if (size == 0) return 0;
  // Of its own, so that a read beyond the payload is one that sanitizers see.
  const Bytes payload(data + 1, data + size);
  switch (data[0] % 5) {
    case 0:
      FuzzMessage<HelloMessage>(payload);
      break;
    case 1:
      FuzzMessage<ForkedMessage>(payload);
      break;
    case 2:
      FuzzPlan(payload);
      break;
    case 3:
      FuzzMessage<ReadyMessage>(payload);
      break;
    case 4:
      FuzzMessage<FailedMessage>(payload);
      break;
  }
  return 0;
}
