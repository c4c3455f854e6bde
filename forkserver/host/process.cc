#include "forkserver/host/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/poll_until.h"

namespace forkserver {
namespace {

// linux/pidfd.h of 6.15; the installed headers are older.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t pid, tgid, ppid;
  uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
constexpr uint64_t kPidfdInfoPid = 1u << 0;
constexpr uint64_t kPidfdInfoExit = 1u << 3;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
static_assert(sizeof(PidfdInfo) == 64, "PIDFD_INFO_SIZE_VER0");

ExitStatus FromSiginfo(const siginfo_t& info, const rusage& usage) {
  const bool exited = info.si_code == CLD_EXITED;
  return {.kind = exited ? ExitStatus::Kind::kExited : ExitStatus::Kind::kKilled,
          .code = info.si_status,
          .core_dumped = info.si_code == CLD_DUMPED,
          .usage = usage};
}

// The status of a child that somebody else has reaped, from its pidfd; or why that has none.
absl::StatusOr<ExitStatus> ReadExitInfo(int pidfd) {
  PidfdInfo info = {};
  info.mask = kPidfdInfoExit;
  if (ioctl(pidfd, kPidfdGetInfo, &info) != 0) return ErrnoStatus(errno, "PIDFD_GET_INFO");
  if ((info.mask & kPidfdInfoExit) == 0) {
    return absl::UnimplementedError("PIDFD_GET_INFO has no PIDFD_INFO_EXIT");
  }
  const bool exited = WIFEXITED(info.exit_code);
  return ExitStatus{.kind = exited ? ExitStatus::Kind::kExited : ExitStatus::Kind::kKilled,
                    .code = exited ? WEXITSTATUS(info.exit_code) : WTERMSIG(info.exit_code),
                    .core_dumped = !exited && WCOREDUMP(info.exit_code),
                    .usage = std::nullopt};
}

// What stands behind `key` in the pidfd's file of /proc/self/fdinfo (proc_pid_fdinfo(5)).
std::string FdinfoOf(int pidfd, const std::string& key) {
  std::ifstream fdinfo(absl::StrFormat("/proc/self/fdinfo/%d", pidfd));
  std::string line;
  while (std::getline(fdinfo, line)) {
    if (line.rfind(key, 0) == 0) return line.substr(key.size());
  }
  return {};
}

// Whether it is a child of ours and of that kind: 0 or an errno, ECHILD where it is none. __WCLONE
// is for children without SIGCHLD alone (wait(2)).
int LookAtChild(int pidfd, ChildKind kind) {
  siginfo_t info = {};
  const int options = WEXITED | WNOWAIT | WNOHANG | (kind == ChildKind::kAny ? __WALL : __WCLONE);
  long result;
  do {
    result = syscall(SYS_waitid, P_PIDFD, pidfd, &info, options, nullptr);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

// Which children have a Process that has not reaped them. Of the whole program, as its children
// are. A pid is its first owner's as long as that one's child is there, as its pidfd knows: whom
// somebody else has reaped has left a pid that is free, and may be the next child's.
class OwnedChildren {
 public:
  static OwnedChildren& All() {
    static OwnedChildren* const all = new OwnedChildren;  // outlives those that exit() destroys
    return *all;
  }

  // Whether it was nobody's. `pidfd` stays open until Remove.
  bool Add(pid_t pid, int pidfd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (HasUnlocked(pid)) return false;
    pidfds_[pid] = pidfd;
    return true;
  }
  void Remove(pid_t pid, int pidfd) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // It may have had another owner since.
    const auto found = pidfds_.find(pid);
    if (found != pidfds_.end() && found->second == pidfd) pidfds_.erase(found);
  }
  bool Has(pid_t pid) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return HasUnlocked(pid);
  }

 private:
  bool HasUnlocked(pid_t pid) const {
    const auto found = pidfds_.find(pid);
    return found != pidfds_.end() && LookAtChild(found->second, ChildKind::kAny) != ECHILD;
  }

  std::mutex mutex_;
  absl::flat_hash_map<pid_t, int> pidfds_;
};

// Of a pidfd; 0: it has been reaped.
pid_t PidOf(int pidfd) {
  PidfdInfo info = {};
  info.mask = kPidfdInfoPid;
  if (ioctl(pidfd, kPidfdGetInfo, &info) == 0) return static_cast<pid_t>(info.pid);
  // In the reader's namespace, and 0 or less where it has none there.
  return std::max(atoi(FdinfoOf(pidfd, "Pid:").c_str()), 0);
}

int64_t DeadlineOfKilled() { return NowNanos() + absl::ToInt64Nanoseconds(Process::kPatience); }

}  // namespace

absl::Status CheckPidfdInfo(int pidfd) {
  PidfdInfo info = {};
  info.mask = kPidfdInfoPid;
  return ioctl(pidfd, kPidfdGetInfo, &info) == 0 ? absl::OkStatus()
                                                 : ErrnoStatus(errno, "PIDFD_GET_INFO");
}

bool IsNamespaceInit(int pidfd) {
  // From the outermost namespace that the reader knows to its own.
  const std::string pids = FdinfoOf(pidfd, "NSpid:");
  return std::count(pids.begin(), pids.end(), '\t') > 1 && pids.ends_with("\t1");
}

std::string ExitStatus::ToString() const {
  if (kind == Kind::kExited) return absl::StrFormat("exited with status %d", code);
  const char* name = sigabbrev_np(code);
  return absl::StrFormat(
      "killed by %s%s",
      name != nullptr ? absl::StrFormat("SIG%s", name) : absl::StrFormat("signal %d", code),
      core_dumped ? " (core dumped)" : "");
}

absl::StatusOr<pid_t> Process::CheckChild(int pidfd, ChildKind kind) {
  if (const int error = LookAtChild(pidfd, kind); error != 0) {
    // Who reaped it took its status too: that of a child that was exec'ed, say. Not one of another
    // kind that is dead, whose status is somebody's still.
    if (error == ECHILD && LookAtChild(pidfd, ChildKind::kAny) != 0 &&
        PollUntil(pidfd, POLLIN, NowNanos()) > 0)
      return 0;
    return absl::NotFoundError(absl::StrFormat("waitid of a pidfd: %s", ErrnoName(error)));
  }
  const pid_t pid = PidOf(pidfd);
  if (OwnedChildren::All().Has(pid)) {
    return absl::NotFoundError(absl::StrFormat("pidfd of pid %d: it is another one's", pid));
  }
  return pid;
}

Process::Process(pid_t pid, UniqueFd pidfd)
    : pid_(pid), pidfd_(std::move(pidfd)), owns_pid_(OwnedChildren::All().Add(pid, pidfd_.get())) {}

void Process::DisownPid() {
  if (std::exchange(owns_pid_, false)) OwnedChildren::All().Remove(pid_, pidfd_.get());
}

bool Process::IsOwned(pid_t pid) { return OwnedChildren::All().Has(pid); }

absl::StatusOr<Process> Process::Adopt(pid_t pid, ChildKind kind) {
  if (OwnedChildren::All().Has(pid)) {
    return absl::NotFoundError(absl::StrFormat("pid %d: it is another one's", pid));
  }
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.is_open()) return ErrnoStatus(errno, absl::StrFormat("pidfd_open pid %d", pid));
  if (const int error = LookAtChild(pidfd.get(), kind); error != 0) {
    return absl::NotFoundError(absl::StrFormat("waitid pid %d: %s", pid, ErrnoName(error)));
  }
  return Process(pid, std::move(pidfd));
}

