#include "tests/sandbox/attempt_program.h"

#include <string.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/sandbox/end_of_attempt.h"
#include "transceiver/clock.h"
#include "transceiver/messages.h"
#include "transceiver/mini_transceiver.h"

namespace forkserver::testing {
namespace {

constexpr uint16_t kAttemptResult = kFirstApplicationType;
constexpr int kNoSuchAttempt = 98;

}  // namespace

int AttemptProgram::Run(ChildContext& context) {
  if (context.argv.size() != 2) return kNoSuchAttempt;
  const Attempt* const attempt = FindAttempt(context.argv[0]);
  const std::optional<AttemptTargets> targets = DecodeTargets(context.argv[1]);
  if (attempt == nullptr || !targets) return kNoSuchAttempt;
  const AttemptResult result = attempt->run(*targets);
  uint8_t bytes[sizeof(result)];
  memcpy(bytes, &result, sizeof(result));
  return context.channel.Send({.type = kAttemptResult}, bytes) == 0 ? 0 : 1;
}

LaunchOptions AttemptLaunch(ProcessType type, std::string_view name, const HostTargets& host) {
  LaunchOptions options = {.type = type,
                           .argv = {std::string(name), EncodeTargets(host.targets())}};
  for (const GivenDescriptor& given : host.descriptors()) options.Map(given.fd, given.number);
  return options;
}

absl::StatusOr<AttemptResult> AwaitResult(LaunchedChild child, std::string_view name) {
  AttemptResult result;
  uint8_t buffer[sizeof(result)];
  MiniTransceiver channel(std::move(child.socket), buffer);
  const bool answered =
      channel.Receive(NowNanos() + 60 * kNanosPerSecond) == ReceiveOutcome::kMessage &&
      channel.packet().frame().type == kAttemptResult &&
      channel.packet().payload().size() == sizeof(result);
  if (answered) memcpy(&result, buffer, sizeof(result));
  const absl::StatusOr<ExitStatus> status = child.process.Wait(absl::Minutes(1));
  if (!status.ok()) return status.status();
  return answered ? result : ResultOfEnd(*status, name);
}

}  // namespace forkserver::testing
