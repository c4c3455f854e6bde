#include "tests/sandbox/attempt_child.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "child/components/broker_client.h"
#include "child/components/prefs_component.h"
#include "child/components/text_decoder.h"
#include "child/process/child_process.h"
#include "tests/sandbox/attempt_protocol.h"
#include "transceiver/actor/wire.h"
#include "transceiver/clock.h"
#include "transceiver/packet.h"

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
  for (int32_t* const target :
       {&targets.directory_fd, &targets.terminal_fd, &targets.console_fd, &targets.namespace_fd}) {
    const auto found = std::find_if(given.begin(), given.end(), [target](const GivenField& one) {
      return one.number == *target;
    });
    *target = found != given.end() ? found->descriptor.fd.get() : -1;
  }
}

// Messages of a protocol, as somebody sends them who has taken the process over.
class BareSocket {
 public:
  // `messages`: how many the protocol has. `call`: a call that only the parent makes.
  BareSocket(int fd, size_t messages, size_t call) : fd_(fd), messages_(messages), call_(call) {}

  absl::Status Commit(Breach breach) const {
    switch (breach) {
      case Breach::kOtherDirection:
        return Send({.type = Number(call_), .request_id = 1}, {});
      case Breach::kUnknownMessage:
        return Send({.type = Number(messages_)}, {});
      case Breach::kFieldOverItsLimit: {
        // It announces one byte more than it has: a packet with that byte would be too large.
        std::vector<uint8_t> fields(1 + 4 + kMaxFailureBytes);
        const uint32_t size = kMaxFailureBytes + 1;
        memcpy(&fields[1], &size, sizeof(size));
        return Send({.type = Number(kStartFailed)}, fields);
      }
      case Breach::kPacketOverItsLimit:
        return Send({.type = Number(kStartFailed)}, std::vector<uint8_t>(kMaxPayloadBytes));
      case Breach::kDescriptorFlood:
        return Flood();
      case Breach::kReplyToNothing:
        return Send({.type = kActorReply, .request_id = uint64_t{1} << 40}, {});
      case Breach::kNoFrame:
        if (send(fd_, "hello", 5, MSG_NOSIGNAL) == 5) return absl::OkStatus();
        return absl::InternalError(absl::StrCat("send: ", strerror(errno)));
    }
    return absl::InvalidArgumentError("no such breach");
  }

 private:
  static constexpr size_t kStartFailed =
      PlainAttemptProtocol::Messages::IndexOf<forkserver::StartFailed>();

  static uint16_t Number(size_t index) {
    return static_cast<uint16_t>(kFirstApplicationType + index);
  }

  absl::Status Send(const Frame& frame, const std::vector<uint8_t>& payload) const {
    const int error = SendPacket(fd_, Blocking::kWait, frame, payload, {});
    if (error == 0) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("sendmsg: ", strerror(error)));
  }

  // The kernel bounds what a user has in flight, over all of the user's processes: a first packet
  // may have to wait for somebody else's. Where the parent has hung up meanwhile it has seen
  // enough.
  absl::Status Flood() const {
    const std::vector<int> copies(kMaxDescriptors, fd_);
    const Frame frame = {.type = Number(kStartFailed)};
    const uint8_t no_text[1 + 4] = {};
    int error = ETOOMANYREFS;
    while (error == ETOOMANYREFS) {
      error = SendPacket(fd_, Blocking::kWait, frame, no_text, copies);
      if (error == ETOOMANYREFS) poll(nullptr, 0, 5);
    }
    if (error != 0) return absl::InternalError(absl::StrCat("sendmsg: ", strerror(error)));
    while (error == 0) error = SendPacket(fd_, Blocking::kNever, frame, no_text, copies);
    return absl::OkStatus();
  }

  const int fd_;
  const size_t messages_;
  const size_t call_;
};

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
    const BareSocket socket(port_, Messages::kCount, Messages::template IndexOf<Try>());
    return socket.Commit(message.breach);
  }

  // Of content's protocol; no browsers here.
  absl::Status Receive(AttachBridge&) { return absl::UnimplementedError("no bridges"); }
  absl::Status Receive(BrowserOpened&) { return absl::UnimplementedError("no browsers"); }
  absl::Status Receive(BrowserClosed&, Resolver<Done> resolver) {
    resolver.Reject(absl::UnimplementedError("no browsers"));
    return absl::OkStatus();
  }
  absl::Status Receive(BridgeClosed&) { return absl::UnimplementedError("no bridges"); }

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
