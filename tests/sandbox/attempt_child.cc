#include "tests/sandbox/attempt_child.h"

#include <string.h>

#include <algorithm>
#include <optional>
#include <string>

#include "child/components/broker_client.h"
#include "child/components/prefs_component.h"
#include "child/components/text_decoder.h"
#include "child/process/child_process.h"
#include "tests/sandbox/attempt_protocol.h"
#include "tests/sandbox/bare_socket.h"
#include "transceiver/clock.h"

namespace forkserver::testing {
namespace {

// Each on pages of its own: attempts advise the kernel on whole pages.
alignas(4096) char secret[4096];
alignas(4096) char slate[4096];

const ComponentTable& Components() {
  static const ComponentTable& table = *new ComponentTable(
      *ComponentTable::Create({PrefsComponent::Row(), BrokerClient::Row(), TextDecoder::Row()}));
  return table;
}

// Aims at the numbers that the descriptors have here.
void Renumber(AttemptTargets& targets, const std::vector<GivenField>& given) {
  for (int32_t* const target : {&targets.directory_fd, &targets.terminal_fd, &targets.console_fd,
                                &targets.namespace_fd, &targets.socket_fd}) {
    const auto found = std::find_if(given.begin(), given.end(), [target](const GivenField& one) {
      return one.number == *target;
    });
    *target = found != given.end() ? found->descriptor.fd.get() : -1;
  }
}

template <typename Protocol>
class AttemptChild : public ChildProcess<AttemptChild<Protocol>, Protocol> {
 public:
  using Base = ChildProcess<AttemptChild<Protocol>, Protocol>;
  using Base::Receive;

  AttemptChild() : Base(&Components()) {}

  absl::Status Receive(Try& message, Resolver<Tried> resolver) {
    const Attempt* const attempt = FindAttempt(message.attempt.view());
    std::optional<AttemptTargets> targets = DecodeTargets(message.targets.view());
    if (attempt == nullptr || !targets) return absl::InvalidArgumentError("no attempt");
    Renumber(*targets, message.given.items);
    const AttemptResult result = attempt->run(*targets);
    return resolver.Resolve(
        {.outcome = result.outcome, .error = result.error, .step = result.step});
  }

  absl::Status Receive(BeSibling& message, Resolver<Sibling> resolver) {
    memcpy(secret, message.secret.view().data(), message.secret.view().size());
    slate[0] = 1;
    return resolver.Resolve({.secret = reinterpret_cast<uintptr_t>(secret),
                             .slate = reinterpret_cast<uintptr_t>(slate),
                             // What it has that a memfd could be taken for: no policy lets it be
                             // taken.
                             .secret_fd = port_});
  }

  absl::Status Receive(Misbehave& message) {
    using Messages = typename Protocol::Messages;
    return BareSocket(port_, Messages::kCount, Messages::template IndexOf<Try>())
        .Commit(message.breach);
  }

  // Of content's protocol; no browsers here.
  absl::Status Receive(AttachBridge&) { return absl::UnimplementedError("no bridges"); }
  absl::Status Receive(BrowserOpened&) { return absl::UnimplementedError("no browsers"); }
  absl::Status Receive(BrowserClosed&, Resolver<Done> resolver) {
    resolver.Reject(absl::UnimplementedError("no browsers"));
    return absl::OkStatus();
  }
  absl::Status Receive(BridgeClosed&, Resolver<Done>) {
    return absl::UnimplementedError("no bridges");
  }

 private:
  absl::Status EngageSandbox() override {
    port_ = this->context().channel.fd();
    return Base::EngageSandbox();
  }
  absl::Status Init() override {
    if (this->prefs().GetString(kAttemptPref, "") != kAttemptPrefValue) {
      return absl::InternalError("without the prefs of its launch");
    }
    if (auto made = this->components().template Get<Component>(PrefsComponent::kName); !made.ok()) {
      return made.status();
    }
    // A child that waits for something has a timer.
    this->loop().AddTimer(NowNanos() + 3600 * kNanosPerSecond, [] {});
    return absl::OkStatus();
  }

  int port_ = -1;  // the launch socket's number, which the actor does not give away
};

}  // namespace

std::vector<ChildProgramRow> AttemptChildren() {
  std::vector<ChildProgramRow> programs;
  for (const ProcessTypeRow& row : ProcessTypes()) {
    if (row.launchable != Launchable::kYes || row.sandbox == SandboxPolicyId::kNone) continue;
    programs.push_back({row.type, row.type == ProcessType::kContent
                                      ? MakeChildProgram<AttemptChild<ContentAttemptProtocol>>
                                      : MakeChildProgram<AttemptChild<PlainAttemptProtocol>>});
  }
  return programs;
}

}  // namespace forkserver::testing
