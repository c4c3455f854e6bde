// To reach into other processes: a sibling, of the same user, and the host.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

template <typename Pointee>
Pointee* At(uint64_t address) {
  return reinterpret_cast<Pointee*>(static_cast<uintptr_t>(address));
}

UniqueFd PidfdOf(int32_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

// Seized and not attached to: when this process dies in between, its sibling runs on.
AttemptResult Trace(const AttemptTargets& targets) {
  if (ptrace(PTRACE_SEIZE, targets.sibling_pid, nullptr, nullptr) != 0) {
    return Refused("ptrace PTRACE_SEIZE");
  }
  if (ptrace(PTRACE_INTERRUPT, targets.sibling_pid, nullptr, nullptr) != 0) {
    return Refused("ptrace PTRACE_INTERRUPT");
  }
  if (waitpid(targets.sibling_pid, nullptr, __WALL) < 0) return Refused("wait4");
  errno = 0;
  const long word =
      ptrace(PTRACE_PEEKDATA, targets.sibling_pid, At<void>(targets.sibling_secret), nullptr);
  if (errno != 0) return Refused("ptrace PTRACE_PEEKDATA");
  ptrace(PTRACE_DETACH, targets.sibling_pid, nullptr, nullptr);
  return DoneIf(memcmp(&word, targets.secret, sizeof(word)) == 0, "another content");
}

AttemptResult TraceMe(const AttemptTargets&) {
  return AnswerOf("ptrace PTRACE_TRACEME", ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
}

AttemptResult FindHost(const AttemptTargets& targets) {
  return AnswerOf("kill", kill(targets.host_pid, 0));
}

AttemptResult FindAll(const AttemptTargets&) { return AnswerOf("kill", kill(-1, 0)); }

AttemptResult Kill(const AttemptTargets& targets) {
  return AnswerOf("kill", kill(targets.sibling_pid, SIGUSR1));
}

AttemptResult KillThread(const AttemptTargets& targets) {
  return AnswerOf("tgkill", syscall(SYS_tgkill, targets.sibling_pid, targets.sibling_pid, SIGUSR1));
}

AttemptResult KillThreadAlone(const AttemptTargets& targets) {
  return AnswerOf("tkill", syscall(SYS_tkill, targets.sibling_pid, SIGUSR1));
}

AttemptResult Queue(const AttemptTargets& targets) {
  siginfo_t info = {};
  info.si_signo = SIGUSR1;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  return AnswerOf("rt_sigqueueinfo",
                  syscall(SYS_rt_sigqueueinfo, targets.sibling_pid, SIGUSR1, &info));
}

AttemptResult QueueToThread(const AttemptTargets& targets) {
  siginfo_t info = {};
  info.si_signo = SIGUSR1;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  return AnswerOf("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, targets.sibling_pid,
                                               targets.sibling_pid, SIGUSR1, &info));
}

AttemptResult KillByPidfd(const AttemptTargets& targets) {
  const UniqueFd pidfd = PidfdOf(targets.sibling_pid);
  if (!pidfd.is_open()) return Refused("pidfd_open");
  return AnswerOf("pidfd_send_signal",
                  syscall(SYS_pidfd_send_signal, pidfd.get(), SIGUSR1, nullptr, 0));
}

// The kernel signals whom a descriptor belongs to when there is something to read from it.
AttemptResult KillByOwnership(const AttemptTargets& targets) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return Refused("socketpair");
  const UniqueFd first(pair[0]);
  const UniqueFd second(pair[1]);
  if (fcntl(first.get(), F_SETOWN, targets.sibling_pid) != 0) return Refused("fcntl F_SETOWN");
  if (fcntl(first.get(), F_SETSIG, SIGUSR1) != 0) return Refused("fcntl F_SETSIG");
  if (fcntl(first.get(), F_SETFL, O_ASYNC) != 0) return Refused("fcntl F_SETFL");
  return AnswerOf("write", write(second.get(), "x", 1));
}

AttemptResult TakeDescriptor(const AttemptTargets& targets) {
  const UniqueFd pidfd = PidfdOf(targets.sibling_pid);
  if (!pidfd.is_open()) return Refused("pidfd_open");
  const UniqueFd taken(
      static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), targets.sibling_secret_fd, 0)));
  if (!taken.is_open()) return Refused("pidfd_getfd");
  char bytes[kSecretBytes] = {};
  if (pread(taken.get(), bytes, sizeof(bytes), 0) < 0) return Refused("pread64");
  return DoneIf(Secret(targets) == std::string_view(bytes, sizeof(bytes)), "another content");
}

AttemptResult ReadMemory(const AttemptTargets& targets) {
  char bytes[kSecretBytes] = {};
  const iovec here = {.iov_base = bytes, .iov_len = sizeof(bytes)};
  const iovec there = {.iov_base = At<void>(targets.sibling_secret), .iov_len = sizeof(bytes)};
  if (process_vm_readv(targets.sibling_pid, &here, 1, &there, 1, 0) < 0) {
    return Refused("process_vm_readv");
  }
  return DoneIf(Secret(targets) == std::string_view(bytes, sizeof(bytes)), "another content");
}

AttemptResult WriteMemory(const AttemptTargets& targets) {
  char bytes[kSecretBytes] = "written";
  const iovec here = {.iov_base = bytes, .iov_len = sizeof(bytes)};
  const iovec there = {.iov_base = At<void>(targets.sibling_slate), .iov_len = sizeof(bytes)};
  const ssize_t size = process_vm_writev(targets.sibling_pid, &here, 1, &there, 1, 0);
  if (size < 0) return Refused("process_vm_writev");
  return DoneIf(size == sizeof(bytes), "less was written");
}

