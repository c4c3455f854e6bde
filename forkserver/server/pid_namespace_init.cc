#include "forkserver/server/pid_namespace_init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <utility>

#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

[[noreturn]] void Exit(int status) {
  for (;;) RawSyscall(SYS_exit_group, status);
}

[[noreturn]] void RunInit(int lifeline, const OwnLayers& own_layers, int parent_death_signal) {
  // From outside the namespace, as the host's end comes, SIGKILL reaches an init too.
  RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, parent_death_signal);
  RawSyscall(SYS_prctl, PR_SET_NAME, "fs-init");
  const uint64_t all_signals = ~uint64_t{0};
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, nullptr, sizeof(all_signals));
  if (AddOwnLayers(own_layers) != 0) Exit(1);
  if (lifeline != 0 && RawSyscall(SYS_dup3, lifeline, 0, O_CLOEXEC) < 0) Exit(1);
  RawSyscall(SYS_close_range, 1, ~0u, 0);
  for (;;) {
    // A host that died before the signal was set has hung up too.
    pollfd hang_up = {.fd = 0, .events = POLLRDHUP, .revents = 0};
    const long ready = RawSyscall(SYS_ppoll, &hang_up, 1, nullptr, nullptr, sizeof(uint64_t));
    if (ready > 0 || (ready < 0 && ready != -EINTR)) Exit(0);
  }
}

}  // namespace

int PidNamespaceInit::Prepare() { return CreateSocketPair(lifeline_); }

int PidNamespaceInit::Fork(const ProcessCloner& cloner, const OwnLayers& own_layers,
                           BirthRecord* record) {
  // The template's own: none where their parent is a thread that may end before the host does.
  int parent_death_signal = SIGKILL;
  RawSyscall(SYS_prctl, PR_GET_PDEATHSIG, &parent_death_signal);
  pid_t* const told = record != nullptr ? record->BeginInit() : nullptr;
  ClonedProcess cloned = cloner.Clone(ChildParent::kCallersParent, told);
  if (cloned.pid == 0) RunInit(lifeline_.second.get(), own_layers, parent_death_signal);
  lifeline_.second.reset();
  if (cloned.pid < 0) return -cloned.pid;
  pidfd_ = std::move(cloned.pidfd);
  return 0;
}

}  // namespace forkserver