absl::StatusOr<Process> Process::FromPidfd(UniqueFd pidfd) {
  const absl::StatusOr<pid_t> pid = CheckChild(pidfd.get());
  if (!pid.ok()) return pid.status();
  if (*pid == 0) return absl::NotFoundError("PIDFD_GET_INFO: the child has been reaped");
  return Process(*pid, std::move(pidfd));
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      owns_pid_(std::exchange(other.owns_pid_, false)),
      status_(std::move(other.status_)),
      sandboxed_(std::move(other.sandboxed_)),
      end_(std::move(other.end_)),
      witness_(std::move(other.witness_)),
      signals_sent_(other.signals_sent_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    KillAndReap(DeadlineOfKilled()).IgnoreError();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    owns_pid_ = std::exchange(other.owns_pid_, false);
    status_ = std::move(other.status_);
    sandboxed_ = std::move(other.sandboxed_);
    end_ = std::move(other.end_);
    witness_ = std::move(other.witness_);
    signals_sent_ = other.signals_sent_;
  }
  return *this;
}

Process::~Process() { KillAndReap(DeadlineOfKilled()).IgnoreError(); }

absl::Status Process::KillAndReap(int64_t deadline) {
  if (!pidfd_.is_open() || status_.has_value()) return absl::OkStatus();
  const bool may_not = SendSignal(SIGKILL) == EPERM;
  // One that it may not kill may end all the same, by itself.
  const absl::Status reaped = WaitUntil(deadline).status();
  DisownPid();
  pidfd_.reset();
  if (!absl::IsDeadlineExceeded(reaped)) return absl::OkStatus();
  return may_not ? ErrnoStatus(EPERM, absl::StrFormat("pidfd_send_signal pid %d", pid_)) : reaped;
}

