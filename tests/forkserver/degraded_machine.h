// Machines that lack something, for hosts under test: each of these takes it from the calling
// process before it starts its fork server, for good. Never in a test runner.
//
//     setup.before_start = [] { Forbid(SYS_unshare, EPERM, CLONE_NEWUSER); };
//
// Aborts where it cannot: the test would prove nothing.
#ifndef TESTS_FORKSERVER_DEGRADED_MACHINE_H_
#define TESTS_FORKSERVER_DEGRADED_MACHINE_H_

#include <seccomp.h>
#include <stdint.h>

#include <optional>

namespace forkserver::testing {

// A filter of libseccomp's, with one rule.
void Answer(uint32_t action, int system_call, std::optional<scmp_arg_cmp> when = {});

// As a container's filter does. With `flags`: where the first argument has one of them.
void Forbid(int system_call, uint16_t error, uint64_t flags = 0);

// Where the second argument is `command`: of fcntl, ioctl or prctl.
void ForbidCommand(int system_call, uint64_t command, uint16_t error);

// A filter of a supervisor that answers nobody: a caller of this hangs. The listener stays open.
void Hang(int system_call);

// Uid and gid 65534, without capabilities, and dumpable as an exec would leave it.
void BecomeNobody();

// The same without an exec: as a daemon does that begins as root.
void DropToNobody();

// A user that nobody else on the machine is, so that what the kernel counts of a user's (processes,
// descriptors in flight) is this host's alone. As BecomeNobody otherwise; nothing in what such a
// host exec's.
void BecomeAUserOfItsOwn();

void ForbidNewPrivilegesForGood();

// A user namespace in which the calling process has all capabilities, and keeps its ids.
void EnterOwnUserNamespace();

// The same, and none of `kind` ("user", "pid") may be made in it.
void EnterUserNamespaceWithoutRoomFor(const char* kind);

// In a mount namespace of its own from then on, with nothing at `folder` and no way to change that.
void CoverWithNothing(const char* folder);

// Children of the calling process are in a new pid namespace from then on, the first as its init.
void HaveChildrenInANewPidNamespace();

// Returns in a child that is init of a pid namespace, with a /proc of it. The process that called
// waits for that child, and ends as it does.
void BecomeInitOfOwnPidNamespace();

}  // namespace forkserver::testing

#endif  // TESTS_FORKSERVER_DEGRADED_MACHINE_H_
