// Gives up what a process could do beyond its own memory and descriptors: capabilities, the gain of
// new ones by exec, being looked into, and more memory or descriptors than its policy says.
//
// All of it is inherited by forks. The calling process must be single-threaded: each of these is a
// thread's own. No allocation, no errno.
#ifndef CHILD_SANDBOX_PRIVILEGES_H_
#define CHILD_SANDBOX_PRIVILEGES_H_

#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"

namespace forkserver {

// Empties all capability sets, the bounding set too, and has uid 0 give none back
// (capabilities(7)). A process that has none to begin with cannot empty its bounding set, which is
// then of no use to it, since no_new_privs comes next; that is no refusal.
void DropCapabilities(SandboxReport& report);

void ForbidNewPrivileges(SandboxReport& report);

void ForbidLookingIn(SandboxReport& report);

// `data_bytes`: what the process has of private writable memory itself (OwnDataBytes).
void SetLimits(const SandboxLimits& limits, uint64_t data_bytes, SandboxReport& report);

// As RLIMIT_DATA counts: VmData and VmStk of /proc/self/status; 0 where it cannot be read.
// Allocates nothing, but opens a file: before the empty root.
uint64_t OwnDataBytes();

}  // namespace forkserver

#endif  // CHILD_SANDBOX_PRIVILEGES_H_
