// Namespaces of its own for the calling process, and an empty read-only root in them.
//
//     NamespaceWishes wishes = {.network = NetworkAccess::kNone};
//     EnterNamespaces(wishes, report);       // each layer's outcome is in the report
//
// User, pid, mount, ipc, uts and network namespace, in this order: the first one gives a process
// that is not root the right to the others. A process that has CAP_SYS_ADMIN and may have no user
// namespace gets the others all the same. Then the root becomes an empty tmpfs that nobody can
// write to, entered by pivot_root(2), and the old one is unmounted: from here on no path leads
// anywhere, /proc neither. What the caller needs of /proc it has open before.
//
// The calling process keeps its user and group id, inside and outside; setgroups(2) is denied. Root
// without CAP_SETFCAP may not be mapped (user_namespaces(7)), to no number: its namespace is
// entered without a map, gives the right to the others all the same, and is reported as refused. It
// stays in its pid namespace itself: its children are in the new one, and the first of them is that
// namespace's init, whose death ends all others (pid_namespaces(7)).
//
// The calling process must be single-threaded (unshare(2)). No allocation, no errno: usable in a
// fork of a process that has threads. Costs some 0.5 ms, half of it for the network namespace.
#ifndef CHILD_SANDBOX_NAMESPACES_H_
#define CHILD_SANDBOX_NAMESPACES_H_

#include "child/sandbox/sandbox_policy.h"
#include "child/sandbox/sandbox_report.h"

namespace forkserver {

enum class PidNamespace : uint8_t {
  kOfItsOwn,
  kHosts,  // for a process that forks nothing: it would not be in the new one itself; is reported
};

struct NamespaceWishes {
  NetworkAccess network = NetworkAccess::kNone;
  PidNamespace pid = PidNamespace::kOfItsOwn;
};

void EnterNamespaces(const NamespaceWishes& wishes, SandboxReport& report);

}  // namespace forkserver

#endif  // CHILD_SANDBOX_NAMESPACES_H_
