#include "forkserver/model/process_host_core.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child/sandbox/sandbox_policy.h"
#include "forkserver/model/parent_process.h"
#include "preload/prefs/prefs_map.h"
#include "transceiver/actor/message_log.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

std::vector<std::vector<int>> DescriptorsOf(std::span<const EarlyPacket> packets) {
  std::vector<std::vector<int>> all;
  for (const EarlyPacket& packet : packets) {
    std::vector<int>& fds = all.emplace_back();
    for (const UniqueFd& fd : packet.descriptors) fds.push_back(fd.get());
  }
  return all;
}

}  // namespace

ProcessHostCore::ProcessHostCore(ParentProcess& parent, ProcessType type)
    : parent_(parent), type_(type), id_(parent.NextId()) {}

ProcessHostCore::~ProcessHostCore() {
  *alive_ = false;
  StopWatching();
  parent_.Remove(*this);
}

std::string ProcessHostCore::Name() const {
  const std::string name = absl::StrFormat("%s %d", ProcessTypeName(type_), id_);
  if (type_ != ProcessType::kContent) return name;
  return absl::StrFormat("%s (%s)", name, launch_.remote_type.ToString());
}

bool ProcessHostCore::IsDebugged() const {
  return thread_ == nullptr && parent_.server().IsDebugged(type_);
}

PeerName ProcessHostCore::AsPeer() const {
  return {.pid = handle_.pid,
          .process_type = static_cast<uint16_t>(type_),
          .remote_type = type_ == ProcessType::kContent ? launch_.remote_type.ToString() : ""};
}

void ProcessHostCore::Launch(HostedLaunch launch) {
  if (state_ != State::kNew) return;
  Prepare(std::move(launch));
  Begin();
}

ChildArguments ProcessHostCore::Arguments(SandboxPolicyId policy) const {
  return {.build_id = parent_.server().build_id(),
          .parent_pid = getpid(),
          .child_id = id_,
          .sandbox = policy == SandboxPolicyId::kNone ? std::string()
                                                      : std::string(SandboxPolicyName(policy)),
          .remote_type = type_ == ProcessType::kContent ? launch_.remote_type.ToString() : "",
          .extra = launch_.arguments};
}

std::map<std::string, std::string> ProcessHostCore::Annotations() const {
  std::map<std::string, std::string> annotations = {{"name", Name()}};
  if (type_ == ProcessType::kContent) annotations["remote type"] = launch_.remote_type.ToString();
  return annotations;
}

void ProcessHostCore::Begin() {
  if (parent_.refuses_launches()) return NeverRan(absl::CancelledError("the program is ending"));
  state_ = State::kLaunching;
  // A change of prefs from here on is for it too.
  parent_.Add(*this);
  const ChildArguments arguments =
      Arguments(launch_.sandbox.value_or(FindProcessType(type_)->sandbox));
  std::vector<FirstPacket> first;
  // Where messages are logged they wait for its port, which tells it its pid first (message_log.h).
  const std::span<const EarlyPacket> early =
      MessageLog::IsOn() ? std::span<const EarlyPacket>() : EarlyPackets();
  const std::vector<std::vector<int>> descriptors = DescriptorsOf(early);
  for (const EarlyPacket& packet : early) {
    first.push_back({.frame = packet.frame,
                     .payload = packet.payload,
                     .descriptors = descriptors[first.size()]});
  }
  const LaunchOptions options = {
      .type = type_,
      .argv = arguments.ToArgv(ProcessTypeName(type_)),
      .stdio = launch_.stdio,
      .title = launch_.title,
      .way = parent_.prefs().launch_by == LaunchBy::kExec ? LaunchWay::kExec : LaunchWay::kAny,
      .senders = Senders::kTold,
      .first_packets = first,
      .template_name = launch_.template_name,
      .annotations = Annotations(),
      .timeout = launch_.timeout};
  launch_id_ = parent_.server().LaunchAsync(
      options, [this, alive = alive_](absl::StatusOr<LaunchedChild> child) {
        if (!*alive) return;
        OnOpened(child.ok() ? Open(*std::move(child)) : child.status());
      });
}

void ProcessHostCore::RunOnThread(ChildProgramFactory program, HostedLaunch launch) {
  if (state_ != State::kNew) return;
  Prepare(std::move(launch));
  if (parent_.refuses_launches()) return NeverRan(absl::CancelledError("the program is ending"));
  state_ = State::kLaunching;
  parent_.Add(*this);
  OnOpened(OpenThread(std::move(program)));
}

void ProcessHostCore::GiveUp(absl::Status why) {
  if (state_ == State::kNew) NeverRan(std::move(why));
}

