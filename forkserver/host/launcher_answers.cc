// The part of the launcher that hears what a launch's child and its template say, and ends the
// launch when enough of it is there, in whichever order it came.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/host/launch_failure.h"
#include "forkserver/host/launcher.h"
#include "forkserver/server/build_id.h"
#include "transceiver/clock.h"
#include "transceiver/messages.h"
#include "transceiver/packet.h"

namespace forkserver {

void Launcher::OnHangUp(LaunchId id, const absl::Status& why) {
  Launch* launch = Find(id);
  if (launch == nullptr || launch->is_ready) return;
  // The socket is of no more use, whatever the child does.
  if (!absl::IsUnavailable(why)) return Fail(*launch, NameLaunch(launch->what, why));
  launch->died_unready = true;
  Fail(*launch, absl::AbortedError(launch->what + ": it ended before it was Ready"));
}

void Launcher::OnPacket(LaunchId id, Packet& packet) {
  Launch* launch = Find(id);
  if (launch == nullptr) return;
  // What the child of a launch that has failed says is of no use to anybody.
  if (!launch->failure.ok()) return CollectAnswer(launch->id);
  const Frame& frame = packet.frame();
  if (packet.frame_error() != FrameError::kNone ||
      CheckMessage(frame, MessageDirection::kToHost) != MessageCheck::kGood) {
    return Fail(*launch, absl::InternalError(launch->what + ": the child sent no message of the "
                                                            "launch protocol"));
  }
  FailedMessage failed;
  if (frame.type == kReady) {
    OnReady(*launch, packet);
  } else if (frame.type == kFailed && Decode(packet.payload(), failed)) {
    Fail(*launch, LaunchFailureStatus(
                      launch->what, InTermsOfOptions({.step = static_cast<LaunchStep>(failed.step),
                                                      .error = failed.error,
                                                      .index = failed.index,
                                                      .detail = std::string(failed.detail)})));
  } else {
    Fail(*launch, absl::InternalError(absl::StrFormat("%s: the child sent %s instead of Ready",
                                                      launch->what, MessageName(frame.type))));
  }
}

// What a child that was exec'ed has engaged by itself.
absl::Status Launcher::EnrollExeced(Launch& launch, DescriptorList& descriptors) {
  if (!launch.times.child.sandbox) {
    if (descriptors.size() == 0) return absl::OkStatus();
    return absl::InternalError("its Ready has descriptors of a sandbox that it has not");
  }
  if (launch.sandbox.policies.empty() || launch.sandbox.host == nullptr || !launch.process) {
    return absl::InternalError("its Ready tells of a sandbox that it was not to have");
  }
  UniqueFd listener = descriptors.size() == 1 ? descriptors.Take(0) : UniqueFd();
  return launch.sandbox.host->AdmitExeced(launch.sandbox.template_index,
                                          *launch.times.child.sandbox, std::move(listener),
                                          launch.type, *launch.process);
}

void Launcher::OnReady(Launch& launch, Packet& packet) {
  if (!Decode(packet.payload(), launch.times.child)) {
    return Fail(launch, absl::InternalError(launch.what + ": malformed Ready"));
  }
  if (launch.times.child.build_id != build_id_) {
    return Fail(launch, absl::FailedPreconditionError(absl::StrFormat(
                            "%s: %s", launch.what,
                            OtherBuildText(launch.times.child.build_id, build_id_))));
  }
  if (absl::Status enrolled = EnrollExeced(launch, packet.descriptors()); !enrolled.ok()) {
    return Fail(launch, NameLaunch(launch.what, enrolled));
  }
  launch.times.ready_received_at = NowNanos();
  if (launch.flight != nullptr) launch.flight->SetReady();
  launch.is_ready = true;
  EndImmediate(launch);
  launch.socket.StopWatching();
  CollectAnswer(launch.id);
}

void Launcher::CollectAnswer(LaunchId id) {
  if (Launch* launch = Find(id); launch != nullptr && launch->awaiting != nullptr) {
    launch->awaiting->ReadAnswers();
    launch = Find(id);  // the answer may have ended it
    if (launch != nullptr && launch->awaiting != nullptr) launch->awaiting->WatchForAnswers();
  }
  if (Launch* launch = Find(id); launch != nullptr) Advance(*launch);
}

void Launcher::OnTemplateServes(LaunchId id) {
  Launch* launch = Find(id);
  if (launch != nullptr && launch->awaiting != nullptr) launch->socket.SendKeptPlan();
}

void Launcher::OnForked(LaunchId id, Process process, const ForkedMessage& forked) {
  Launch* launch = Find(id);
  if (launch == nullptr || (launch->awaiting == nullptr && !launch->is_unsettled)) {
    // The answer to a launch that was given up.
    reaper_.KillAndReap(std::move(process));
    return;
  }
  if (is_observed() && launch->awaiting != nullptr) {
    launch->origin.template_pid = launch->awaiting->pid();
  }
  launch->awaiting = nullptr;
  launch->is_unsettled = false;
  TakeProcess(*launch, std::move(process));
  launch->times.template_received_at = forked.received_at;
  launch->times.template_cloned_at = forked.cloned_at;
  Advance(*launch);
}

void Launcher::OnForkFailed(LaunchId id, const FailedMessage& failed) {
  Launch* launch = Find(id);
  if (launch == nullptr) return;
  launch->awaiting = nullptr;
  // In place of the hang-up that the child's end of the launch socket gave.
  launch->failure = LaunchFailureStatus(launch->what, failed);
  launch->died_unready = false;
  Advance(*launch);
}

void Launcher::OnTemplateDead(LaunchId id, const absl::Status& why) {
  Launch* launch = Find(id);
  if (launch == nullptr || launch->awaiting == nullptr) return;
  launch->awaiting = nullptr;
  launch->is_unsettled = true;
  launch->template_death = NameLaunch(launch->what, why);
}

void Launcher::OnNoChild(LaunchId id) {
  Launch* launch = Find(id);
  if (launch == nullptr || !launch->is_unsettled) return;
  launch->is_unsettled = false;
  // The child's end may be held all the same: it lies in the template's socket, and that is held by
  // another child which has not come to close it.
  if (launch->failure.ok() && !launch->is_ready) return launch->socket.HangUp();
  Advance(*launch);
}

void Launcher::Fail(Launch& launch, absl::Status why) {
  if (launch.failure.ok()) launch.failure = std::move(why);
  CollectAnswer(launch.id);
}

void Launcher::Advance(Launch& launch) {
  if (launch.is_dying || launch.is_attended) return;
  if (launch.failure.ok() && !launch.is_ready) return;
  // The answer says whether there is a child; the deadline bounds the wait for it.
  if (launch.awaiting != nullptr || launch.is_unsettled) return;
  // Somebody was Ready whom nobody has forked, or who has died with its pid namespace.
  if (launch.failure.ok() && !launch.process) launch.failure = launch.template_death;
  if (launch.failure.ok()) return Succeed(launch);
  if (!launch.process) {
    // A hang-up without a child was the template's.
    const bool was_template = launch.died_unready && !launch.template_death.ok();
    if (was_template && MaySendAgain(launch)) return SendAgainSoon(launch);
    return Finish(launch.id, was_template ? launch.template_death : launch.failure);
  }
  launch.is_dying = true;
  Process process = *std::move(launch.process);
  launch.process.reset();
  const pid_t pid = process.pid();
  const SandboxedChild* const sandboxed = process.sandboxed();
  const auto chain = sandboxed != nullptr ? sandboxed->membership().chain : nullptr;
  const auto on_reaped = [this, id = launch.id, pid,
                          chain](const absl::StatusOr<ExitStatus>& status) {
    if (Launch* const ended = Find(id))
      OnUnreadyReaped(*ended, chain.get(), {.pid = pid, .status = status});
  };
  reaper_.KillAndReap(std::move(process), on_reaped);
}

void Launcher::OnUnreadyReaped(Launch& launch, const SandboxChain* chain, const UnreadyEnd& end) {
  // It did not die by itself: the init of its pid namespace took it along, and its template has
  // none for the next.
  if (launch.died_unready && chain != nullptr && chain->HasLostItsInit()) {
    launch.template_death =
        absl::UnavailableError(launch.what + ": the init of its pid namespace has ended");
    launch.is_dying = false;
    if (MaySendAgain(launch)) return SendAgainSoon(launch);
    return Finish(launch.id, launch.template_death, &end);
  }
  absl::Status why = launch.failure;
  // How it ended says more; but not of a child that was killed for another reason.
  if (absl::IsAborted(why) && end.status.ok()) {
    why = absl::Status(why.code(),
                       absl::StrCat(std::string(why.message()), ": ", end.status->ToString()));
  }
  Finish(launch.id, std::move(why), &end);
}

bool Launcher::MaySendAgain(const Launch& launch) const {
  constexpr int kMostTimes = 3;
  // A template that said at which step its start failed (a required layer of its sandbox is not
  // there) has not just died: an exec would fail too, and say less.
  if (GetLaunchFailure(launch.template_death)) return false;
  return launch.again != nullptr && launch.origin.times_sent < kMostTimes && !launch.is_told;
}

// As if it had just begun. Not here, where its template is being ended.
void Launcher::SendAgainSoon(Launch& launch) {
  ++launch.origin.times_sent;
  launch.origin.by.reset();
  launch.origin.template_pid.reset();
  launch.failure = absl::OkStatus();
  launch.template_death = absl::OkStatus();
  launch.died_unready = false;
  loop_.AddTimer(NowNanos(), [this, id = launch.id] { SendAgain(id); });
}

void Launcher::Succeed(Launch& launch) {
  const SandboxedChild* const sandboxed = launch.process->sandboxed();
  std::shared_ptr<const SandboxReport> sandbox =
      sandboxed != nullptr ? sandboxed->membership().report : nullptr;
  LaunchedChild child = {.process = *std::move(launch.process),
                         .socket = launch.socket.Take(),
                         .times = launch.times,
                         .by = launch.origin.by.value_or(LaunchedBy::kFork),
                         .template_name = std::string(launch.origin.template_name),
                         .layout = launch.origin.layout,
                         .first_packets_sent = launch.first_packets_sent,
                         .sandbox = std::move(sandbox),
                         .flight = std::move(launch.flight)};
  launch.process.reset();
  Finish(launch.id, std::move(child));
}

void Launcher::Finish(LaunchId id, absl::StatusOr<LaunchedChild> result, const UnreadyEnd* end) {
  const auto found = launches_.find(id);
  const std::unique_ptr<Launch> launch = std::move(found->second);
  launches_.erase(found);
  EndImmediate(*launch);
  if (!launch->is_told) Tell(*launch, std::move(result), end);
}

void Launcher::Tell(Launch& launch, absl::StatusOr<LaunchedChild> result, const UnreadyEnd* end) {
  launch.is_told = true;
  ++ended_;
  if (is_observed()) {
    result.ok() ? ShowReady(launch, *result) : ShowFailed(launch, result.status(), end);
  }
  if (launch.deadline != 0) loop_.CancelTimer(std::exchange(launch.deadline, 0));
  if (launch.delivery == Delivery::kAtOnce) return launch.callback(std::move(result));
  // std::function wants what it holds to be copyable.
  auto shared = std::make_shared<absl::StatusOr<LaunchedChild>>(std::move(result));
  completions_.push_back(
      [callback = std::move(launch.callback), shared] { callback(std::move(*shared)); });
}

void Launcher::ShowReady(const Launch& launch, LaunchedChild& child) {
  const pid_t pid = child.process.pid();
  observer_->OnLaunchReady({.id = launch.id,
                            .type = launch.type,
                            .origin = launch.origin,
                            .pid = pid,
                            .times = child.times});
  child.process.ListenForEnd(
      [observer = observer_, pid, type = launch.type, id = launch.id](const ExitStatus& status) {
        observer->OnProcessEnded(
            {.pid = pid, .type = type, .launch_id = id, .seen_at = NowNanos(), .status = status});
      });
}

void Launcher::ShowFailed(const Launch& launch, const absl::Status& why, const UnreadyEnd* end) {
  LaunchFailed failed = {.id = launch.id,
                         .type = launch.type,
                         .origin = launch.origin,
                         .requested_at = launch.times.requested_at,
                         .failed_at = NowNanos(),
                         .why = why};
  if (end != nullptr) {
    failed.pid = end->pid;
    if (end->status.ok()) failed.status = *end->status;
  }
  observer_->OnLaunchFailed(failed);
}

}  // namespace forkserver
