#include "forkserver/launcher/host_watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "forkserver/launcher/own_descriptor.h"
#include "transceiver/clock.h"

namespace forkserver {
namespace {

constexpr uint64_t BitOf(int signal) { return uint64_t{1} << (signal - 1); }

// Signals by which a program is asked to end.
constexpr uint64_t kAskToEnd = BitOf(SIGHUP) | BitOf(SIGINT) | BitOf(SIGQUIT) | BitOf(SIGTERM);

bool IsStopOfTheTerminal(int signal) {
  return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

// By a key, of which two presses can be one pending signal of the witness's.
bool IsKeyOfTheTerminal(const signalfd_siginfo& signal) {
  return signal.ssi_code == SI_KERNEL &&
         (signal.ssi_signo == SIGINT || signal.ssi_signo == SIGQUIT || signal.ssi_signo == SIGTSTP);
}

// With the value that sigqueue(3) gave it. Fails where the host has ended, or is another user's.
void SendTo(int pidfd, const signalfd_siginfo& signal) {
  siginfo_t info = {};
  info.si_signo = static_cast<int>(signal.ssi_signo);
  info.si_code = SI_QUEUE;
  info.si_pid = static_cast<pid_t>(signal.ssi_pid);
  info.si_uid = signal.ssi_uid;
  info.si_value.sival_ptr = reinterpret_cast<void*>(signal.ssi_ptr);
  const bool has_value = signal.ssi_code == SI_QUEUE;
  syscall(SYS_pidfd_send_signal, pidfd, info.si_signo, has_value ? &info : nullptr, 0);
}

void CloseAllBut(int* kept, size_t count) {
  std::sort(kept, kept + count);
  unsigned first = 0;
  for (size_t i = 0; i < count; ++i) {
    if (kept[i] < 0) continue;
    const unsigned number = static_cast<unsigned>(kept[i]);
    if (number > first) syscall(SYS_close_range, first, number - 1, 0);
    first = number + 1;
  }
  syscall(SYS_close_range, first, UINT_MAX, 0);
}

}  // namespace

FailedCall HostWatch::Begin() {
  sigset_t all;
  sigfillset(&all);
  if (sigprocmask(SIG_BLOCK, &all, &signal_mask_) != 0) {
    return {.call = "sigprocmask", .error = errno};
  }
  // Where it is ignored the kernel would reap the host itself. Others that are ignored need no
  // change: one that is blocked is kept, so that it can be passed to a host that has a handler.
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  if (sigaction(SIGCHLD, &action, &sigchld_) != 0) return {.call = "sigaction", .error = errno};
  signals_.reset(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.is_open()) return {.call = "signalfd", .error = errno};
  if (!MoveOutOfTheWay(signals_)) return {.call = "fcntl F_DUPFD_CLOEXEC", .error = errno};
  return {};
}

HostEnd HostWatch::ResumeAndWatch(SuspendedHost& host, UniqueFd start_socket, int start_millis) {
  host_ = &host;
  start_socket_ = std::move(start_socket);
  during_start_ = true;
  heard_ = 0;
  end_.reset();
  failed_ = {};
  // Younger than the host, so that it has a signal of the group's before the launcher does, and
  // there before the host can handle one. Without a witness the launcher still works, and guesses.
  if (!std::exchange(has_witness_, true)) witness_.Fork();
  ReadSignals(HostIs::kSuspended);
  if (end_) return *end_;  // it could not even wait
  if (const FailedCall failed = host.Resume(); failed.happened()) {
    return {.kind = HostEnd::Kind::kNotStarted, .failed = failed};
  }
  const int64_t deadline = DeadlineAfter(NowNanos(), start_millis * kNanosPerMilli);
  while (!end_) {
    pollfd fds[] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                    {.fd = start_socket_.get(), .events = POLLIN, .revents = 0},
                    {.fd = host.outcome_fd(), .events = POLLIN, .revents = 0}};
    const int64_t left = std::max<int64_t>(deadline - NowNanos(), 0);
    const timespec patience = {.tv_sec = left / kNanosPerSecond, .tv_nsec = left % kNanosPerSecond};
    const int ready = ppoll(fds, std::size(fds), during_start_ ? &patience : nullptr, nullptr);
    if (ready == 0) StartIsOver();
    if (ready <= 0) continue;
    if (fds[2].revents != 0) ReadOutcome();
    if (fds[1].revents != 0) ReadStartSocket();
    if (fds[0].revents != 0) ReadSignals(HostIs::kResumed);
  }
  return *end_;
}

void HostWatch::ReadSignals(HostIs state) {
  bool host_has_changed = false;
  signalfd_siginfo signal;
  while (read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGCHLD) {
      host_has_changed = true;
    } else {
      PassOn(signal, state);
    }
  }
  // Last, since what the host did may be its answer to one of the others, of a higher number.
  if (host_has_changed) LookAtHost();
}

