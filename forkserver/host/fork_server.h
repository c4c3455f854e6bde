// The embedder's API: start a fork server as main's first statement, launch children from it.
//
//     int main(int argc, char** argv) {
//       auto server = forkserver::ForkServer::Start(
//           argc, argv, {.programs = {{ProcessType::kDummy, MakeChildProgram<Greeter>}}});
//       if (!server.ok()) return 1;
//       auto child = (*server)->Launch({.type = ProcessType::kDummy, .argv = {"greeter"}});
//       if (!child.ok()) return 1;
//       return child->process.Wait()->code;
//     }
//
// Start must be the first statement of main: it forks the seed, which must inherit a program that
// has done nothing yet, and in processes that the fork server starts by exec it does not return.
// The thread that calls it is the one whose end the children see as the host's death, so it is
// the main thread, or one that never ends.
//
// Start does not wait for anything: the seed forks the root, the root warms up, and the host goes
// on with its own start-up. Launches may be asked for at once; they wait for the root.
//
// Safe mode: launches by LaunchWay::kAny are exec'ed, and templates are not used. A template that
// died too often in a row (RestartOptions::most_deaths) comes to that alone, with those that need
// it; with FORKSERVER_SAFE_MODE=1 in the environment, or StartOptions::safe_mode, the whole host
// does: then neither seed nor template is forked, and launches that ask for one fail and say why.
// It lasts as long as the ForkServer. An embedder need not care: safe_mode() says that it is so.
// Where the environment wants a debugger for all types of this program's children
// (child_debugging.h), there is no template either, and all launches are exec'ed.
//
// Ownership: children belong to the caller, as a Process, and are the host's own children also
// for the kernel. Destroying the ForkServer ends its templates; launches under way fail with
// Cancelled, and children that are Ready live on.
// Threads: all functions may be called from any thread. Whoever waits in Launch, WaitUntilServing
// or Dispatch drives the event loop for all, and callbacks run on that thread, without a lock, so
// that they may call anything here, Launch included. A thread that waits for what another one's
// callback does bounds its Dispatch, or uses Launch. There is no thread of ours, unless
// StartOptions::driving asks for one; and the broker's, where a template is sandboxed.
// After a fork of the embedder's own: not usable in the child.
#ifndef FORKSERVER_HOST_FORK_SERVER_H_
#define FORKSERVER_HOST_FORK_SERVER_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "child/child_program.h"
#include "child/telemetry/metric_table.h"
#include "forkserver/host/broker/broker.h"
#include "forkserver/host/broker/sandbox_reporter.h"
#include "forkserver/host/flight_recorder.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/host/launch_observer.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/launcher.h"
#include "forkserver/host/machine_report.h"
#include "forkserver/host/process.h"
#include "forkserver/host/restart_policy.h"
#include "forkserver/host/server_end.h"
#include "forkserver/host/template_options.h"
#include "forkserver/host/template_status.h"
#include "forkserver/server/hello.h"
#include "preload/freeze/freeze_report.h"
#include "preload/prefs/prefs_store.h"
#include "preload/refresh/refresh_hooks.h"
#include "preload/warm_up.h"
#include "transceiver/event_loop.h"

