// How a process of the model ends: by itself, as it is asked to, or for something.
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/child_debugging.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/process_host_core.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace forkserver {
namespace {

// How long the port of a process that has ended may take to say so: it does at once, unless
// somebody else holds its other end.
constexpr int64_t kPortPatience = kNanosPerSecond;
// How long one that has closed its port may take for its own end.
constexpr absl::Duration kEndPatience = absl::Seconds(5);

std::string AsText(const absl::Status& status) { return std::string(status.message()); }

}  // namespace

std::string ProcessEnd::ToString() const {
  std::string text = exit.ok() ? exit->ToString() : AsText(exit.status());
  if (!start_failure.ok()) absl::StrAppend(&text, ", start failed: ", AsText(start_failure));
  if (!killed_for.ok()) absl::StrAppend(&text, ", for ", AsText(killed_for));
  // Else it looks like a normal end.
  if (exit.ok() && exit->success() && !port.ok()) absl::StrAppend(&text, ", without a Goodbye");
  return OneLine(text);
}

bool ProcessHostCore::WaitsForDebugger() {
  if (!IsDebugged() || !process_ || is_reaped_ || !IsTraced(handle_.pid)) return false;
  if (!std::exchange(is_told_held_, true)) {
    parent_.Log(absl::StrCat(Name(), ": its end is waited for, since a debugger has it"));
  }
  return true;
}

void ProcessHostCore::BeginEnding(absl::Duration patience, std::string_view for_what) {
  state_ = State::kEnding;
  if (patience == absl::InfiniteDuration() || patience_ != 0) return;
  AwaitEnd(patience, for_what);
}

void ProcessHostCore::AwaitEnd(absl::Duration patience, std::string_view for_what) {
  const int64_t deadline = DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(patience));
  patience_ = parent_.loop().AddTimer(deadline, [this, patience, for_what] {
    patience_ = 0;
    if (WaitsForDebugger()) return AwaitDebugger(patience);
    Kill(absl::DeadlineExceededError(
        absl::StrFormat("%s %s ago", for_what, absl::FormatDuration(patience))));
  });
}

void ProcessHostCore::AwaitDebugger(absl::Duration patience) {
  const int64_t look = DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(kDebuggerLook));
  patience_ = parent_.loop().AddTimer(look, [this, patience] {
    patience_ = 0;
    if (WaitsForDebugger()) return AwaitDebugger(patience);
    AwaitEnd(patience, "a debugger let it go");
  });
}

void ProcessHostCore::ShutDown(absl::Duration patience) { Finish({patience, Delivery::kLost}); }

void ProcessHostCore::ShutDownWhenDelivered(absl::Duration patience) {
  Finish({patience, Delivery::kAwaited});
}

void ProcessHostCore::Finish(Ending ending) {
  if (state_ == State::kNew || state_ == State::kLaunching) {
    end_when_launched_ = ending;
    return;
  }
  if (state_ != State::kRunning) return;
  BeginEnding(ending.patience, "it was asked to end");
  if (!port_is_open_) return;
  if (ending.delivery == Delivery::kAwaited) {
    ClosePortWhenDelivered();
  } else {
    ClosePort();
  }
}

void ProcessHostCore::Terminate() {
  if (process_ && !is_reaped_) process_->Signal(SIGTERM).IgnoreError();
}

void ProcessHostCore::CancelLaunch() {
  if (state_ == State::kLaunching) parent_.server().Cancel(launch_id_);
}

void ProcessHostCore::Kill(absl::Status why) {
  if (state_ == State::kNew || state_ == State::kLaunching) {
    end_when_launched_ = Ending{absl::ZeroDuration(), Delivery::kLost};
    kill_when_launched_.Update(why);
  }
  if ((!process_ && !thread_) || !end_.killed_for.ok() || is_reaped_) return;
  end_.killed_for = std::move(why);
  state_ = State::kEnding;
  if (flight_ != nullptr && absl::IsDeadlineExceeded(end_.killed_for)) {
    flight_->MissDeadline(std::string(end_.killed_for.message()));
  }
  if (process_) {
    process_->Signal(SIGKILL).IgnoreError();
  } else {
    thread_->HangUp();
  }
  parent_.Log(absl::StrCat(Name(), ": killed, for ", AsText(end_.killed_for)));
}

absl::Status ProcessHostCore::NoteUnheard(absl::Status sent) {
  if (absl::IsUnavailable(sent) && state_ == State::kRunning) {
    BeginEnding(kEndPatience, "it stopped to listen");
  }
  return sent;
}

absl::Status ProcessHostCore::MustBeTold(absl::Status sent) {
  if (absl::IsResourceExhausted(sent)) Kill(sent);
  return NoteUnheard(std::move(sent));
}

void ProcessHostCore::OnPortEnd(const ActorEnd& end) {
  // Of a port that was never open, NeverRan tells.
  if (!std::exchange(port_is_open_, false)) return;
  end_.port = end.why;
  // Else the thread sees it only by what it keeps of the socket.
  if (thread_ != nullptr && !end.is_normal()) thread_->HangUp();
  if (state_ == State::kRunning) {
    // It said Goodbye, or is dead or dying: a process without a port has nothing left to do.
    BeginEnding(kEndPatience, "its port ended");
  }
  EndIfOver();
}

absl::StatusOr<ExitStatus> ProcessHostCore::Reap() {
  if (process_) return process_->Wait(absl::ZeroDuration());
  ExitStatus status;
  status.code = thread_->Join();
  return status;
}

void ProcessHostCore::OnExit() {
  absl::StatusOr<ExitStatus> status = Reap();
  if (absl::IsDeadlineExceeded(status.status())) return;
  StopWatching();
  is_reaped_ = true;
  end_.exit = std::move(status);
  state_ = State::kEnding;
  if (port_is_open_) {
    // What it had said is there to be read, and its hang-up behind it.
    patience_ = parent_.loop().AddTimer(NowNanos() + kPortPatience, [this] {
      patience_ = 0;
      AbandonPort(absl::UnavailableError("the process ended and somebody else holds its port"));
    });
  }
  EndIfOver();
}

void ProcessHostCore::EndIfOver() {
  if (!is_reaped_ || port_is_open_ || state_ == State::kEnded) return;
  state_ = State::kEnded;
  StopWatching();
  parent_.Remove(*this);
  TellEnd();
}

void ProcessHostCore::TellEnd() {
  const std::shared_ptr<bool> alive = alive_;
  OnEnd(end_);
  if (!*alive || !when_ended_) return;
  // Out of the members, since it may destroy this.
  const std::function<void(const ProcessEnd&)> told = std::move(when_ended_);
  const ProcessEnd end = end_;
  told(end);
}

void ProcessHostCore::StopWatching() {
  if (exit_watch_ != 0) parent_.loop().Unwatch(std::exchange(exit_watch_, 0));
  if (patience_ != 0) parent_.loop().CancelTimer(std::exchange(patience_, 0));
}

}  // namespace forkserver
