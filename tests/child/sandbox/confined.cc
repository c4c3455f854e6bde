#include "tests/child/sandbox/confined.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace forkserver::testing {

Filter FilterOf(SandboxPolicyId policy, FilterKind kind) {
  const absl::StatusOr<Filter> filter = CompileFilter(MakeSandboxPolicy(policy).calls, kind);
  if (!filter.ok()) {
    ADD_FAILURE() << filter.status();
    return {};
  }
  return *filter;
}

Filter WithoutClone3() {
  return {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
}

int Attach(const Filter& filter, unsigned flags) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
  const sock_fprog program = {.len = static_cast<unsigned short>(filter.size()),
                              .filter = const_cast<sock_filter*>(filter.data())};
  return static_cast<int>(RawSyscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

std::string Confined(const std::vector<Filter>& filters, const std::function<int()>& deed) {
  const pid_t pid = fork();
  if (pid < 0) return std::string("fork: ") + strerror(errno);
  if (pid == 0) {
    const rlimit no_core = {};
    setrlimit(RLIMIT_CORE, &no_core);
    for (const Filter& filter : filters) {
      if (Attach(filter) < 0) RawSyscall(SYS_exit_group, 254);
    }
    RawSyscall(SYS_exit_group, deed());
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return std::string("waitpid: ") + strerror(errno);
  if (WIFSIGNALED(status)) return std::string("dies of ") + sigabbrev_np(WTERMSIG(status));
  return Exits(WEXITSTATUS(status));
}

std::string Exits(int status) { return "exits with " + std::to_string(status); }

}  // namespace forkserver::testing
