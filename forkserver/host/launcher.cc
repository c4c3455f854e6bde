#include "forkserver/host/launcher.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>

#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/packet.h"

namespace forkserver {
namespace {

// Which of the caller's descriptors is none; step kNone: they are all open.
LaunchFailure FindClosedDescriptor(const LaunchOptions& options) {
  const auto is_closed = [](int fd) { return fcntl(fd, F_GETFD) < 0; };
  for (uint32_t i = 0; i < options.stdio.size(); ++i) {
    if (options.stdio[i].kind == Stdio::Kind::kDescriptor && is_closed(options.stdio[i].fd)) {
      return {.step = LaunchStep::kStdio, .error = EBADF, .index = i};
    }
  }
  for (uint32_t i = 0; i < options.descriptors.size(); ++i) {
    if (is_closed(options.descriptors[i].fd)) {
      return {.step = LaunchStep::kDescriptors, .error = EBADF, .index = i};
    }
  }
  return {};
}

}  // namespace

Launcher::Launch* Launcher::Find(LaunchId id) {
  const auto found = launches_.find(id);
  return found == launches_.end() ? nullptr : found->second.get();
}

Launcher::Launch& Launcher::NewLaunch(const LaunchOptions& options, Delivery delivery,
                                      LaunchCallback callback) {
  const LaunchId id = ids_.Next();
  auto made = std::make_unique<Launch>(
      loop_, Channel::Handlers{
                 .on_packet = [this, id](Packet& packet) { OnPacket(id, packet); },
                 .on_closed = [this, id](const absl::Status& why) { OnHangUp(id, why); },
             });
  Launch& launch = *launches_.emplace(id, std::move(made)).first->second;
  launch.id = id;
  launch.type = options.type;
  launch.what = LaunchName(options.type);
  if (recorder_.is_on()) launch.annotations = options.annotations;
  launch.delivery = delivery;
  launch.callback = std::move(callback);
  launch.times.requested_at = NowNanos();
  if (is_observed()) {
    observer_->OnLaunchBegun(
        {.id = id, .type = launch.type, .requested_at = launch.times.requested_at});
  }
  return launch;
}

LaunchId Launcher::Refuse(const LaunchOptions& options, absl::Status why, Delivery delivery,
                          LaunchCallback callback) {
  Launch& launch = NewLaunch(options, delivery, std::move(callback));
  const LaunchId id = launch.id;
  Fail(launch, NameLaunch(launch.what, why));
  return id;
}

LaunchId Launcher::Begin(const LaunchOptions& options, LaunchSource source,
                         const PrefsGeneration& prefs, Attendance attendance, Delivery delivery,
                         LaunchCallback callback) {
  Launch& launch = NewLaunch(options, delivery, std::move(callback));
  const LaunchId id = launch.id;
  const auto too_late = [timeout = options.timeout](const Launch& late) {
    return absl::DeadlineExceededError(
        absl::StrFormat("%s: not Ready after %s", late.what, absl::FormatDuration(timeout)));
  };
  if (options.timeout <= absl::ZeroDuration()) {
    Fail(launch, too_late(launch));
    return id;
  }
  const absl::Status sent = Send(launch, options, source, prefs, attendance);
  // The death that is noticed by asking is as the one that comes after.
  const bool died =
      !sent.ok() && source.link != nullptr && source.link->state() == TemplateLink::State::kDead;
  if ((launch.awaiting != nullptr || died) &&
      options.when_template_dies == WhenTemplateDies::kSendAgain) {
    Keep(launch, options, prefs);
  }
  if (died) launch.template_death = source.link->why_dead();
  if (died && MaySendAgain(launch)) {
    SendAgainSoon(launch);
  } else if (!sent.ok()) {
    Fail(launch, sent);
    return id;
  }
  // A debugger may hold it as long as it likes.
  const bool is_debugged = facts_.debugging.Covers(options.type);
  if (options.timeout != absl::InfiniteDuration() && !is_debugged) {
    launch.deadline = loop_.AddTimer(
        DeadlineAfter(launch.times.requested_at, absl::ToInt64Nanoseconds(options.timeout)),
        [this, id, too_late] {
          if (const Launch* late = Find(id)) Abandon(id, too_late(*late));
        });
  }
  return id;
}

absl::Status Launcher::Send(Launch& launch, const LaunchOptions& options, LaunchSource source,
                            const PrefsGeneration& prefs, Attendance attendance) {
  // Templates are the server's own to start.
  const ProcessTypeRow* row = FindProcessType(options.type);
  if (row != nullptr && row->launchable == Launchable::kByServer) {
    return LaunchFailureStatus(launch.what, {.step = LaunchStep::kProcessType, .error = EPERM});
  }
  launch.senders = options.senders;
  absl::Status sent = SendPlan(launch, options, source, prefs);
  if (!sent.ok() && source.without_template == WithoutTemplate::kExec &&
      source.link->state() == TemplateLink::State::kDead) {
    // Its death was not noticed before, and it has not been asked.
    EndImmediate(launch);
    source.link = nullptr;
    source.pool = nullptr;
    sent = SendPlan(launch, options, source, prefs);
  }
  if (!sent.ok()) return sent;
  if (attendance == Attendance::kLoop || launch.socket.needs_loop()) {
    return NameLaunch(launch.what, launch.socket.Watch());
  }
  launch.is_attended = true;
  return absl::OkStatus();
}

absl::Status Launcher::SendPlan(Launch& launch, const LaunchOptions& options,
                                const LaunchSource& source, const PrefsGeneration& prefs) {
  if (source.link != nullptr) {
    launch.origin.template_name = source.template_name;
    launch.origin.layout = source.layout;
  } else {
    launch.origin.template_name = {};
    launch.origin.layout = 0;
  }
  // A forked child has its template's, and is not believed to have engaged one by itself.
  launch.sandbox = source.link == nullptr ? source.sandbox : SandboxOfExec();
  const ParentThread parent = source.link != nullptr ? source.parent : ParentOfAnExec(facts_);
  absl::StatusOr<PlanMessage> plan = BuildPlanMessage(
      options, parent, facts_, prefs, launch.sandbox.policies, launch.sandbox.required);
  if (!plan.ok()) return plan.status();
  if (source.pool != nullptr && SendToBlank(launch, *plan, *source.pool)) {
    launch.first_packets_sent = launch.socket.SendFirstPackets(options.first_packets);
    return absl::OkStatus();
  }
  return SendToNewChild(launch, *plan, options, source);
}

absl::Status Launcher::SendToNewChild(Launch& launch, const PlanMessage& plan,
                                      const LaunchOptions& options, const LaunchSource& source) {
  SocketPair sockets;
  if (const int error = CreateSocketPair(sockets); error != 0) {
    return ErrnoStatus(error, launch.what + ": socketpair");
  }
  launch.socket.Open(std::move(sockets.first));
  // The Plan first, then at once what makes its reader: a Plan that cannot be sent costs no fork.
  if (absl::Status sent = SendOrKeepPlan(launch, plan, source.link); !sent.ok()) {
    if (const LaunchFailure bad = FindClosedDescriptor(options); bad.step != LaunchStep::kNone) {
      return LaunchFailureStatus(launch.what, bad);
    }
    return NameLaunch(launch.what, sent);
  }
  launch.first_packets_sent = launch.socket.SendFirstPackets(options.first_packets);
  if (source.link != nullptr) {
    BeginImmediate(launch, LaunchedBy::kFork);
    BeginFlight(launch, recorder_.Begin(), LaunchedBy::kFork);
    const int record = RecordOf(launch.flight);
    if (absl::Status asked =
            source.link->Fork(launch.id, std::move(sockets.second), record, *this, launch.type);
        !asked.ok()) {
      return NameLaunch(launch.what, asked);
    }
    launch.awaiting = source.link;
  } else {
    BeginImmediate(launch, LaunchedBy::kExec);
    BeginFlight(launch, recorder_.Begin(), LaunchedBy::kExec);
    const int record = RecordOf(launch.flight);
    const SpawnBy by = facts_.debugging.Covers(launch.type) ? SpawnBy::kFork : SpawnBy::kSharing;
    absl::StatusOr<Process> spawned =
        SpawnSelf(self_, sockets.second.get(), record, launch.what, by);
    if (!spawned.ok()) return spawned.status();
    TakeProcess(launch, *std::move(spawned));
  }
  return absl::OkStatus();
}

absl::Status Launcher::SendOrKeepPlan(Launch& launch, const PlanMessage& plan, TemplateLink* link) {
  if (link != nullptr && !link->MayBeInFlight(plan.descriptors.size()) &&
      launch.socket.KeepPlan(launch.id, plan, launch.senders).ok()) {
    return absl::OkStatus();
  }
  return launch.socket.SendPlan(launch.id, plan, launch.senders);
}

void Launcher::Keep(Launch& launch, const LaunchOptions& options, const PrefsGeneration& prefs) {
  launch.again = &options;
  if (launch.delivery == Delivery::kDeferred) {
    absl::StatusOr<std::unique_ptr<KeptLaunchOptions>> kept = KeptLaunchOptions::Keep(options);
    launch.kept = kept.ok() ? *std::move(kept) : nullptr;
    launch.again = launch.kept != nullptr ? &launch.kept->options() : nullptr;
  }
  launch.prefs = prefs;
}

void Launcher::SendAgain(LaunchId id) {
  Launch* const launch = Find(id);
  if (launch == nullptr || launch->is_told || !launch->failure.ok()) return;
  EndImmediate(*launch);
  const LaunchOptions& options = *launch->again;
  const absl::StatusOr<LaunchSource> source = find_source_(options);
  if (!source.ok()) return Fail(*launch, NameLaunch(launch->what, source.status()));
  if (absl::Status sent = Send(*launch, options, *source, launch->prefs, Attendance::kLoop);
      !sent.ok()) {
    Fail(*launch, std::move(sent));
  }
}

void Launcher::BeginFlight(Launch& launch, std::shared_ptr<Flight> flight, LaunchedBy by) {
  launch.flight = std::move(flight);
  if (launch.flight == nullptr) return;
  launch.flight->SetType(launch.type, launch.what, by, launch.times.requested_at);
  for (const auto& [key, value] : launch.annotations) launch.flight->Annotate(key, value);
}

void Launcher::TakeProcess(Launch& launch, Process process) {
  Follow(launch.flight, process);
  launch.process.emplace(std::move(process));
}

void Launcher::BeginImmediate(Launch& launch, LaunchedBy by) {
  launch.origin.by = by;
  launch.is_immediate = true;
  immediate_.Began(launch.times.requested_at);
}

void Launcher::EndImmediate(Launch& launch) {
  if (std::exchange(launch.is_immediate, false)) immediate_.Ended();
}

bool Launcher::SendToBlank(Launch& launch, const PlanMessage& plan, BlankPool& pool) {
  while (std::optional<BlankPool::Blank> blank = pool.Take()) {
    launch.socket.Open(std::move(blank->socket));
    // Before the Plan makes it one.
    if (SandboxedChild* sandboxed = blank->process.sandboxed()) sandboxed->SetType(launch.type);
    const absl::Status sent = launch.socket.SendPlan(launch.id, plan, launch.senders);
    if (sent.ok()) {
      launch.origin.by = LaunchedBy::kPool;
      BeginFlight(launch, std::move(blank->flight), LaunchedBy::kPool);
      launch.process.emplace(std::move(blank->process));
      return true;
    }
    UniqueFd socket = launch.socket.Take();
    if (!absl::IsUnavailable(sent)) {
      // The Plan's fault and not the blank's: a fork will say what is wrong with it.
      blank->socket = std::move(socket);
      pool.PutBack(*std::move(blank));
      return false;
    }
    socket.reset();
    reaper_.KillAndReap(std::move(blank->process));
  }
  return false;
}

int Launcher::AttendedSocket(LaunchId id) {
  const Launch* launch = Find(id);
  return launch != nullptr && launch->is_attended ? launch->socket.fd() : -1;
}

void Launcher::Attend(LaunchId id) {
  Launch& launch = *Find(id);
  launch.is_attended = false;
  if (!launch.abandoned.ok()) {
    // Where the loop cannot, the socket is of no more use.
    launch.socket.Watch().IgnoreError();
    return Abandon(id, std::exchange(launch.abandoned, absl::OkStatus()));
  }
  uint8_t buffer[LaunchSocket::kAnswerBytes];
  Packet packet(buffer, Sender::kUntrusted);
  switch (launch.socket.Receive(packet)) {
    case PacketOutcome::kMessage:
    case PacketOutcome::kRejected:
      OnPacket(id, packet);
      break;
    case PacketOutcome::kClosed:
      OnHangUp(id, absl::UnavailableError("the peer is gone"));
      break;
    case PacketOutcome::kError:
      OnHangUp(id, ErrnoStatus(packet.error(), "recvmsg"));
      break;
    case PacketOutcome::kWouldBlock:
      if (absl::Status watched = NameLaunch(launch.what, launch.socket.Watch()); !watched.ok()) {
        Fail(launch, std::move(watched));
      }
      break;
  }
  // What happened meanwhile has waited for this.
  if (Launch* attended = Find(id)) Advance(*attended);
}

void Launcher::Abandon(LaunchId id, absl::Status why) {
  // The answer may be there and unread; then the child can be ended before the caller hears.
  if (Launch* launch = Find(id); launch != nullptr && launch->awaiting != nullptr) {
    launch->awaiting->ReadAnswers();
  }
  Launch* launch = Find(id);
  if (launch == nullptr || launch->is_dying || launch->is_told) return;
  if (launch->is_attended) {
    launch->abandoned = std::move(why);
    return;
  }
  if (launch->flight != nullptr && absl::IsDeadlineExceeded(why)) {
    launch->flight->MissDeadline(std::string(why.message()));
  }
  launch->failure = why;
  // The caller waits for the answer no longer; the child must be reaped all the same.
  if (launch->awaiting != nullptr) launch->awaiting->WatchForAnswers();
  if (launch->awaiting != nullptr || launch->is_unsettled) Tell(*launch, std::move(why));
  Advance(*launch);
}

void Launcher::AbandonAll(const absl::Status& why) {
  std::vector<LaunchId> ids;
  for (const auto& [id, launch] : launches_) ids.push_back(id);
  for (const LaunchId id : ids) Abandon(id, why);
}

}  // namespace forkserver
