// The part of ChildProcess (child_process.h) that is the same for all protocols: the steps of a
// start, the main loop, and the steps undone in reverse.
#ifndef CHILD_PROCESS_CHILD_PROCESS_CORE_H_
#define CHILD_PROCESS_CHILD_PROCESS_CORE_H_

#include <stddef.h>

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "child/child_program.h"
#include "child/components/component_registry.h"
#include "child/components/component_table.h"
#include "child/process/child_arguments.h"
#include "child/process/own_memory.h"
#include "child/process/start_step.h"
#include "preload/prefs/live_prefs.h"
#include "transceiver/actor/actor_options.h"
#include "transceiver/event_loop.h"
#include "transceiver/launch_path.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

// Exit statuses of a child process that did not end as it was asked to.
inline constexpr int kExitStartFailed = 121;  // a StartStep failed, and the parent was told
inline constexpr int kExitNoGoodbye = 122;    // the parent is gone, or the port failed

class ChildProcessCore : public ChildProgram {
 public:
  int Run(ChildContext& context) final;
  FORKSERVER_LAUNCH_PATH bool HasStartSteps() const final { return true; }

 protected:
  // `components`: what there is in this program, of which this type may use some; outlives it.
  // Null: none.
  explicit ChildProcessCore(const ComponentTable* components) : table_(components) {}

  // From their steps on.
  const ChildContext& context() const { return *context_; }
  const ChildArguments& arguments() const { return arguments_; }
  LivePrefs& prefs() { return *prefs_; }
  EventLoop& loop() { return *loop_; }
  ComponentRegistry& components() { return *components_; }

  // What a type does besides. An error ends the process, and the parent is told.
  //
  // Whether the sandbox that it is in will do. Default: the one that the parent asked for.
  virtual absl::Status EngageSandbox();
  FORKSERVER_LAUNCH_PATH virtual absl::Status StartThreads() { return absl::OkStatus(); }
  virtual void StopThreads() {}
  // In the first child of each template, before Init: what the first work of all children would do,
  // on nothing of anybody's, so that later blanks have the pages that it takes ahead
  // (child/page_recorder.h). Pages that it has given back by its end are not among them. It takes
  // as long as it takes in this one child.
  virtual void Rehearse() {}
  // When all else is done; messages come after it.
  virtual absl::Status Init() { return absl::OkStatus(); }
  // The first of the end: what Init did, undone. Not called where Init was not.
  virtual void CleanUp() {}
  // What it has to say of its own memory when a report asks for it, beside malloc's figures.
  virtual void ReportMemory(MemoryReporter& /*report*/) {}

  // For what nobody else is told of. Default: a line on stderr, with the process's type and id.
  virtual void Log(std::string_view line);

  // What the typed part does.
  virtual absl::Status OpenPort(UniqueFd socket) = 0;
  // Tells the parent, and waits until it has heard: the port has ended then.
  virtual void TellStartFailed(StartStep step, const absl::Status& why) = 0;

  // The port's: called when it has ended.
  void OnPortEnd(const ActorEnd& end);
  // What it ends for, once.
  void LogEnd(const absl::Status& why);
  // Until the port has ended.
  void RunLoop();

 private:
  struct Step {
    StartStep step;
    absl::Status (ChildProcessCore::*start)();
    void (ChildProcessCore::*undo)();
  };
  static const Step kSteps[];

  absl::Status ParseArguments();
  absl::Status AttachPrefs();
  absl::Status OpenInitialPort();
  absl::Status InitialiseComponents();
  absl::Status InitOfItsOwn();
  void Nothing() {}
  void CleanUpComponents();
  void Undo(size_t steps);

  const ComponentTable* const table_;
  const ComponentTable no_components_;
  ChildContext* context_ = nullptr;
  ChildArguments arguments_;
  std::optional<LivePrefs> prefs_;
  std::unique_ptr<EventLoop> loop_;
  std::optional<ComponentRegistry> components_;
  std::optional<ActorEnd> end_;
  bool has_logged_end_ = false;
};

}  // namespace forkserver

#endif  // CHILD_PROCESS_CHILD_PROCESS_CORE_H_