absl::StatusOr<std::optional<ExitStatus>> Process::TryReap(bool block) {
  siginfo_t info = {};
  rusage usage;
  // glibc's waitid has no rusage. __WALL, since these children send no signal.
  long result;
  do {
    result = syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info,
                     WEXITED | __WALL | (block ? 0 : WNOHANG), &usage);
  } while (result != 0 && errno == EINTR);
  if (result == 0) {
    if (info.si_pid == 0) return std::optional<ExitStatus>();
    status_ = FromSiginfo(info, usage);
    DisownPid();
    Ended();
    return status_;
  }
  const int error = errno;
  const std::string call = absl::StrFormat("waitid pid %d", pid_);
  if (error != ECHILD) return ErrnoStatus(error, call);
  sandboxed_.reset();
  DisownPid();
  absl::StatusOr<ExitStatus> found = ReadExitInfo(pidfd_.get());
  if (!found.ok()) {
    return absl::Status(
        ErrnoStatus(error, call).code(),
        absl::StrFormat("%s: ECHILD, and %s", call, std::string(found.status().message())));
  }
  status_ = *found;
  Ended();
  return status_;
}

// The pid is the kernel's to give again, which goes through all others first.
void Process::Ended() {
  if (const auto witness = std::exchange(witness_, nullptr)) {
    witness->OnReaped(*status_, sandboxed_.get(), signals_sent_);
  }
  sandboxed_.reset();
  end_.Tell(*status_);
}

// Only what was sent counts, and not of one that had ended before, by whatever. Nobody else reaps
// it meanwhile.
int Process::SendSignal(int signal) {
  const bool counts = witness_ != nullptr && !HasEnded();
  if (syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0) return errno;
  if (counts) signals_sent_ |= SignalBit(signal);
  return 0;
}

absl::StatusOr<ExitStatus> Process::Wait(absl::Duration timeout) {
  return WaitUntil(DeadlineAfter(NowNanos(), absl::ToInt64Nanoseconds(timeout)));
}

bool Process::HasEnded() const {
  return !pidfd_.is_open() || status_.has_value() ||
         PollUntil(pidfd_.get(), POLLIN, NowNanos()) > 0;
}

absl::StatusOr<ExitStatus> Process::WaitUntil(int64_t deadline) {
  if (status_.has_value()) return *status_;
  if (!pidfd_.is_open()) return absl::FailedPreconditionError("wait: no process");
  // Where there is no time to wait, or nothing bounds it, waitid alone does.
  bool polls = deadline != kNever && deadline > NowNanos();
  bool has_ended = false;
  for (;;) {
    // Where it cannot be watched (ppoll: ENOMEM), it is asked.
    if (polls) has_ended = PollUntil(pidfd_.get(), POLLIN, deadline) > 0;
    absl::StatusOr<std::optional<ExitStatus>> status = TryReap(/*block=*/deadline == kNever);
    if (!status.ok()) return status.status();
    if (status->has_value()) return **status;
    if (NowNanos() < deadline) {
      // It cannot be watched, or has ended and is traced: no event says when its tracer lets go.
      poll(nullptr, 0, 1);
      polls = true;
    } else if (has_ended || !HasEnded()) {
      return absl::DeadlineExceededError(absl::StrFormat(
          "wait pid %d: %s", pid_, has_ended ? "it has ended, and is traced" : "it still runs"));
    } else {
      has_ended = true;  // since it was asked, perhaps
      polls = false;
    }
  }
}

absl::Status Process::Signal(int signal) {
  if (!pidfd_.is_open() || status_.has_value()) {
    return absl::NotFoundError(absl::StrFormat("pidfd_send_signal pid %d: it has ended", pid_));
  }
  const int error = SendSignal(signal);
  return error == 0 ? absl::OkStatus()
                    : ErrnoStatus(error, absl::StrFormat("pidfd_send_signal pid %d", pid_));
}

}  // namespace forkserver
