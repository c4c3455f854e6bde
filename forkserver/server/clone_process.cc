#include "forkserver/server/clone_process.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

FORKSERVER_LAUNCH_PATH long RawClone(bool clone3, uint64_t flags, int* pidfd, pid_t* child_tid,
                                     pid_t* told) {
  if (clone3) {
    clone_args arguments = {};
    arguments.flags = flags | (told != nullptr ? uint64_t{CLONE_PARENT_SETTID} : 0u);
    arguments.parent_tid = reinterpret_cast<uint64_t>(told);
    arguments.pidfd = reinterpret_cast<uint64_t>(pidfd);
    arguments.child_tid = reinterpret_cast<uint64_t>(child_tid);
    return RawSyscall(SYS_clone3, &arguments, sizeof(arguments));
  }
  // clone(2) has no place of its own for the pidfd and writes it to the parent's tid. The low
  // byte of the flags is the exit signal, 0.
#if defined(__x86_64__)
  const long pid = RawSyscall(SYS_clone, flags, nullptr, pidfd, child_tid, nullptr);
#else
  const long pid = RawSyscall(SYS_clone, flags, nullptr, pidfd, nullptr, child_tid);
#endif
  // In the child that memory is not there.
  if (told != nullptr && pid > 0) *told = static_cast<pid_t>(pid);
  return pid;
}

}  // namespace

ProcessCloner ProcessCloner::Prepare(pid_t* tid) {
  ProcessCloner cloner;
  // An argument block that is too short is EINVAL where the call exists. Where it does not, and
  // behind the filters of older container engines, it is ENOSYS or EPERM.
  cloner.has_clone3_ = RawSyscall(SYS_clone3, nullptr, 0) == -EINVAL;
  cloner.tid_ = tid;
  return cloner;
}

FORKSERVER_LAUNCH_PATH ClonedProcess ProcessCloner::Clone(ChildParent parent, pid_t* told) const {
  uint64_t flags = CLONE_PIDFD;
  if (parent == ChildParent::kCallersParent) flags |= CLONE_PARENT;
  if (tid_ != nullptr) flags |= CLONE_CHILD_CLEARTID;

  int pidfd = -1;
  const long pid = RawClone(has_clone3_, flags, &pidfd, tid_, told);
  // No pidfd in the child, and none where there is no child.
  return {.pid = static_cast<pid_t>(pid), .pidfd = UniqueFd(pidfd)};
}

}  // namespace forkserver
