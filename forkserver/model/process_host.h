// The base class of the parent's side of one child process: its launch, its end, and the parent's
// end of its type's primary protocol.
//
//     class DummyHost : public ProcessHost<DummyHost, DummyProtocol> {
//      public:
//       explicit DummyHost(ParentProcess& parent) : ProcessHost(parent, ProcessType::kDummy) {}
//       using ProcessHost::Receive;                              // what all protocols have
//       absl::Status Receive(Greeting& message) { ... }          // what this one has
//       void OnEnd(const ProcessEnd& end) override { ... }
//     };
//     DummyHost dummy(*parent);
//     dummy.Send(...);                                         // goes with the launch
//     dummy.Launch({.arguments = {"--quiet"}});
//     dummy.WhenLaunched([&](const absl::StatusOr<ProcessHandle>& process) { ... });
//     while (!dummy.has_ended()) loop->Run(kNever);            // the parent's; or within yours
//
// The launch is asynchronous: a blank of the pool, a fork of the type's template, or an exec where
// the pref dom.ipc.forkserver.enable is off or the template has died (LaunchWay::kAny). The child
// is told the build id, the parent's pid, its own id, its remote type and the policy that it has to
// be in (child/process/child_arguments.h), and has the prefs of the moment; later ones are sent to
// it by ParentProcess::SetPrefs.
//
// A child that breaks its protocol is killed and reported (ParentProcess), and OnEnd says why;
// nobody else is touched. Messages can be sent from the beginning to OnEnd: those before Launch lie
// in the child's socket behind its Plan, so that it has them when it starts; those before it is
// Ready wait for that, as all do where messages are logged (transceiver/actor/message_log.h). Where
// the launch fails, calls get its error.
//
// Ownership: the caller's. Destroying it kills and reaps the process without a word. Threads: that
// of the parent's loop. After a fork: not usable in the child.
#ifndef FORKSERVER_MODEL_PROCESS_HOST_H_
#define FORKSERVER_MODEL_PROCESS_HOST_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "child/process/start_step.h"
#include "child/process/top_level_messages.h"
#include "forkserver/model/process_host_core.h"
#include "transceiver/actor/actor.h"

namespace forkserver {

template <typename Self, typename Protocol, typename Core = ProcessHostCore>
class ProcessHost : public Core, public Actor<Self, Protocol, Side::kParent> {
 public:
  // `core`: what Core's constructor wants.
  template <typename... CoreArguments>
  explicit ProcessHost(ParentProcess& parent, CoreArguments&&... core)
      : Core(parent, std::forward<CoreArguments>(core)...) {
    Port::BeginEarly();
  }

  absl::Status Receive(StartFailed& message) {
    const std::string why =
        absl::StrCat(std::string(StartStepName(message.step)), ": ", message.why.str());
    this->ExplainClose(absl::StrCat("its start failed: ", why));
    this->OnStartFailed(absl::AbortedError(why));
    return absl::OkStatus();
  }

  void ActorDestroy(const ActorEnd& end) final { this->OnPortEnd(end); }

 protected:
  using Port = Actor<Self, Protocol, Side::kParent>;

 private:
  std::span<const EarlyPacket> EarlyPackets() const final { return Port::early_packets(); }
  absl::Status BindPort(UniqueFd socket, ActorOptions options, size_t early_sent) final {
    return Port::Bind(this->parent().loop(), std::move(socket), std::move(options), early_sent);
  }
  void EndUnboundPort(const absl::Status& why) final { Port::EndEarly(why); }
  void ClosePort() final { Port::CloseSoon(); }
  void ClosePortWhenDelivered() final { Port::CloseWhenDelivered(); }
  void AbandonPort(absl::Status why) final { Port::EndSoon(std::move(why)); }

  absl::Status CallOwnMemory(ProcessHostCore::OwnMemoryCallback callback) final {
    return Port::Call(GetOwnMemory(), [callback = std::move(callback)](
                                          absl::StatusOr<OwnMemory> memory) { callback(memory); });
  }

  absl::Status SendPrefs(int map) final {
    UpdatePrefs message;
    message.map.fd.reset(map);  // borrowed for the call
    absl::Status sent = this->MustBeTold(Port::Send(message));
    (void)message.map.fd.release();
    return sent;
  }
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PROCESS_HOST_H_