namespace forkserver {

// Who runs the event loop.
enum class Driving : uint8_t {
  // Whoever waits in Launch, WaitUntilServing or Dispatch. What happens between two calls (pools
  // that are refilled, templates that are evicted) happens in the next one.
  kCallers,
  // A thread that Start makes. Callbacks run on it, with all signals blocked.
  kOwnThread,
};

// What the machine's memory pressure does to the pools of blank children.
enum class UnderPressure : uint8_t {
  kShrinkPools,  // empties them for ten seconds, where the kernel tells of pressure
  kKeepPools,
};

enum class SafeMode : uint8_t {
  kWhenAsked,  // FORKSERVER_SAFE_MODE=1 is in the environment
  kOn,
};

// Layouts of addresses that a host's templates can have.
inline constexpr int kMostLayouts = 16;

struct StartOptions {
  // What this program can be, by process type.
  std::vector<ChildProgramRow> programs = {};
  // What the root does once so that its children need not, in this order.
  std::vector<WarmUp> warm_ups = {};
  // What each child does, in this order, so that its random numbers are not its siblings'
  // (preload/refresh/refresh_hooks.h).
  std::vector<RefreshHook> refresh_hooks = {};
  // What children can count (ChildContext::telemetry); the same in all processes, as the programs.
  // A Telemetry (forkserver/report/telemetry.h) sets it, and collects.
  std::vector<MetricRow> metrics = {};
  // How the root's memory is kept from costing each of its forks (preload/freeze/freeze.h).
  FreezeMethod freeze = FreezeMethod::kMemfd;
  // Templates below the root, parents before their children.
  std::vector<TemplateOptions> templates = {};
  // How many roots, 1 to kMostLayouts. Each has a layout of addresses of its own and the same
  // templates below it, and launches go to those that serve in turn: an address that one child
  // gives away is true in every n-th child, and not in all. The first root is forked; the others
  // are exec'ed by Start, run the same warm-ups, and have children that send SIGCHLD (a plain
  // waitpid(-1) of the embedder's can take their status). Each layout costs the memory of its
  // templates. For a single child: Layout::kOwn.
  int layouts = 1;
  // How soon a template that died is started again, the root included: on its next use, but not
  // before its back-off is over (forkserver/host/restart_policy.h).
  RestartOptions restart = {};
  SafeMode safe_mode = SafeMode::kWhenAsked;
  Driving driving = Driving::kCallers;
  // What the host waits with. Over io_uring some calls of a thread that launched can end with
  // EINTR: see EventLoop.
  EventLoop::Backend event_loop = EventLoop::Backend::kBest;
  UnderPressure under_memory_pressure = UnderPressure::kShrinkPools;
  // What is kept of each process for the day that it dies; nothing where nobody hears of that.
  FlightRecorderOptions flight_recorder = {};
  // Of the broker, which has two threads of its own from the first sandboxed template on.
  BrokerOptions broker = {};
  // Is told of launches, templates and ends (launch_observer.h); null: nobody is.
  std::shared_ptr<LaunchObserver> observer = {};
};

struct StartReport {
  // Of the first root. kTemplate: the seed was forked. kExec: the root was exec'ed, since the
  // process was not single-threaded, or had another ForkServer, whose descriptors a seed would
  // inherit; or had left its pid namespace (unshare(2)), so that the seed is the init of a new one
  // and can give its children to nobody. The root's children then send SIGCHLD. In a host's
  // safe mode there is no root, and kExec stands for all launches.
  LaunchWay way = LaunchWay::kTemplate;
  // Of kExec: "thread 'x' (tid 7) runs beside the calling one", or why it is safe mode.
  std::string reason = {};
  MachineReport machine = {};
  // What the host waits with, and why not with io_uring where that was tried: "io_uring_setup:
  // EPERM".
  EventLoop::Backend event_loop = EventLoop::Backend::kEpoll;
  std::string why_no_io_uring = {};
  // Whether the kernel tells of memory pressure, and why not where that was asked for: "open
  // /proc/pressure/memory: ENOENT".
  bool watches_memory_pressure = false;
  std::string why_no_memory_pressure = {};
};

using ExitCallback = std::function<void(absl::StatusOr<ExitStatus> status)>;

class ForkServer {
 public:
  // Fails as clone3, socketpair, open and epoll_create1 (or io_uring_setup, where it was asked
  // for by name) do, naming the call; InvalidArgument for options that cannot be
  // (CheckTemplateOptions, CheckRestartOptions, and the number of layouts).
  static absl::StatusOr<std::unique_ptr<ForkServer>> Start(int argc, char** argv,
                                                           StartOptions options);

  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;
  ~ForkServer();

  // Ends all that it has, in order, and says what had to be forced: launches under way are
  // cancelled, the pools emptied, children that ReapAsync has are killed and told of, templates are
  // asked to end, and the broker stops. Children that are Ready live on. From here on launches and
  // waits fail with Cancelled, and templates() says that none runs. The destructor does the same
  // where nobody has. Not in a callback. Another call does nothing.
  ServerEnd End(ServerEndOptions options = {});

  const StartReport& start_report() const;
  // Of this program and all that it has loaded; that of each of its children (server/build_id.h).
  uint64_t build_id() const;

