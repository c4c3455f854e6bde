#include "tests/deaths/held_process.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace forkserver::testing {
namespace {

constexpr long kOptions =
    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;

// ptrace(2): the event stands above the signal.
bool IsFork(int status) {
  const int event = status >> 8;
  return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
}

bool IsSystemCall(int status) { return status == (SIGTRAP | 0x80); }

__ptrace_syscall_info SystemCallOf(pid_t pid) {
  __ptrace_syscall_info info = {};
  ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), pid, sizeof(info), &info);
  return info;
}

}  // namespace

HeldProcess HeldProcess::Seize(pid_t pid) {
  if (ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) != 0) {
    perror("ptrace PTRACE_SEIZE");
    abort();
  }
  return HeldProcess(pid);
}

std::optional<int> HeldProcess::WaitForStop() {
  // Its end is its owner's to reap: looked at, and left.
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT | __WALL) !=
         0) {
    if (errno != EINTR) return std::nullopt;
  }
  if (info.si_code != CLD_TRAPPED) return std::nullopt;
  is_stopped_ = true;
  return info.si_status;
}

void HeldProcess::Resume(int request) {
  is_stopped_ = false;
  ptrace(static_cast<__ptrace_request>(request), pid_, nullptr, nullptr);
}

std::optional<HeldProcess> HeldProcess::HoldNextChild() {
  if (is_stopped_) Resume(PTRACE_CONT);
  for (std::optional<int> status; (status = WaitForStop()); Resume(PTRACE_CONT)) {
    if (!IsFork(*status)) continue;
    unsigned long pid = 0;
    ptrace(PTRACE_GETEVENTMSG, pid_, nullptr, &pid);
    HeldProcess child(static_cast<pid_t>(pid));
    if (!child.WaitForStop()) return std::nullopt;
    return child;
  }
  return std::nullopt;
}

bool HeldProcess::Hold() {
  if (is_stopped_) return true;
  ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr);
  return WaitForStop().has_value();
}

void HeldProcess::RunTraced() {
  if (Hold()) Resume(PTRACE_SYSCALL);
}

bool HeldProcess::HoldBefore(long system_call) {
  if (is_stopped_) Resume(PTRACE_SYSCALL);
  for (std::optional<int> status; (status = WaitForStop()); Resume(PTRACE_SYSCALL)) {
    if (!IsSystemCall(*status)) continue;
    const __ptrace_syscall_info info = SystemCallOf(pid_);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY &&
        info.entry.nr == static_cast<uint64_t>(system_call)) {
      return true;
    }
  }
  return false;
}

bool HeldProcess::HoldAfterReceive() {
  while (HoldBefore(SYS_recvmsg)) {
    Resume(PTRACE_SYSCALL);
    const std::optional<int> status = WaitForStop();
    if (!status) return false;
    if (!IsSystemCall(*status)) continue;
    const __ptrace_syscall_info info = SystemCallOf(pid_);
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.rval > 0) return true;
  }
  return false;
}

UniqueFd HeldProcess::TakeDescriptorOfCall() {
  const int number = static_cast<int>(SystemCallOf(pid_).entry.args[0]);
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), number, 0)));
}

void HeldProcess::LetGo() {
  if (pid_ == 0) return;
  if (Hold()) ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
  pid_ = 0;
}

}  // namespace forkserver::testing
