// Makes one attempt without a sandbox, and writes the AttemptResult to its stdout, as bytes:
//
//     attempt_runner NAME TARGETS none|nobody|no-calls
//     attempt_runner --list                  prints all attempts as a table, for the docs
//
// Two names are no attempts: "die" kills the process, "say-nothing" ends it without a result.
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iterator>
#include <optional>
#include <string_view>

#include "tests/sandbox/attempts.h"

namespace {

using forkserver::testing::Attempt;
using forkserver::testing::AttemptResult;
using forkserver::testing::AttemptTargets;

constexpr unsigned kNobody = 65534;

bool BecomeNobody() {
  return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
         setresuid(kNobody, kNobody, kNobody) == 0;
}

bool HideMounts() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// All but those by which the result is told.
bool RefuseCalls() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  };
  const sock_fprog program = {.len = std::size(code), .filter = code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

int Fail(const char* what) {
  fprintf(stderr, "attempt_runner: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--list") {
    printf("%s", forkserver::testing::AttemptsAsMarkdown().c_str());
    return 0;
  }
  if (argc != 4) return Fail("NAME TARGETS none|nobody|no-calls");
  const std::string_view name = argv[1];
  if (name == "die") raise(SIGKILL);
  if (name == "say-nothing") return 0;
  const Attempt* const attempt = forkserver::testing::FindAttempt(name);
  if (attempt == nullptr) return Fail("there is no attempt of that name");
  const std::optional<AttemptTargets> targets = forkserver::testing::DecodeTargets(argv[2]);
  if (!targets) return Fail("these are no targets");
  if (geteuid() == 0 && !HideMounts()) return Fail("no mount namespace of its own");
  const std::string_view bounds = argv[3];
  if (bounds == "nobody" && !BecomeNobody()) return Fail("cannot become nobody");
  if (bounds == "no-calls" && !RefuseCalls()) return Fail("cannot refuse calls");

  const AttemptResult result = attempt->run(*targets);
  const bool written = write(STDOUT_FILENO, &result, sizeof(result)) == sizeof(result);
  // The attempt may have left the process in a state in which nothing but this call works.
  _exit(written ? 0 : 1);
}