void ProcessHostCore::WhenLaunched(Promise promise) {
  if (is_launched_) return promise(handle_);
  if (!launch_error_.ok()) return promise(launch_error_);
  promises_.push_back(std::move(promise));
}

void ProcessHostCore::OnOpened(absl::Status opened) {
  if (!opened.ok()) return NeverRan(std::move(opened));
  const std::shared_ptr<bool> alive = alive_;
  if (!kill_when_launched_.ok()) Kill(kill_when_launched_);
  if (*alive) Keep(handle_);
}

absl::Status ProcessHostCore::Open(LaunchedChild child) {
  if (child.by == LaunchedBy::kExec) parent_.NoteExec();
  handle_ = {.id = id_,
             .pid = child.process.pid(),
             .times = child.times,
             .by = child.by,
             .template_name = child.template_name,
             .layout = child.layout,
             .sandbox = std::move(child.sandbox)};
  flight_ = std::move(child.flight);
  process_.emplace(std::move(child.process));
  return OpenPort(process_->pidfd(), std::move(child.socket), child.first_packets_sent);
}

absl::Status ProcessHostCore::OpenThread(ChildProgramFactory program) {
  handle_ = {.id = id_, .runs_in = RunsIn::kParentThread, .pid = getpid()};
  PrefsMap prefs;
  if (parent_.generation_.fd != nullptr) {
    if (const int error = PrefsMap::Attach(parent_.generation_.fd->get(), prefs); error != 0) {
      return ErrnoStatus(error, "attach prefs map");
    }
  }
  absl::StatusOr<std::unique_ptr<ProgramThread>> thread = ProgramThread::Start(
      {.type = type_,
       .program = std::move(program),
       .argv = Arguments(SandboxPolicyId::kNone).ToArgv(ProcessTypeName(type_)),
       .build_id = parent_.server().build_id(),
       .prefs = std::move(prefs)});
  if (!thread.ok()) return thread.status();
  thread_ = *std::move(thread);
  return OpenPort(thread_->end_fd(), thread_->TakeSocket(), 0);
}

absl::Status ProcessHostCore::OpenPort(int end_fd, UniqueFd socket, size_t early_sent) {
  absl::StatusOr<EventLoop::WatchId> watch =
      parent_.loop().Watch(end_fd, EPOLLIN, [this](uint32_t) { OnExit(); });
  if (!watch.ok()) return watch.status();
  exit_watch_ = *watch;
  ActorOptions options = {.peer_pid = handle_.pid,
                          .on_violation = [this](const absl::Status& why) { Kill(why); },
                          .log =
                              [this](std::string_view line) {
                                parent_.Log(absl::StrCat(Name(), ": ", std::string(line)));
                              }};
  if (absl::Status bound = BindPort(std::move(socket), std::move(options), early_sent);
      !bound.ok()) {
    return bound;
  }
  port_is_open_ = true;
  state_ = State::kRunning;
  return absl::OkStatus();
}

void ProcessHostCore::Keep(const absl::StatusOr<ProcessHandle>& process) {
  if (process.ok()) {
    is_launched_ = true;
  } else {
    launch_error_ = process.status();
  }
  const std::shared_ptr<bool> alive = alive_;
  // A promise may ask for another, end the process, or destroy this.
  for (const Promise& promise : std::exchange(promises_, {})) {
    if (!*alive) return;
    promise(process);
  }
  if (*alive && is_launched_ && end_when_launched_) Finish(*end_when_launched_);
}

void ProcessHostCore::NeverRan(absl::Status why) {
  StopWatching();
  process_.reset();  // killed and reaped, where there was one
  thread_.reset();
  const std::shared_ptr<bool> alive = alive_;
  state_ = State::kEnded;
  parent_.Remove(*this);
  end_.exit = why;
  EndUnboundPort(why);
  if (*alive) Keep(why);
  if (*alive) TellEnd();
}

void ProcessHostCore::AskOwnMemory(OwnMemoryCallback callback) {
  if (state_ != State::kRunning || !port_is_open_) {
    return callback(absl::FailedPreconditionError("does not run"));
  }
  if (owes_own_memory_) {
    return callback(absl::ResourceExhaustedError("has not answered the last time yet"));
  }
  owes_own_memory_ = true;
  const absl::Status asked = NoteUnheard(
      CallOwnMemory([this, alive = alive_, callback](const absl::StatusOr<OwnMemory>& memory) {
        if (!*alive) return;
        owes_own_memory_ = false;
        callback(memory);
      }));
  if (asked.ok()) return;
  owes_own_memory_ = false;
  callback(asked);
}

}  // namespace forkserver
