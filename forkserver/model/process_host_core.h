// The part of ProcessHost (process_host.h) that is the same for all protocols: launch, the promise
// of the process, its end.
#ifndef FORKSERVER_MODEL_PROCESS_HOST_CORE_H_
#define FORKSERVER_MODEL_PROCESS_HOST_CORE_H_

#include <stdint.h>
#include <sys/types.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "child/child_program.h"
#include "child/process/child_arguments.h"
#include "child/process/own_memory.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_policy_id.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/fork_server.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/process.h"
#include "forkserver/model/browser_records.h"
#include "forkserver/model/program_thread.h"
#include "forkserver/model/remote_type.h"
#include "transceiver/actor/actor_options.h"
#include "transceiver/actor/early_packet.h"
#include "transceiver/actor/endpoint.h"
#include "transceiver/event_loop.h"

namespace forkserver {

class ParentProcess;

// What a host's process is launched with, beside what its type's row says.
struct HostedLaunch {
  RemoteType remote_type = {};              // of content
  std::vector<std::string> arguments = {};  // the program's own
  std::string template_name = {};           // empty: the one that serves the type
  // The policy that the child must find itself in, or end, unless its level pref is 0. Nothing:
  // that of its type's row. kNone: whatever its template has.
  std::optional<SandboxPolicyId> sandbox = {};
  std::array<Stdio, 3> stdio = {};
  std::string title = {};
  absl::Duration timeout = absl::Seconds(10);  // to Ready
};

enum class RunsIn : uint8_t {
  kProcess,
  kParentThread,  // the fallback of its type's row
};

// What the promise of a process gives.
struct ProcessHandle {
  ChildId id = 0;
  RunsIn runs_in = RunsIn::kProcess;
  pid_t pid = -1;  // for people and reports; of a thread, the parent's
  // Of a process:
  LaunchTimes times = {};
  LaunchedBy by = LaunchedBy::kFork;
  std::string template_name = {};  // whose child it is; empty: it was exec'ed
  int layout = 0;
  std::shared_ptr<const SandboxReport> sandbox = {};  // null: it has none
};

// How a process ended, whatever was first.
struct ProcessEnd {
  // How the kernel says it ended; an error where it was never launched, or could not be reaped.
  absl::StatusOr<ExitStatus> exit = absl::UnknownError("not ended");
  // Ok: its port ended with a Goodbye, said by either side.
  absl::Status port = {};
  // Not ok: what it was killed for.
  absl::Status killed_for = {};
  // Not ok: which step of its own start failed, in its own words.
  absl::Status start_failure = {};

  // "exited with status 0"; "exited with status 0, without a Goodbye"; "killed by SIGKILL, for
  // Content LoadPage: ..."
  std::string ToString() const;
};

class ProcessHostCore {
 public:
  using OwnMemoryCallback = std::function<void(const absl::StatusOr<OwnMemory>& memory)>;
  using Promise = std::function<void(const absl::StatusOr<ProcessHandle>& process)>;

  ProcessHostCore(const ProcessHostCore&) = delete;
  ProcessHostCore& operator=(const ProcessHostCore&) = delete;
  // Kills the process where it still runs, and reaps it. OnEnd is not called.
  virtual ~ProcessHostCore();

  // Begins the launch; once.
  void Launch(HostedLaunch launch);
  // In place of Launch: `program` runs on a thread of this process (program_thread.h), with no
  // policy and with its arguments only. Whoever has an end of a protocol to it sees no difference,
  // but that its peer's pid is the parent's. It is launched, or has ended, when this returns. A
  // thread cannot be killed: Kill hangs up, and it ends when its running handler has returned,
  // which the destructor waits for.
  void RunOnThread(ChildProgramFactory program, HostedLaunch launch);
  // In place of Launch: there will be none, as if it had failed with `why`.
  void GiveUp(absl::Status why);
  // Calls back when the process is Ready and its port open, or with why it never will be; at once
  // where that is known. Any number of times, in order. Not called where the host is destroyed
  // first. The steps of its own start come after Ready: one that fails is in ProcessEnd.
  void WhenLaunched(Promise promise);

  // Asks the process to end: a Goodbye on its port, what is in flight being lost. It is killed
  // where it has not ended within `patience`. One that is still launching ends when it has.
  void ShutDown(absl::Duration patience = absl::Seconds(5));
  // The same behind everything that was sent, which the process handles first.
  void ShutDownWhenDelivered(absl::Duration patience = absl::Seconds(5));
  // SIGTERM, if it is a process and runs.
  void Terminate();
  // Of one that is being launched: it ends with Cancelled, or when it runs already, as by ShutDown.
  void CancelLaunch();
  // Ends it at once, or when it is launched. `why` goes to the parent's report and into
  // ProcessEnd::killed_for.
  void Kill(absl::Status why);

  // Calls back once with what the process says of its own memory, or why it does not; not where
  // the host is destroyed first. It has no deadline (forkserver/report/own_memory_round.h has), and
  // while one question is unanswered another is ResourceExhausted at once.
  void AskOwnMemory(OwnMemoryCallback callback);

