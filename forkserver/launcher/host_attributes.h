// What the launcher sets of the host's process before the host's first instruction.
//
//     {.limits = {{RLIMIT_NOFILE, 65536, 65536}}, .nice = -5, .oom_score_adj = 100}
//
// These are what a program cannot, or should not, set of itself: they hold for its loader and for
// every library's constructors too. What is not named stays as whoever started the launcher has it.
//
// There is no process group among them. The host is in the launcher's, for the terminal's sake: a
// group of its own would be a background job, stopped by its first read from the console; and made
// the terminal's foreground group it would take the terminal from the other parts of a pipeline.
#ifndef FORKSERVER_LAUNCHER_HOST_ATTRIBUTES_H_
#define FORKSERVER_LAUNCHER_HOST_ATTRIBUTES_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <initializer_list>
#include <optional>

#include "forkserver/launcher/failed_call.h"

namespace forkserver {

struct ResourceLimit {
  int resource = 0;  // RLIMIT_...
  rlim_t soft = RLIM_INFINITY;
  rlim_t hard = RLIM_INFINITY;
};

struct HostAttributes {
  std::initializer_list<ResourceLimit> limits = {};
  std::optional<int> nice = {};           // -20 to 19, as setpriority(2)
  std::optional<int> oom_score_adj = {};  // -1000 to 1000, as proc(5)
  // The folder of a cgroup of either version, "/sys/fs/cgroup/browser".
  const char* cgroup = nullptr;
};

// Of a process of this user's that has not begun, or of the caller itself.
FailedCall SetHostAttributes(pid_t pid, const HostAttributes& attributes);

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_HOST_ATTRIBUTES_H_
