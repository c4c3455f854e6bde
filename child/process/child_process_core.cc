#include "child/process/child_process_core.h"

#include <stdio.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "child/sandbox/sandbox_level.h"
#include "child/sandbox/sandbox_policy.h"
#include "transceiver/clock.h"
#include "transceiver/launch_path.h"

namespace forkserver {

const ChildProcessCore::Step ChildProcessCore::kSteps[] = {
    {StartStep::kArguments, &ChildProcessCore::ParseArguments, &ChildProcessCore::Nothing},
    {StartStep::kSandbox, &ChildProcessCore::EngageSandbox, &ChildProcessCore::Nothing},
    {StartStep::kPrefs, &ChildProcessCore::AttachPrefs, &ChildProcessCore::Nothing},
    {StartStep::kThreads, &ChildProcessCore::StartThreads, &ChildProcessCore::StopThreads},
    {StartStep::kPort, &ChildProcessCore::OpenInitialPort, &ChildProcessCore::Nothing},
    {StartStep::kComponents, &ChildProcessCore::InitialiseComponents,
     &ChildProcessCore::CleanUpComponents},
    {StartStep::kInit, &ChildProcessCore::InitOfItsOwn, &ChildProcessCore::CleanUp},
};

FORKSERVER_LAUNCH_PATH absl::Status ChildProcessCore::ParseArguments() {
  absl::StatusOr<ChildArguments> parsed = ChildArguments::Parse(context_->argv);
  if (!parsed.ok()) return parsed.status();
  arguments_ = *std::move(parsed);
  if (arguments_.build_id == context_->ready.build_id) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("the parent is of build %016x, this process of %016x", arguments_.build_id,
                      context_->ready.build_id));
}

// All of it was engaged before the first instruction of this program: in the template, and between
// fork and Ready. It may be missing only where the prefs switch it off: not because somebody named
// the wrong template, or one that was started under other prefs.
FORKSERVER_LAUNCH_PATH absl::Status ChildProcessCore::EngageSandbox() {
  if (arguments_.sandbox.empty()) return absl::OkStatus();
  const SandboxReport& report = context_->sandbox;
  const std::optional<SandboxPolicyId> wanted = FindSandboxPolicy(arguments_.sandbox);
  if (!wanted) {
    return absl::InvalidArgumentError(absl::StrFormat("no policy '%s'", arguments_.sandbox));
  }
  if (report.level != kSandboxOff && (report.policies & PolicyBit(*wanted)) != 0) {
    return absl::OkStatus();
  }
  if (SandboxLevel(*wanted, context_->prefs) == kSandboxOff) return absl::OkStatus();
  if (report.level != kSandboxOff) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "the parent wants policy '%s', and this process is not in it", arguments_.sandbox));
  }
  return absl::FailedPreconditionError(absl::StrFormat(
      "the parent wants policy '%s', and this process has none: its template is another one, or "
      "started while %s was 0",
      arguments_.sandbox, SandboxLevelPref(*wanted)));
}

FORKSERVER_LAUNCH_PATH absl::Status ChildProcessCore::AttachPrefs() {
  prefs_.emplace(&context_->prefs);
  return absl::OkStatus();
}

FORKSERVER_LAUNCH_PATH absl::Status ChildProcessCore::OpenInitialPort() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create(EventLoop::Backend::kPoll);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  return OpenPort(context_->channel.TakeSocket());
}

FORKSERVER_LAUNCH_PATH absl::Status ChildProcessCore::InitialiseComponents() {
  components_.emplace(
      table_ != nullptr ? *table_ : no_components_,
      ComponentContext{.type = context_->type, .prefs = &*prefs_, .sandbox = &context_->sandbox});
  absl::Status made = components_->InitialiseAll();
  // A step that fails is not undone: it leaves nothing behind.
  if (!made.ok()) components_->CleanUp();
  return made;
}

FORKSERVER_LAUNCH_PATH absl::Status ChildProcessCore::InitOfItsOwn() {
  if (context_->recorder.Rehearses()) Rehearse();
  // What was done until here is the same in all children of the type.
  context_->recorder.Started();
  return Init();
}

void ChildProcessCore::CleanUpComponents() { components_->CleanUp(); }

void ChildProcessCore::Log(std::string_view line) {
  absl::FPrintF(stderr, "%s %d: %s\n", ProcessTypeName(context_->type), arguments_.child_id, line);
}

void ChildProcessCore::LogEnd(const absl::Status& why) {
  if (std::exchange(has_logged_end_, true)) return;
  Log(absl::StrCat("ends, for ", std::string(why.message())));
}

void ChildProcessCore::OnPortEnd(const ActorEnd& end) {
  end_.emplace(end);
  // That the parent is gone is no fault.
  if (!end.is_normal() && !absl::IsUnavailable(end.why)) LogEnd(end.why);
}

FORKSERVER_LAUNCH_PATH void ChildProcessCore::RunLoop() {
  while (!end_) loop_->Run(kNever);
}

void ChildProcessCore::Undo(size_t steps) {
  while (steps > 0) (this->*kSteps[--steps].undo)();
}

FORKSERVER_LAUNCH_PATH int ChildProcessCore::Run(ChildContext& context) {
  context_ = &context;
  size_t done = 0;
  for (const Step& step : kSteps) {
    const absl::Status started = (this->*step.start)();
    if (!started.ok()) {
      // The parent is to hear of it, so there has to be a port.
      if (loop_ != nullptr || OpenInitialPort().ok()) TellStartFailed(step.step, started);
      Undo(done);
      return kExitStartFailed;
    }
    ++done;
  }
  RunLoop();
  Undo(done);
  return end_->is_normal() ? 0 : kExitNoGoodbye;
}

}  // namespace forkserver
