#include "forkserver/host/sandbox_chain.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

// For all that is left, which a tracer may hold.
constexpr absl::Duration kPatience = absl::Seconds(1);
// What an init needs that has nobody left beside it, many times over.
constexpr absl::Duration kUsual = absl::Milliseconds(50);

// Which pid namespace a process is in: its file's number in /proc (namespaces(7)).
std::optional<ino_t> PidNamespaceOf(pid_t pid) {
  struct stat status;
  if (stat(absl::StrFormat("/proc/%d/ns/pid", pid).c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

// The innermost of its pids, which proc(5) lists outermost first.
pid_t InnermostPid(pid_t pid) {
  std::ifstream status(absl::StrFormat("/proc/%d/status", pid));
  std::string line;
  while (std::getline(status, line)) {
    if (line.rfind("NSpid:", 0) != 0) continue;
    const size_t last = line.find_last_of("\t ");
    return last == line.npos ? 0 : atoi(line.c_str() + last + 1);
  }
  return 0;
}

// Of all processes in the pid namespace of `init`, itself too, as the host sees them.
std::vector<pid_t> PidsIn(pid_t init) {
  std::vector<pid_t> pids;
  const std::optional<ino_t> wanted = PidNamespaceOf(init);
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(opendir("/proc"), closedir);
  if (!wanted || processes == nullptr) return pids;
  while (const dirent* entry = readdir(processes.get())) {
    const pid_t pid = atoi(entry->d_name);
    if (pid > 0 && PidNamespaceOf(pid) == wanted) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

SandboxChain::~SandboxChain() {
  StopServing();
  if (!parts_.init) return;
  parts_.init->Signal(SIGKILL).IgnoreError();
  parts_.lifeline.reset();  // where it may not be signalled, it ends by this
  if (parts_.init->Wait(kUsual).ok()) return;
  // An init ends when all others have been reaped; one is left that nobody has: its template died
  // before it could tell of it.
  const int64_t deadline = NowNanos() + absl::ToInt64Nanoseconds(kPatience);
  ReapStrays(deadline);
  parts_.init->KillAndReap(deadline).IgnoreError();
}

// Whoever is in the namespace beside its init and still unreaped is a child of ours, killed by the
// kernel when the init died.
void SandboxChain::ReapStrays(int64_t deadline) {
  for (const pid_t pid : PidsIn(parts_.init->pid())) {
    if (pid == parts_.init->pid()) continue;
    absl::StatusOr<Process> stray = Process::Adopt(pid);
    if (stray.ok()) stray->KillAndReap(deadline).IgnoreError();
  }
}

bool SandboxChain::HasLostItsInit() const {
  pollfd hang_up = {.fd = lifeline(), .events = POLLRDHUP, .revents = 0};
  return poll(&hang_up, 1, 0) > 0;
}

void SandboxChain::ServedBy(std::weak_ptr<Broker> broker, ListenerId listener) {
  broker_ = std::move(broker);
  listener_ = listener;
}

void SandboxChain::StopServing() {
  if (const std::shared_ptr<Broker> broker = broker_.lock(); broker != nullptr && listener_) {
    broker->StopServing(*listener_);
  }
  listener_.reset();
}

absl::StatusOr<ChildRegistration> SandboxChain::Register(pid_t pid, size_t ruleset,
                                                         ProcessType type) {
  const std::shared_ptr<Broker> broker = broker_.lock();
  if (broker == nullptr || !listener_) return ChildRegistration();
  absl::StatusOr<ChildRegistration> place = broker->Register(*listener_, pid, ruleset, type);
  // A listener ends with the last process that has its filter: this one was the last, and what it
  // was launched for is done. A child may end right after its Ready, or with its namespace.
  if (absl::IsNotFound(place.status())) return ChildRegistration();
  return place;
}

absl::StatusOr<pid_t> SandboxChain::FindByInnerPid(pid_t pid) const {
  if (!parts_.init) return pid;  // the host's own namespace
  for (const pid_t candidate : PidsIn(parts_.init->pid())) {
    if (InnermostPid(candidate) == pid) return candidate;
  }
  return absl::NotFoundError(absl::StrFormat("pid %d of a sandbox: no such child", pid));
}

std::vector<RefusedCall> SandboxChain::RefusedCallsOf(pid_t pid, int64_t since, size_t most) const {
  const std::shared_ptr<Broker> broker = broker_.lock();
  if (broker == nullptr) return {};
  return broker->reporter().LastOf(pid, since, most);
}

absl::StatusOr<Process> SandboxMembership::Admit(UniqueFd pidfd, ProcessType type) const {
  absl::StatusOr<Process> child = Process::FromPidfd(std::move(pidfd));
  if (!child.ok()) return child;
  if (absl::Status enrolled = Enroll(*child, type); !enrolled.ok()) return enrolled;
  return child;
}

absl::Status SandboxMembership::Enroll(Process& child, ProcessType type) const {
  absl::StatusOr<ChildRegistration> registration = chain->Register(child.pid(), ruleset, type);
  if (!registration.ok()) return registration.status();
  child.Keep(std::make_shared<SandboxedChild>(*this, *std::move(registration)));
  return absl::OkStatus();
}

absl::StatusOr<Process> SandboxMembership::Adopt(pid_t pid, ProcessType type,
                                                 ChildKind kind) const {
  absl::StatusOr<Process> child = Process::Adopt(pid, kind);
  if (!child.ok()) return child;
  if (absl::Status enrolled = Enroll(*child, type); !enrolled.ok()) return enrolled;
  return child;
}

absl::StatusOr<Process> SandboxMembership::Find(pid_t inner_pid, ProcessType type,
                                                ChildKind kind) const {
  const absl::StatusOr<pid_t> pid = chain->FindByInnerPid(inner_pid);
  return pid.ok() ? Adopt(*pid, type, kind) : pid.status();
}

SandboxMembership TemplateSandbox::For(ProcessType type) const {
  SandboxMembership membership = children;
  const ProcessTypeRow* row = FindProcessType(type);
  if (row != nullptr && row->main_loop == MainLoop::kForkLoop) {
    membership.ruleset = templates_ruleset;
  }
  return membership;
}

}  // namespace forkserver