void HostWatch::PassOn(const signalfd_siginfo& info, HostIs state) {
  const int signal = static_cast<int>(info.ssi_signo);
  heard_ |= BitOf(signal);
  if (IsStopOfTheTerminal(signal)) asked_to_stop_ = true;
  if (signal == SIGCONT) asked_to_stop_ = false;
  GroupWitness::Verdict verdict = witness_.Saw(signal);
  // Of the terminal's signals most are the group's, and those of its keys all are.
  if (IsKeyOfTheTerminal(info) ||
      (verdict == GroupWitness::Verdict::kUnknown && info.ssi_code == SI_KERNEL)) {
    verdict = GroupWitness::Verdict::kWholeGroup;
  }
  // A host that is suspended may have been forked before the signal or after it. It has all of them
  // blocked, so that two of a kind become one.
  if (verdict != GroupWitness::Verdict::kWholeGroup || state == HostIs::kSuspended) {
    SendTo(host_->pidfd(), info);
  }
}

void HostWatch::LookAtHost() {
  for (;;) {
    siginfo_t info = {};
    if (waitid(P_PIDFD, static_cast<id_t>(host_->pidfd()), &info, WEXITED | WSTOPPED | WNOHANG) !=
        0) {
      // Nobody would hear of its end. It dies with its launcher.
      end_ = {.kind = HostEnd::Kind::kNotStarted,
              .failed = {.call = "waitid of the host", .error = errno}};
      return;
    }
    if (info.si_pid == 0) return;
    if (info.si_code == CLD_STOPPED) {
      StopToo(info.si_status);
      continue;
    }
    // What it has said in its last moments.
    if (host_->outcome_fd() >= 0) ReadOutcome();
    ReadStartSocket();
    const int code = info.si_status;
    if (failed_.happened()) {
      end_ = {.kind = HostEnd::Kind::kNotStarted, .failed = failed_};
    } else if (info.si_code == CLD_EXITED) {
      end_ = {.kind = HostEnd::Kind::kExited, .code = code, .during_start = during_start_};
    } else {
      end_ = {.kind = HostEnd::Kind::kKilled,
              .code = code,
              .during_start = during_start_,
              .asked_for = (heard_ & (kAskToEnd | BitOf(code))) != 0};
    }
    return;
  }
}

// A shell learns of Ctrl-Z by the process that it started. SIGSTOP is the terminal's only where the
// host has a handler for SIGTSTP and stops itself in the end; from others it is nothing that the
// launcher could be continued from when the host is.
void HostWatch::StopToo(int signal) {
  if (!IsStopOfTheTerminal(signal) && !std::exchange(asked_to_stop_, false)) return;
  // What the witness may have of it is the same one.
  witness_.Saw(signal);
  // The host may have been continued meanwhile.
  siginfo_t info = {};
  if (waitid(P_PIDFD, static_cast<id_t>(host_->pidfd()), &info, WCONTINUED | WNOHANG) == 0 &&
      info.si_pid != 0) {
    return;
  }
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  struct sigaction before;
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigaction(signal, &action, &before);
  raise(signal);
  // Stops here, but in an orphaned group, where no shell could continue it. By the same signal as
  // the host and not by SIGSTOP, which shells show as something else.
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  sigprocmask(SIG_BLOCK, &only, nullptr);
  sigaction(signal, &before, nullptr);
}

void HostWatch::ReadStartSocket() {
  if (!start_socket_.is_open()) return;
  char byte;
  const ssize_t size = recv(start_socket_.get(), &byte, sizeof(byte), MSG_DONTWAIT);
  if (size == sizeof(byte)) {
    StartIsOver();
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    // A program that closes all that it does not know: its time decides.
    start_socket_.reset();
  }
}

void HostWatch::StartIsOver() {
  during_start_ = false;
  start_socket_.reset();
  int kept[] = {signals_.get(), witness_.socket(), host_->pidfd(), host_->outcome_fd()};
  CloseAllBut(kept, std::size(kept));
  // Nor is a folder kept that somebody wants to unmount.
  [[maybe_unused]] const int moved = chdir("/");
}

void HostWatch::ReadOutcome() { host_->ReadOutcome(&failed_); }

}  // namespace forkserver
