// The base class of a child process that talks by typed messages: the child's side of its type's
// primary protocol.
//
//     class DummyChild : public ChildProcess<DummyChild, DummyProtocol> {
//      public:
//       using ChildProcess::ChildProcess;
//       using ChildProcess::Receive;                             // what all protocols have
//       absl::Status Receive(OpenHotline& message) { ... }       // what this one has
//     };
//     StartOptions options = {.programs = {{ProcessType::kDummy, MakeChildProgram<DummyChild>}}};
//
// A content process is a ContentChild (content_child.h), which handles besides what every content
// process is sent.
//
// Its start is the steps of start_step.h: see that the sandbox is the one asked for, parse the
// arguments, attach the prefs, start threads, open the initial port (the launch socket becomes this
// actor), initialise the components that its type may use, Init, and in the first child of a
// template Rehearse before that. Then it handles messages until the port ends, and undoes all of it
// in reverse: CleanUp, components, threads. A step that fails is told to the parent (StartFailed)
// and ends the process with kExitStartFailed.
//
// It ends with status 0 when either side has said Goodbye, and with kExitNoGoodbye when the parent
// is gone without one, or has broken the protocol, by this side's word: a handler that returns an
// error says that; or when a call of the port's has failed. All but the first have a line on stderr
// with the reason. Its own Goodbye waits for room in the socket, five seconds at most. Made after
// Ready, in the child, on its main thread, on which all handlers run; prefs() and components() say
// what other threads may do.
#ifndef CHILD_PROCESS_CHILD_PROCESS_H_
#define CHILD_PROCESS_CHILD_PROCESS_H_

#include <utility>

#include "absl/status/status.h"
#include "child/process/child_process_core.h"
#include "child/process/own_memory.h"
#include "child/process/top_level_messages.h"
#include "transceiver/actor/actor.h"
#include "transceiver/actor/resolver.h"
#include "transceiver/launch_path.h"

namespace forkserver {

template <typename Self, typename Protocol>
class ChildProcess : public ChildProcessCore, public Actor<Self, Protocol, Side::kChild> {
 public:
  explicit ChildProcess(const ComponentTable* components = nullptr)
      : ChildProcessCore(components) {}

  // An older generation than the present one is no fault: two changes may have crossed a launch.
  absl::Status Receive(UpdatePrefs& message) {
    const absl::Status swapped = prefs().Swap(message.map.fd.get());
    return absl::IsFailedPrecondition(swapped) ? absl::OkStatus() : swapped;
  }

  absl::Status Receive(GetOwnMemory&, Resolver<OwnMemory> resolver) {
    MemoryReporter report;
    ReportMemory(report);
    return resolver.Resolve(report.memory());
  }

  void ActorDestroy(const ActorEnd& end) final { OnPortEnd(end); }

 protected:
  using Port = Actor<Self, Protocol, Side::kChild>;

  FORKSERVER_LAUNCH_PATH absl::Status OpenPort(UniqueFd socket) final {
    return Port::Bind(loop(), std::move(socket),
                      // The process ends with its port, and its loop before that.
                      {.goodbye_waits = GoodbyeWaits::kInClose,
                       .logged_peer_pid = arguments().parent_pid,
                       .on_violation = [this](const absl::Status& why) { LogEnd(why); },
                       .log = [this](std::string_view line) { Log(line); }});
  }

  void TellStartFailed(StartStep step, const absl::Status& why) final {
    // Nothing of it is there to handle them.
    Port::DropMessages();
    const std::string text = std::string(why.message()).substr(0, kMaxFailureBytes);
    if (!Port::Send(StartFailed{.step = step, .why = text}).ok()) return;
    Port::CloseWhenDelivered();
    RunLoop();
  }
};

}  // namespace forkserver

#endif  // CHILD_PROCESS_CHILD_PROCESS_H_
