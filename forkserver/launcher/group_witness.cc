#include "forkserver/launcher/group_witness.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "forkserver/launcher/own_descriptor.h"

namespace forkserver {
namespace {

constexpr int kPatienceMillis = 1000;

constexpr uint64_t BitOf(int signal) { return uint64_t{1} << (signal - 1); }

constexpr uint64_t kStops = BitOf(SIGTSTP) | BitOf(SIGTTIN) | BitOf(SIGTTOU);

// Where one of these comes, the kernel discards such a signal that is pending (signal(7)).
uint64_t DiscardersOf(int signal) {
  if (signal == SIGCONT) return kStops;
  return (kStops & BitOf(signal)) != 0 ? BitOf(SIGCONT) : 0;
}

uint64_t TakePending() {
  sigset_t all;
  sigfillset(&all);
  const timespec at_once = {};
  uint64_t pending = 0;
  for (int signal; (signal = sigtimedwait(&all, nullptr, &at_once)) > 0;) pending |= BitOf(signal);
  return pending;
}

// In the child.
[[noreturn]] void Witness(pid_t launcher, int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher) _exit(0);
  prctl(PR_SET_NAME, "signal-witness");
  // It would keep a pipe open that the host has closed.
  syscall(SYS_close_range, 0, socket - 1, 0);
  syscall(SYS_close_range, socket + 1, UINT_MAX, 0);
  for (char question; recv(socket, &question, sizeof(question), 0) == sizeof(question);) {
    const uint64_t pending = TakePending();
    send(socket, &pending, sizeof(pending), MSG_NOSIGNAL);
  }
  _exit(0);
}

}  // namespace

FailedCall GroupWitness::Fork() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return {.call = "socketpair", .error = errno};
  }
  socket_.reset(ends[0]);
  UniqueFd witness(ends[1]);
  if (!MoveOutOfTheWay(socket_) || !MoveOutOfTheWay(witness)) {
    return {.call = "fcntl F_DUPFD_CLOEXEC", .error = errno};
  }
  const pid_t launcher = getpid();
  pid_ = fork();
  if (pid_ < 0) return {.call = "fork of the signal witness", .error = errno};
  if (pid_ == 0) Witness(launcher, witness.get());
  return {};
}

GroupWitness::Verdict GroupWitness::Saw(int signal) {
  if (!socket_.is_open()) return Verdict::kUnknown;
  const char question = 1;
  uint64_t pending = 0;
  pollfd answer = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (send(socket_.get(), &question, sizeof(question), MSG_NOSIGNAL) != sizeof(question) ||
      poll(&answer, 1, kPatienceMillis) != 1 ||
      recv(socket_.get(), &pending, sizeof(pending), MSG_DONTWAIT) != sizeof(pending)) {
    End();
    return Verdict::kUnknown;
  }
  seen_ |= pending;
  // It was pending, or something was that came after it and has discarded it.
  if ((seen_ & (BitOf(signal) | DiscardersOf(signal))) == 0) return Verdict::kLauncherOnly;
  seen_ &= ~BitOf(signal);
  return Verdict::kWholeGroup;
}

void GroupWitness::End() {
  socket_.reset();
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace forkserver
