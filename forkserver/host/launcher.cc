#include "forkserver/host/launcher.h"

#include <errno.h>
#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/process_types.h"
#include "forkserver/host/launch_failure.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/messages.h"

namespace forkserver {
namespace {

// A child says Ready or Failed and nothing larger.
constexpr size_t kAnswerBytes = 1024;
static_assert(kAnswerBytes >= ReadyMessage::kMostBytes && kAnswerBytes >= FailedMessage::kMaxBytes);

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
  Launch& launch = *launches_.emplace(id, std::make_unique<Launch>()).first->second;
  launch.id = id;
  launch.type = options.type;
  launch.what = LaunchName(options.type);
  launch.delivery = delivery;
  launch.callback = std::move(callback);
  launch.times.requested_at = NowNanos();
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
  if (absl::Status sent = Send(launch, options, source, prefs, attendance); !sent.ok()) {
    Fail(launch, std::move(sent));
    return id;
  }
  if (options.timeout != absl::InfiniteDuration()) {
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
  const LaunchWay way = source.link != nullptr ? LaunchWay::kFork : LaunchWay::kExec;
  launch.sandbox = source.sandbox;
  launch.senders = options.senders;
  absl::StatusOr<PlanMessage> plan = BuildPlanMessage(
      options, way, facts_, prefs, source.sandbox.policies, source.sandbox.required);
  if (!plan.ok()) return plan.status();
  if (source.pool != nullptr && SendToBlank(launch, *plan, *source.pool)) {
    SendFirstPackets(launch, options.first_packets);
  } else {
    SocketPair sockets;
    if (const int error = CreateSocketPair(sockets); error != 0) {
      return ErrnoStatus(error, launch.what + ": socketpair");
    }
    launch.socket = std::move(sockets.first);
    // The Plan first, then at once what makes its reader: a Plan that cannot be sent costs no fork.
    if (absl::Status sent = SendPlan(launch, *plan); !sent.ok()) {
      if (const LaunchFailure bad = FindClosedDescriptor(options); bad.step != LaunchStep::kNone) {
        return LaunchFailureStatus(launch.what, bad);
      }
      return sent;
    }
    SendFirstPackets(launch, options.first_packets);
    if (source.link != nullptr) {
      BeginImmediate(launch, LaunchedBy::kFork);
      if (absl::Status asked =
              source.link->Fork(launch.id, std::move(sockets.second), *this, launch.type);
          !asked.ok()) {
        return NameLaunch(launch.what, asked);
      }
      launch.awaiting = source.link;
    } else {
      BeginImmediate(launch, LaunchedBy::kExec);
      absl::StatusOr<Process> spawned = SpawnSelf(self_, sockets.second.get(), launch.what);
      if (!spawned.ok()) return spawned.status();
      launch.process.emplace(*std::move(spawned));
    }
  }
  // A Plan that is queued needs the loop.
  if (attendance == Attendance::kLoop || launch.channel != nullptr) return WatchSocket(launch);
  launch.is_attended = true;
  return absl::OkStatus();
}

void Launcher::SendFirstPackets(Launch& launch, std::span<const FirstPacket> packets) {
  // Where the Plan itself waits for room, they wait for the caller.
  if (launch.channel != nullptr) return;
  for (const FirstPacket& packet : packets) {
    const int error = SendPacket(launch.socket.get(), Blocking::kNever, packet.frame,
                                 packet.payload, packet.descriptors);
    if (error != 0) return;
    ++launch.first_packets_sent;
  }
}

void Launcher::BeginImmediate(Launch& launch, LaunchedBy by) {
  launch.by = by;
  launch.is_immediate = true;
  immediate_.Began(launch.times.requested_at);
}

void Launcher::EndImmediate(Launch& launch) {
  if (std::exchange(launch.is_immediate, false)) immediate_.Ended();
}

bool Launcher::SendToBlank(Launch& launch, const PlanMessage& plan, BlankPool& pool) {
  while (std::optional<BlankPool::Blank> blank = pool.Take()) {
    launch.socket = std::move(blank->socket);
    // Before the Plan makes it one.
    if (SandboxedChild* sandboxed = blank->process.sandboxed()) sandboxed->SetType(launch.type);
    const absl::Status sent = SendPlan(launch, plan);
    if (sent.ok()) {
      launch.by = LaunchedBy::kPool;
      launch.process.emplace(std::move(blank->process));
      return true;
    }
    if (launch.channel != nullptr) {
      // It was to be queued, and could not.
      launch.socket = launch.channel->TakeSocket();
      launch.channel.reset();
    }
    if (!absl::IsUnavailable(sent)) {
      // The Plan's fault and not the blank's: a fork will say what is wrong with it.
      blank->socket = std::move(launch.socket);
      pool.PutBack(*std::move(blank));
      return false;
    }
    launch.socket.reset();
    reaper_.KillAndReap(std::move(blank->process));
  }
  return false;
}

absl::Status Launcher::SendPlan(Launch& launch, const PlanMessage& plan) {
  // Before the Plan, and so before anything that the child has to say.
  if (launch.senders == Senders::kTold) {
    if (const int error = TellSender(launch.socket.get()); error != 0) {
      return ErrnoStatus(error, launch.what + ": setsockopt SO_PASSCRED");
    }
  }
  const Frame frame = {.type = kPlan, .request_id = launch.id, .flags = plan.flags};
  const int error =
      SendPacket(launch.socket.get(), Blocking::kNever, frame, plan.payload, plan.descriptors);
  if (error == 0) return absl::OkStatus();
  if (error == EPIPE || error == ECONNRESET) {
    return absl::UnavailableError(launch.what + ": sendmsg Plan: the peer is gone");
  }
  if (error != EAGAIN && error != ETOOMANYREFS) {
    return ErrnoStatus(error, launch.what + ": sendmsg Plan");
  }
  // The channel's queue has room where the socket, or the kernel, has not.
  MakeChannel(launch);
  return NameLaunch(launch.what, launch.channel->Send(frame, plan.payload, plan.descriptors));
}

void Launcher::MakeChannel(Launch& launch) {
  launch.channel = std::make_unique<Channel>(
      loop_, std::move(launch.socket),
      Channel::Handlers{
          .on_packet = [this, id = launch.id](Packet& packet) { OnPacket(id, packet); },
          .on_closed = [this, id = launch.id](absl::Status) { OnHangUp(id); },
      },
      kAnswerBytes);
}

absl::Status Launcher::WatchSocket(Launch& launch) {
  if (launch.channel == nullptr) MakeChannel(launch);
  return NameLaunch(launch.what, launch.channel->Start());
}

int Launcher::AttendedSocket(LaunchId id) {
  const Launch* launch = Find(id);
  return launch != nullptr && launch->is_attended ? launch->socket.get() : -1;
}

void Launcher::Attend(LaunchId id) {
  Launch& launch = *Find(id);
  launch.is_attended = false;
  if (!launch.abandoned.ok()) {
    // Where the loop cannot, the socket is of no more use.
    WatchSocket(launch).IgnoreError();
    return Abandon(id, std::exchange(launch.abandoned, absl::OkStatus()));
  }
  uint8_t buffer[kAnswerBytes];
  Packet packet(buffer);
  switch (ReceivePacket(launch.socket.get(), Blocking::kNever, packet)) {
    case PacketOutcome::kMessage:
    case PacketOutcome::kRejected:
      OnPacket(id, packet);
      break;
    case PacketOutcome::kClosed:
    case PacketOutcome::kError:
      OnHangUp(id);
      break;
    case PacketOutcome::kWouldBlock:
      if (absl::Status watched = WatchSocket(launch); !watched.ok()) Fail(launch, watched);
      break;
  }
  // What happened meanwhile has waited for this.
  if (Launch* attended = Find(id)) Advance(*attended);
}

void Launcher::OnHangUp(LaunchId id) {
  Launch* launch = Find(id);
  if (launch == nullptr || launch->is_ready) return;
  launch->died_unready = true;
  Fail(*launch, absl::AbortedError(launch->what + ": it ended before it was Ready"));
}

void Launcher::OnPacket(LaunchId id, Packet& packet) {
  Launch* launch = Find(id);
  if (launch == nullptr) return;
  if (!launch->failure.ok()) return OnLatePacket(*launch, packet);
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
    launch->told_pid = failed.pid;
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

void Launcher::OnLatePacket(Launch& launch, Packet& packet) {
  ReadyMessage ready;
  FailedMessage failed;
  if (packet.frame_error() != FrameError::kNone) return;
  if (packet.frame().type == kReady && Decode(packet.payload(), ready)) {
    launch.told_pid = ready.pid;
  } else if (packet.frame().type == kFailed && Decode(packet.payload(), failed)) {
    launch.told_pid = failed.pid;
  }
  CollectAnswer(launch.id);
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
    return Fail(launch, absl::FailedPreconditionError(
                            absl::StrFormat("%s: refused, its build id is %016x, this host's %016x",
                                            launch.what, launch.times.child.build_id, build_id_)));
  }
  if (absl::Status enrolled = EnrollExeced(launch, packet.descriptors()); !enrolled.ok()) {
    return Fail(launch, NameLaunch(launch.what, enrolled));
  }
  launch.told_pid = launch.times.child.pid;
  launch.times.ready_received_at = NowNanos();
  launch.is_ready = true;
  EndImmediate(launch);
  if (launch.channel != nullptr) launch.socket = launch.channel->TakeSocket();
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

void Launcher::OnForked(LaunchId id, Process process, const ForkedMessage& forked) {
  Launch* launch = Find(id);
  if (launch == nullptr || launch->awaiting == nullptr) {
    // The answer to a launch that was given up.
    reaper_.KillAndReap(std::move(process));
    return;
  }
  launch->awaiting = nullptr;
  launch->process.emplace(std::move(process));
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
  if (const TemplateLink::Sandbox* sandbox = launch->awaiting->sandbox()) {
    launch->membership = sandbox->For(launch->type);
  }
  launch->awaiting = nullptr;
  launch->template_death = NameLaunch(launch->what, why);
  // The launch socket decides: a child that was forked before its template died says Ready, and
  // one that was not hangs up.
  Advance(*launch);
}

void Launcher::Fail(Launch& launch, absl::Status why) {
  if (launch.failure.ok()) launch.failure = std::move(why);
  CollectAnswer(launch.id);
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
  launch->failure = why;
  if (launch->awaiting != nullptr) {
    // The caller waits for the answer no longer; the child must be reaped all the same.
    launch->awaiting->WatchForAnswers();
    Tell(*launch, std::move(why));
  } else if (!launch->process && !launch->template_death.ok()) {
    // Its template died first: the socket has still to say whether there is a child.
    Tell(*launch, std::move(why));
  }
  Advance(*launch);
}

void Launcher::AbandonAll(const absl::Status& why) {
  std::vector<LaunchId> ids;
  for (const auto& [id, launch] : launches_) ids.push_back(id);
  for (const LaunchId id : ids) Abandon(id, why);
}

void Launcher::Advance(Launch& launch) {
  if (launch.is_dying || launch.is_attended) return;
  if (launch.failure.ok() && !launch.is_ready) return;
  // The answer says whether there is a child; the deadline bounds the wait for it.
  if (launch.awaiting != nullptr) return;
  if (!launch.process && !launch.template_death.ok()) AdoptChild(launch);
  if (launch.is_told && !launch.process && !launch.template_death.ok() && !launch.died_unready &&
      launch.told_pid == 0) {
    // Only the socket can say whether there is a child: it speaks, or hangs up, soon.
    return;
  }
  if (launch.failure.ok()) return Succeed(launch);
  if (!launch.process) {
    // A hang-up without a child was the template's.
    const bool was_template = launch.died_unready && !launch.template_death.ok();
    return Finish(launch.id, was_template ? launch.template_death : launch.failure);
  }
  launch.is_dying = true;
  Process process = *std::move(launch.process);
  launch.process.reset();
  reaper_.KillAndReap(
      std::move(process), [this, id = launch.id](const absl::StatusOr<ExitStatus>& status) {
        Launch* ended = Find(id);
        if (ended == nullptr) return;
        absl::Status why = ended->failure;
        // How it ended says more; but not of a child that was killed for another reason.
        if (absl::IsAborted(why) && status.ok()) {
          why = absl::Status(why.code(),
                             absl::StrCat(std::string(why.message()), ": ", status->ToString()));
        }
        Finish(id, std::move(why));
      });
}

// The template died between clone3 and its Forked: the child's own word of its pid has to do. One
// that died without a word is not found.
void Launcher::AdoptChild(Launch& launch) {
  if (launch.told_pid <= 0) return;
  absl::StatusOr<Process> process = FindOrphan(launch.membership, launch.told_pid, launch.type);
  if (process.ok()) {
    launch.process.emplace(*std::move(process));
  } else if (launch.failure.ok()) {
    launch.failure = process.status();
  }
}

void Launcher::Succeed(Launch& launch) {
  const SandboxedChild* const sandboxed = launch.process->sandboxed();
  std::shared_ptr<const SandboxReport> sandbox =
      sandboxed != nullptr ? sandboxed->membership().report : nullptr;
  LaunchedChild child = {.process = *std::move(launch.process),
                         .socket = std::move(launch.socket),
                         .times = launch.times,
                         .by = launch.by,
                         .first_packets_sent = launch.first_packets_sent,
                         .sandbox = std::move(sandbox)};
  launch.process.reset();
  Finish(launch.id, std::move(child));
}

void Launcher::Finish(LaunchId id, absl::StatusOr<LaunchedChild> result) {
  const auto found = launches_.find(id);
  const std::unique_ptr<Launch> launch = std::move(found->second);
  launches_.erase(found);
  EndImmediate(*launch);
  if (!launch->is_told) Tell(*launch, std::move(result));
}

void Launcher::Tell(Launch& launch, absl::StatusOr<LaunchedChild> result) {
  launch.is_told = true;
  ++ended_;
  if (launch.deadline != 0) loop_.CancelTimer(std::exchange(launch.deadline, 0));
  if (launch.delivery == Delivery::kAtOnce) return launch.callback(std::move(result));
  // std::function wants what it holds to be copyable.
  auto shared = std::make_shared<absl::StatusOr<LaunchedChild>>(std::move(result));
  completions_.push_back(
      [callback = std::move(launch.callback), shared] { callback(std::move(*shared)); });
}

}  // namespace forkserver