  ParentProcess& parent() const { return parent_; }
  // The parent's number for it.
  ChildId id() const { return id_; }
  ProcessType type() const { return type_; }
  const RemoteType& remote_type() const { return launch_.remote_type; }
  // What it was launched as, for reports; mostly empty.
  const std::string& title() const { return launch_.title; }
  bool is_running() const { return state_ == State::kRunning; }
  bool has_ended() const { return state_ == State::kEnded; }
  // Nobody has a deadline for what it does (ForkServer::IsDebugged).
  bool IsDebugged() const;
  // Nor for its end, while the debugger that is wanted for it has it. No event tells that it is let
  // go: whoever has a deadline for its end asks at that, and then every kDebuggerLook until it is;
  // then it has as long again. The first time that it is true goes to the parent's log.
  bool WaitsForDebugger();
  static constexpr absl::Duration kDebuggerLook = absl::Seconds(1);
  // It runs, or will, and nobody has asked it to end.
  bool MayBeGivenWork() const {
    return (state_ == State::kNew || state_ == State::kLaunching || state_ == State::kRunning) &&
           !end_when_launched_;
  }
  // From WhenLaunched until it is reaped; null before and after.
  const ProcessHandle* process() const { return is_launched_ && !has_ended() ? &handle_ : nullptr; }
  // "content 7 (webIsolated=https://example.com)"
  std::string Name() const;
  // What endpoints call it.
  PeerName AsPeer() const;

 protected:
  ProcessHostCore(ParentProcess& parent, ProcessType type);

  // Launch in two: what Prepare was given counts from then on, also for reports.
  void Prepare(HostedLaunch launch) { launch_ = std::move(launch); }
  void Begin();

  // What happened to a message. One that finds nobody who listens (Unavailable) is to a process
  // that has ended, of which the loop has not heard yet; or that shut its ears. It is given no more
  // work, and a few seconds to end.
  absl::Status NoteUnheard(absl::Status sent);
  // The same for what the process has to be told: one that has read so little that nothing more can
  // be queued is killed, since it would go on without knowing.
  absl::Status MustBeTold(absl::Status sent);

  // Called once, after the last message and ActorDestroy, when the process is reaped or was never
  // launched. May destroy this.
  virtual void OnEnd(const ProcessEnd& end) = 0;

  // What the typed part does.
  virtual std::span<const EarlyPacket> EarlyPackets() const = 0;
  virtual absl::Status BindPort(UniqueFd socket, ActorOptions options, size_t early_sent) = 0;
  virtual void EndUnboundPort(const absl::Status& why) = 0;
  // After the running handler, if one runs.
  virtual void ClosePort() = 0;
  virtual void ClosePortWhenDelivered() = 0;
  // An abnormal end, in the loop's next turn.
  virtual void AbandonPort(absl::Status why) = 0;

  // From the typed part.
  void OnPortEnd(const ActorEnd& end);
  void OnStartFailed(absl::Status why) { end_.start_failure = std::move(why); }

 private:
  friend class ParentProcess;
  friend class ServiceProcessCore;

  enum class State : uint8_t { kNew, kLaunching, kRunning, kEnding, kEnded };
  enum class Delivery : uint8_t { kLost, kAwaited };
  struct Ending {
    absl::Duration patience;
    Delivery delivery;
  };

  // For whoever owns it in place of its maker: called once, behind OnEnd, unless that destroyed the
  // host. May destroy it.
  void WhenEnded(std::function<void(const ProcessEnd& end)> callback) {
    when_ended_ = std::move(callback);
  }

  virtual absl::Status CallOwnMemory(OwnMemoryCallback callback) = 0;
  // Of a change of prefs.
  virtual absl::Status SendPrefs(int map) = 0;

  ChildArguments Arguments(SandboxPolicyId policy) const;
  // For a report of its death.
  std::map<std::string, std::string> Annotations() const;
  void OnOpened(absl::Status opened);
  absl::Status Open(LaunchedChild child);
  absl::Status OpenThread(ChildProgramFactory program);
  absl::Status OpenPort(int end_fd, UniqueFd socket, size_t early_sent);
  void NeverRan(absl::Status why);
  void Keep(const absl::StatusOr<ProcessHandle>& process);
  void Finish(Ending ending);
  // `for_what`, and how long ago it was, is what it is killed for when `patience` is over.
  void BeginEnding(absl::Duration patience, std::string_view for_what);
  // `for_what` is a literal.
  void AwaitEnd(absl::Duration patience, std::string_view for_what);
  // And then its end.
  void AwaitDebugger(absl::Duration patience);
  void OnExit();
  absl::StatusOr<ExitStatus> Reap();
  void EndIfOver();
  void TellEnd();
  void StopWatching();

  ParentProcess& parent_;
  const ProcessType type_;
  const ChildId id_;
  State state_ = State::kNew;
  HostedLaunch launch_;
  // One of the two, once it is launched.
  std::optional<Process> process_;
  std::shared_ptr<Flight> flight_;  // null: nobody keeps records
  std::unique_ptr<ProgramThread> thread_;
  bool is_launched_ = false;
  bool port_is_open_ = false;
  bool is_reaped_ = false;
  bool is_told_held_ = false;
  bool owes_own_memory_ = false;
  ProcessHandle handle_;
  absl::Status launch_error_;
  std::vector<Promise> promises_;
  std::function<void(const ProcessEnd& end)> when_ended_;
  EventLoop::WatchId exit_watch_ = 0;
  EventLoop::TimerId patience_ = 0;
  // Asked to end before it was launched.
  std::optional<Ending> end_when_launched_;
  absl::Status kill_when_launched_;  // not ok: for this
  ProcessEnd end_;
  LaunchId launch_id_ = 0;  // of the one that is under way
  // A launch may end after its host was destroyed.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_PROCESS_HOST_CORE_H_