AttemptResult AdviseMemory(const AttemptTargets& targets) {
  const UniqueFd pidfd = PidfdOf(targets.sibling_pid);
  if (!pidfd.is_open()) return Refused("pidfd_open");
  const uint64_t page = targets.sibling_slate & ~uint64_t{4095};
  const iovec there = {.iov_base = At<void>(page), .iov_len = 4096};
  return AnswerOf("process_madvise",
                  syscall(SYS_process_madvise, pidfd.get(), &there, 1, MADV_COLD, 0));
}

AttemptResult FindPages(const AttemptTargets& targets) {
  void* const page = At<void>(targets.sibling_secret & ~uint64_t{4095});
  int status = -1;
  const long done = syscall(SYS_move_pages, targets.sibling_pid, 1ul, &page, nullptr, &status, 0);
  if (done < 0) return Refused("move_pages");
  return DoneIf(status >= 0, "no such page");
}

AttemptResult Compare(const AttemptTargets& targets) {
  return AnswerOf("kcmp", syscall(SYS_kcmp, getpid(), targets.sibling_pid, KCMP_VM, 0, 0));
}

AttemptResult FindRobustList(const AttemptTargets& targets) {
  void* head = nullptr;
  size_t size = 0;
  return AnswerOf("get_robust_list",
                  syscall(SYS_get_robust_list, targets.sibling_pid, &head, &size));
}

// Limits that were changed say so for good: the sibling's stay as they are.
AttemptResult SetLimits(const AttemptTargets& targets) {
  rlimit limit = {};
  if (prlimit(targets.sibling_pid, RLIMIT_NOFILE, nullptr, &limit) != 0)
    return Refused("prlimit64");
  return AnswerOf("prlimit64", prlimit(targets.sibling_pid, RLIMIT_NOFILE, &limit, nullptr));
}

AttemptResult SetAffinity(const AttemptTargets& targets) {
  cpu_set_t processors;
  if (sched_getaffinity(targets.sibling_pid, sizeof(processors), &processors) != 0) {
    return Refused("sched_getaffinity");
  }
  return AnswerOf("sched_setaffinity",
                  sched_setaffinity(targets.sibling_pid, sizeof(processors), &processors));
}

AttemptResult SetPriorityOfSibling(const AttemptTargets& targets) {
  errno = 0;
  const int nice = getpriority(PRIO_PROCESS, static_cast<id_t>(targets.sibling_pid));
  if (errno != 0) return Refused("getpriority");
  return AnswerOf("setpriority",
                  setpriority(PRIO_PROCESS, static_cast<id_t>(targets.sibling_pid), nice));
}

AttemptResult SetSchedulingOfSibling(const AttemptTargets& targets) {
  const sched_param none = {.sched_priority = 0};
  return AnswerOf("sched_setscheduler",
                  sched_setscheduler(targets.sibling_pid, SCHED_OTHER, &none));
}

AttemptResult AskForGroup(const AttemptTargets& targets) {
  return AnswerOf("getpgid", getpgid(targets.sibling_pid));
}

constexpr Attempt kAttempts[] = {
    {"ptrace-sibling", "Traces its sibling and reads a secret in its memory.", Trace},
    {"ptrace-traceme", "Has itself traced by its parent.", TraceMe},
    {"kill-host", "Asks whether it may signal the host (signal 0).", FindHost},
    {"kill-all", "Asks whether it may signal anybody at all (pid -1, signal 0).", FindAll},
    {"kill-sibling", "Signals its sibling.", Kill},
    {"tgkill-sibling", "Signals its sibling by tgkill.", KillThread},
    {"tkill-sibling", "Signals its sibling by tkill.", KillThreadAlone},
    {"rt-sigqueueinfo-sibling", "Signals its sibling by rt_sigqueueinfo.", Queue},
    {"rt-tgsigqueueinfo-sibling", "Signals its sibling by rt_tgsigqueueinfo.", QueueToThread},
    {"pidfd-signal-sibling", "Signals its sibling by a pidfd.", KillByPidfd},
    {"fcntl-setown-sibling",
     "Has its sibling signalled for a descriptor of its own (F_SETOWN, F_SETSIG).",
     KillByOwnership},
    {"pidfd-getfd-sibling", "Takes a descriptor out of its sibling.", TakeDescriptor},
    {"process-vm-readv-sibling", "Reads a secret in its sibling's memory.", ReadMemory},
    {"process-vm-writev-sibling", "Writes to its sibling's memory.", WriteMemory},
    {"process-madvise-sibling", "Advises the kernel on its sibling's memory.", AdviseMemory,
     Needs::kRoot},
    {"move-pages-sibling", "Asks where pages of its sibling lie.", FindPages},
    {"kcmp-sibling", "Compares a kernel object of its own with its sibling's.", Compare},
    {"robust-list-sibling", "Asks for an address in its sibling's memory.", FindRobustList},
    {"prlimit-sibling", "Sets a limit of its sibling's, to what it was.", SetLimits},
    {"affinity-sibling", "Sets its sibling's processors, to what they were.", SetAffinity},
    {"setpriority-sibling", "Sets its sibling's priority, to what it was.", SetPriorityOfSibling},
    {"setscheduler-sibling", "Sets its sibling's scheduling, to what it was.",
     SetSchedulingOfSibling},
    {"getpgid-sibling", "Asks for its sibling's process group.", AskForGroup},
};

}  // namespace

std::span<const Attempt> SiblingAttempts() { return kAttempts; }

}  // namespace forkserver::testing
