#include "tests/forkserver/degraded_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_format.h"

namespace forkserver::testing {
namespace {

void Require(bool done, const char* what) {
  if (done) return;
  perror(what);
  abort();
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  Require(file.good(), path.c_str());
}

void DropTo(unsigned user) {
  Require(setgroups(0, nullptr) == 0 && setresgid(user, user, user) == 0 &&
              setresuid(user, user, user) == 0,
          "setresuid");
}

void BeDumpable() { Require(prctl(PR_SET_DUMPABLE, 1) == 0, "prctl PR_SET_DUMPABLE"); }

}  // namespace

void Answer(uint32_t action, int system_call, std::optional<scmp_arg_cmp> when) {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  const int added = when ? seccomp_rule_add(filter, action, system_call, 1, *when)
                         : seccomp_rule_add(filter, action, system_call, 0);
  Require(added == 0 && seccomp_load(filter) == 0, "seccomp_load");
  seccomp_release(filter);
}

void Forbid(int system_call, uint16_t error, uint64_t flags) {
  if (flags == 0) return Answer(SCMP_ACT_ERRNO(error), system_call);
  for (uint64_t flag = 1; flag <= flags; flag <<= 1) {
    if ((flags & flag) == 0) continue;
    Answer(SCMP_ACT_ERRNO(error), system_call, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
  }
}

void ForbidCommand(int system_call, uint64_t command, uint16_t error) {
  // 32 bits of it: what is above is not the kernel's.
  Answer(SCMP_ACT_ERRNO(error), system_call,
         SCMP_A1(SCMP_CMP_MASKED_EQ, uint64_t{UINT32_MAX}, command));
}

void Hang(int system_call) {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  Require(
      seccomp_rule_add(filter, SCMP_ACT_NOTIFY, system_call, 0) == 0 && seccomp_load(filter) == 0,
      "seccomp_load with a listener");
  // libseccomp closes its own.
  Require(fcntl(seccomp_notify_fd(filter), F_DUPFD_CLOEXEC, 0) >= 0, "fcntl F_DUPFD_CLOEXEC");
  seccomp_release(filter);
}

void DropToNobody() { DropTo(65534); }

void BecomeNobody() {
  DropToNobody();
  BeDumpable();
}

void BecomeAUserOfItsOwn() {
  if (geteuid() != 0) return;
  DropTo(1'500'000'000 + static_cast<unsigned>(getpid()));
  BeDumpable();
}

void ForbidNewPrivilegesForGood() {
  Require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "prctl PR_SET_NO_NEW_PRIVS");
}

void EnterOwnUserNamespace() {
  const unsigned user = geteuid();
  const unsigned group = getegid();
  Require(unshare(CLONE_NEWUSER) == 0, "unshare CLONE_NEWUSER");
  Write("/proc/self/setgroups", "deny");
  Write("/proc/self/uid_map", absl::StrFormat("%d %d 1", user, user));
  Write("/proc/self/gid_map", absl::StrFormat("%d %d 1", group, group));
}

void EnterUserNamespaceWithoutRoomFor(const char* kind) {
  EnterOwnUserNamespace();
  Write(absl::StrFormat("/proc/sys/user/max_%s_namespaces", kind), "0");
}

void CoverWithNothing(const char* folder) {
  Require(unshare(CLONE_NEWNS) == 0, "unshare CLONE_NEWNS");
  Require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
              mount("nothing", folder, "tmpfs", MS_RDONLY, nullptr) == 0,
          folder);
}

void HaveChildrenInANewPidNamespace() {
  Require(unshare(CLONE_NEWPID) == 0, "unshare CLONE_NEWPID");
}

void BecomeInitOfOwnPidNamespace() {
  Require(unshare(CLONE_NEWPID | CLONE_NEWNS) == 0, "unshare CLONE_NEWPID");
  const pid_t pid = fork();
  Require(pid >= 0, "fork");
  if (pid > 0) {
    int status = 0;
    Require(waitpid(pid, &status, 0) == pid, "waitpid");
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  Require(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl PR_SET_PDEATHSIG");
  Require(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
              mount("proc", "/proc", "proc", 0, nullptr) == 0,
          "mount of /proc");
}

}  // namespace forkserver::testing
