// Who is told what becomes of launches, of templates, and of the processes that were launched: for
// traces, counts and reports (forkserver/report/). Nothing that a host does depends on one.
//
//     class Counter : public LaunchObserver {
//       void OnLaunchFailed(const LaunchFailed& launch) override {
//         if (auto failure = GetLaunchFailure(launch.why)) ++failures_[failure->step];
//       }
//     };
//     ForkServer::Start(argc, argv, {.observer = std::make_shared<Counter>()});
//
// Each launch is told of twice: OnLaunchBegun, and then either OnLaunchReady or OnLaunchFailed,
// when its caller is told. A deadline that passes and a Cancel are failures, whose Status says
// which it is (DeadlineExceeded, Cancelled). A launch that is sent again since its template died is
// still the same one.
//
// Threads: OnLaunch... and OnTemplateEvent are called by whoever drives the event loop or begins a
// launch, on that thread, one at a time, with the server's lock held. OnProcessEnded is called by
// whoever reaps, on any thread: in Process::Wait and in the destructor of a Process without a lock,
// so that it may run beside any other of them and beside itself, also when the ForkServer is gone.
// None of them may call the ForkServer or the Process, or wait for anything.
//
// Ownership: shared, since processes outlive the ForkServer. What is given is borrowed for the
// call. It is made before Start, which must be main's first statement: so it is made in each
// process that is exec'ed too, and what it has then the seed inherits. It opens files and
// connections after Start. Nothing of it is called in templates and children.
// Cost: where there is none, a branch for each of these events.
#ifndef FORKSERVER_HOST_LAUNCH_OBSERVER_H_
#define FORKSERVER_HOST_LAUNCH_OBSERVER_H_

#include <stdint.h>
#include <sys/types.h>

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "child/process_types.h"
#include "forkserver/host/launch_options.h"
#include "forkserver/host/observes_launches.h"
#include "forkserver/host/process.h"
#include "forkserver/server/hello.h"

namespace forkserver {

// All times are nanoseconds of NowNanos, and all pids the host's.

struct LaunchBegun {
  uint64_t id;  // of the launch; no other one of this host has it
  ProcessType type;
  int64_t requested_at;
};

// Where a child came from.
struct LaunchOrigin {
  // Nothing: nobody was asked for one.
  std::optional<LaunchedBy> by = {};
  // As in TemplateOptions, or kRootTemplate; empty for an exec.
  std::string_view template_name = {};
  int layout = 0;
  // Of the template that has forked it for this launch, where its answer has come before its end.
  std::optional<pid_t> template_pid = {};
  int times_sent = 1;
};

struct LaunchReady {
  uint64_t id;
  ProcessType type;
  const LaunchOrigin& origin;
  pid_t pid;
  const LaunchTimes& times;
};

struct LaunchFailed {
  uint64_t id;
  ProcessType type;
  const LaunchOrigin& origin;
  int64_t requested_at;
  int64_t failed_at;
  // As its caller gets it; GetLaunchFailure has the step and its errno.
  const absl::Status& why;
  // Of a child that came to be and was reaped before the caller was told. The status is its own
  // where it had died by itself (`why` is Aborted); otherwise it may be the host's SIGKILL.
  std::optional<pid_t> pid = {};
  std::optional<ExitStatus> status = {};
};

// A child that was Ready, or a template, has been reaped.
struct ProcessEnded {
  pid_t pid;
  ProcessType type;                     // kForkServer: a template
  uint64_t launch_id = 0;               // of a child
  std::string_view template_name = {};  // of a template
  int layout = 0;
  int64_t seen_at;  // when it was reaped
  // Of a template that broke down, or was given up, it may be the host's own SIGKILL.
  const ExitStatus& status;
};

struct TemplateEvent {
  enum class Kind : uint8_t {
    kStarting,  // it has been asked for; `starts` is 2 and more for one that is started again
    kServing,   // its Hello has come, and its pid is known
    kDied,      // before or after its Hello: see `why`
    kGivenUp,   // it has died too often, and is not started any more; follows kDied
    kEvicted,   // it was idle, and is ended
    kEnding,    // the server ends, and it with it
  };

  Kind kind;
  std::string_view name;
  std::string_view parent;  // empty for a root
  int layout;
  uint64_t starts;  // how often it was started, this time included
  int64_t at;
  std::optional<pid_t> pid = {};        // once it is known
  const HelloMessage* hello = nullptr;  // of kServing; otherwise null
  absl::Status why = {};                // of kDied and kGivenUp
};

class LaunchObserver {
 public:
  virtual ~LaunchObserver() = default;

  virtual void OnLaunchBegun(const LaunchBegun& /*launch*/) {}
  virtual void OnLaunchReady(const LaunchReady& /*launch*/) {}
  virtual void OnLaunchFailed(const LaunchFailed& /*launch*/) {}
  // Not told: of a process whose status somebody else has taken and this kernel does not keep, and
  // of one that was let go unreaped (process.h).
  virtual void OnProcessEnded(const ProcessEnded& /*process*/) {}
  virtual void OnTemplateEvent(const TemplateEvent& /*event*/) {}
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCH_OBSERVER_H_
