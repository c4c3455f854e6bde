#include "child/sandbox/own_layers.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <bit>

#include "child/sandbox/landlock.h"
#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

static_assert(std::endian::native == std::endian::little);
constexpr uint32_t kLowHalfOfFirstArgument = offsetof(seccomp_data, args);

// The architecture is not looked at: the template's filter kills a call of another one.
constexpr sock_filter kFilter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 6, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 2),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kLowHalfOfFirstArgument),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_PIDFD, 2, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
};

FORKSERVER_LAUNCH_PATH int AttachFilter() {
  const sock_fprog program = {.len = sizeof(kFilter) / sizeof(kFilter[0]),
                              .filter = const_cast<sock_filter*>(kFilter)};
  return RawSyscallError(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

}  // namespace

FORKSERVER_LAUNCH_PATH int AddOwnLayers(const OwnLayers& layers) {
  if (layers.landlock_ruleset != OwnLayers::kNoRuleset) {
    if (const int error = RestrictToOwnDomain(layers.landlock_ruleset); error != 0) return error;
  }
  return layers.filter == OwnFilter::kAttached ? AttachFilter() : 0;
}

}  // namespace forkserver
