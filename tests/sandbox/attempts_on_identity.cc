// To be another user, to be more, to come first.
#include <grp.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/sandbox/answers.h"

namespace forkserver::testing {
namespace {

constexpr unsigned kAnother = 1;

// In a user namespace this is that namespace's root, which is nobody outside: done, and no harm.
AttemptResult BecomeRoot(const AttemptTargets&) {
  if (syscall(SYS_setresuid, 0, 0, 0) != 0) return Refused("setresuid");
  return DoneIf(geteuid() == 0, "another user");
}

AttemptResult BecomeRootBySetuid(const AttemptTargets&) {
  return AnswerOf("setuid", syscall(SYS_setuid, 0));
}

AttemptResult BecomeAnother(const AttemptTargets&) {
  return AnswerOf("setresuid", syscall(SYS_setresuid, kAnother, kAnother, kAnother));
}

AttemptResult ChangeGroup(const AttemptTargets&) {
  return AnswerOf("setresgid", syscall(SYS_setresgid, kAnother, kAnother, kAnother));
}

AttemptResult ChangeGroups(const AttemptTargets&) {
  const gid_t groups[] = {0};
  return AnswerOf("setgroups", syscall(SYS_setgroups, 1, groups));
}

AttemptResult SetFileUser(const AttemptTargets&) {
  syscall(SYS_setfsuid, kAnother);
  // setfsuid says nothing of failure; asked for no user at all, it tells which one it is.
  const long now = syscall(SYS_setfsuid, -1);
  return now < 0 ? Refused("setfsuid") : DoneIf(now == kAnother, "the same user");
}

AttemptResult TakeCapability(const AttemptTargets&) {
  __user_cap_header_struct header = {};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  __user_cap_data_struct sets[2] = {};
  sets[0].effective = sets[0].permitted = 1u << CAP_SYS_ADMIN;
  return AnswerOf("capset", syscall(SYS_capset, &header, sets));
}

AttemptResult ComeFirst(const AttemptTargets&) {
  return AnswerOf("setpriority", setpriority(PRIO_PROCESS, 0, -20));
}

AttemptResult BeRealTime(const AttemptTargets&) {
  const sched_param first = {.sched_priority = 1};
  return AnswerOf("sched_setscheduler", sched_setscheduler(0, SCHED_FIFO, &first));
}

AttemptResult ReadFirst(const AttemptTargets&) {
  return AnswerOf("ioprio_set", syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                                        IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)));
}

AttemptResult LowerOwnLimit(const AttemptTargets&) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return Refused("getrlimit");
  return AnswerOf("setrlimit", setrlimit(RLIMIT_CORE, &limit));
}

AttemptResult LeaveSession(const AttemptTargets&) { return AnswerOf("setsid", setsid()); }

// By number: libc's getuid does not tell of failure.
AttemptResult AskWho(const AttemptTargets&) { return AnswerOf("getuid", syscall(SYS_getuid)); }

constexpr Attempt kAttempts[] = {
    {"getuid", "Asks who it is: harmless.", AskWho},
    {"setresuid-root", "Becomes root.", BecomeRoot, Needs::kRoot},
    {"setuid-root", "Becomes root by setuid.", BecomeRootBySetuid, Needs::kRoot},
    {"setresuid-another", "Becomes another user.", BecomeAnother, Needs::kRoot},
    {"setresgid", "Becomes of another group.", ChangeGroup, Needs::kRoot},
    {"setgroups", "Takes a group.", ChangeGroups, Needs::kRoot},
    {"setfsuid", "Opens files as another user.", SetFileUser, Needs::kRoot},
    {"capset-sys-admin", "Takes the capability to administer.", TakeCapability, Needs::kRoot},
    {"setpriority-first", "Takes the best priority.", ComeFirst, Needs::kRoot},
    {"sched-fifo", "Takes a real-time priority.", BeRealTime, Needs::kRoot},
    {"ioprio-real-time", "Takes a real-time priority for its reads and writes.", ReadFirst,
     Needs::kRoot},
    {"setrlimit-core", "Sets its limit of core dumps, to what it is.", LowerOwnLimit},
    {"setsid", "Leaves the session.", LeaveSession},
};

}  // namespace

std::span<const Attempt> IdentityAttempts() { return kAttempts; }

}  // namespace forkserver::testing
