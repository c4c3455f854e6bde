#include "forkserver/launcher/suspended_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forkserver/launcher/own_descriptor.h"

namespace forkserver {
namespace {

// The status of a child that could not exec is never seen: its report is.
constexpr int kExitNotStarted = 127;

enum class Step : int { kParentDeathSignal, kStartSocket, kSignals, kExec };

struct Report {
  Step step = Step::kExec;
  int error = 0;
};

const char* CallOf(Step step) {
  switch (step) {
    case Step::kParentDeathSignal:
      return "prctl PR_SET_PDEATHSIG in the host";
    case Step::kStartSocket:
      return "fcntl F_SETFD in the host";
    case Step::kSignals:
      return "sigprocmask in the host";
    case Step::kExec:
      return "execve";
  }
  return "the host's start";
}

[[noreturn]] void Refuse(int socket, Step step) {
  const Report report = {.step = step, .error = errno};
  send(socket, &report, sizeof(report), MSG_NOSIGNAL);
  _exit(kExitNotStarted);
}

// In the child. All signals are blocked until just before the exec.
[[noreturn]] void WaitAndExec(const HostCommand& command, pid_t launcher, int socket) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) Refuse(socket, Step::kParentDeathSignal);
  // One that died before that sends no signal any more.
  if (getppid() != launcher) _exit(kExitNotStarted);
  char go;
  ssize_t size;
  do {
    size = recv(socket, &go, sizeof(go), 0);
  } while (size < 0 && errno == EINTR);
  if (size != sizeof(go)) _exit(kExitNotStarted);
  if (fcntl(command.start_socket, F_SETFD, 0) != 0) Refuse(socket, Step::kStartSocket);
  if (sigaction(SIGCHLD, command.sigchld, nullptr) != 0 ||
      sigprocmask(SIG_SETMASK, command.signal_mask, nullptr) != 0) {
    Refuse(socket, Step::kSignals);
  }
  execve(command.path, command.argv, command.environment);
  Refuse(socket, Step::kExec);
}

// Unlike those of a fork server the child sends SIGCHLD: the launcher waits for signals anyway, and
// hears of stops by that one only.
long ForkWithPidfd(int* pidfd) {
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
  // Behind the filters of older container engines.
  if (pid >= 0 || (errno != ENOSYS && errno != EPERM)) return pid;
  return syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, pidfd, nullptr, nullptr);
}

}  // namespace

SuspendedHost::~SuspendedHost() {
  if (pid_ <= 0 || is_resumed_) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

FailedCall SuspendedHost::Fork(const HostCommand& command) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return {.call = "socketpair", .error = errno};
  }
  socket_.reset(ends[0]);
  UniqueFd childs(ends[1]);
  if (!MoveOutOfTheWay(socket_) || !MoveOutOfTheWay(childs)) {
    return {.call = "fcntl F_DUPFD_CLOEXEC", .error = errno};
  }
  const pid_t launcher = getpid();
  int pidfd = -1;
  const long pid = ForkWithPidfd(&pidfd);
  if (pid < 0) return {.call = "clone3", .error = errno};
  if (pid == 0) {
    // Its own copy would keep the socket from closing when the launcher dies.
    close(socket_.get());
    WaitAndExec(command, launcher, childs.get());
  }
  pid_ = static_cast<pid_t>(pid);
  pidfd_.reset(pidfd);
  // Not into the way of a stdin that is closed, where the kernel may have put it.
  if (!MoveOutOfTheWay(pidfd_)) return {.call = "fcntl F_DUPFD_CLOEXEC", .error = errno};
  return {};
}

FailedCall SuspendedHost::Resume() {
  const char go = 1;
  if (send(socket_.get(), &go, sizeof(go), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
      errno != ECONNRESET) {
    return {.call = "send to the host", .error = errno};
  }
  is_resumed_ = true;
  return {};
}

SuspendedHost::Outcome SuspendedHost::ReadOutcome(FailedCall* failed) {
  Report report;
  ssize_t size;
  do {
    size = recv(socket_.get(), &report, sizeof(report), MSG_DONTWAIT);
    // It ended with Resume unread: the kernel says so first, once, and then what it had sent.
  } while (size < 0 && errno == ECONNRESET);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Outcome::kUnknown;
  socket_.reset();
  if (size != sizeof(report)) return Outcome::kRuns;
  *failed = {.call = CallOf(report.step), .error = report.error};
  return Outcome::kFailed;
}

}  // namespace forkserver