  // Waits for the root to have warmed up; with several layouts, for that of the first: the others
  // are looked at in templates(). One that died is started again, when its back-off is over. Its
  // Hello, or why it does not serve.
  absl::StatusOr<HelloMessage> WaitUntilServing(absl::Duration timeout = absl::Seconds(60));
  // The same for one of StartOptions::templates, which is started if it does not run.
  absl::StatusOr<HelloMessage> WaitUntilServing(std::string_view template_name,
                                                absl::Duration timeout = absl::Seconds(60));

  // Launches a child and waits until it is Ready. Errors:
  //   a LaunchFailure (GetLaunchFailure)  a step failed, with its errno
  //   DeadlineExceeded                    not Ready within options.timeout
  //   Aborted                             the child ended before it was Ready
  //   FailedPrecondition                  what was exec'ed has another library than this host: it
  //                                       was replaced on disk, and only a new host can exec
  //   others                              no template serves; the Status says why
  // After an error nothing is left of the launch: no process, descriptor or memory; but where the
  // deadline passes and the template has not answered, its late child is reaped by a later
  // Dispatch, Launch or wait.
  absl::StatusOr<LaunchedChild> Launch(const LaunchOptions& options);

  // The same without waiting: `callback` is called once, during somebody's Dispatch or wait.
  LaunchId LaunchAsync(const LaunchOptions& options, LaunchCallback callback);

  // Begins all of them before it waits for any, and waits until each has ended. The answers are in
  // the order of the options.
  std::vector<absl::StatusOr<LaunchedChild>> LaunchAll(std::span<const LaunchOptions> options);

  // Waits for the end of a child without blocking: `callback` is called once, as LaunchAsync's. The
  // child is reaped by then. One that has not ended when the server is destroyed is killed, as
  // Process says, and its callback is called; with DeadlineExceeded where it cannot be reaped,
  // since a tracer holds the dead child: nothing waits for that.
  void ReapAsync(Process process, ExitCallback callback);

  // Ends a launch with Cancelled. One that has ended is ignored.
  void Cancel(LaunchId id);

  // Readable whenever Dispatch has something to do: for another event loop.
  int pollable_fd() const;

  // Waits for events, at most `max_wait`, and runs what they bring.
  void Dispatch(absl::Duration max_wait = absl::ZeroDuration());

  // Children that are launched from here on get this generation.
  void SetPrefs(PrefsGeneration prefs);

  // How many blanks wait in a template's pool from here on, in place of TemplateOptions::pool: too
  // many are ended, and missing ones are forked, as the loop is driven. A minimum starts a template
  // that does not run. In safe mode the bounds are kept and nothing is forked. NotFound: no
  // template of that name. InvalidArgument: bounds that cannot be. Others: why the template cannot
  // be started.
  absl::Status SetPool(std::string_view template_name, PoolBounds bounds);

  // Ok; or why a template, the first of them in the order of templates(), is not used (any more):
  // "safe mode: template 'content' died 8 times in a row, the last time: ...".
  absl::Status safe_mode() const;

  // Whether the environment wants a debugger for children of that type (child_debugging.h): whoever
  // has a deadline for one of them lets it pass.
  bool IsDebugged(ProcessType type) const;

  // Asks the first layout's root whether it still answers.
  absl::Status Ping(absl::Duration timeout = absl::Seconds(1));

  // For reports; nothing where there is no such process. The root's (the first layout's) is known
  // once WaitUntilServing has returned well.
  std::optional<pid_t> seed_pid() const;
  std::optional<pid_t> root_pid() const;
  // The root first, then the others in the order of StartOptions; so for each layout.
  std::vector<TemplateStatus> templates() const;

  // What sandboxes have refused, the last of it, oldest first; with FORKSERVER_SANDBOX_LOG=1 each
  // goes to stderr too.
  std::vector<RefusedCall> refused_calls() const;

  // Launches that have not ended, answers that templates owe, and processes that are not reaped
  // yet. Zero means that nothing is left of any launch that failed.
  size_t in_flight() const;

 private:
  class Core;
  explicit ForkServer(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_FORK_SERVER_H_
