#include "forkserver/launcher/host_attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

// Files of /proc and of cgroups take a number in one write. 0, or the errno.
int WriteNumber(const char* path, int number) {
  const UniqueFd fd(open(path, O_WRONLY | O_CLOEXEC));
  if (!fd.is_open()) return errno;
  char text[16];
  const int size = snprintf(text, sizeof(text), "%d", number);
  const ssize_t written = write(fd.get(), text, static_cast<size_t>(size));
  if (written < 0) return errno;
  // Less than all is no number, and leaves errno as it was.
  return written == size ? 0 : EIO;
}

}  // namespace

FailedCall SetHostAttributes(pid_t pid, const HostAttributes& attributes) {
  char path[PATH_MAX];
  // The cgroup first: what it accounts for is then all of the host's.
  if (attributes.cgroup != nullptr) {
    const int size = snprintf(path, sizeof(path), "%s/cgroup.procs", attributes.cgroup);
    const int error =
        size >= static_cast<int>(sizeof(path)) ? ENAMETOOLONG : WriteNumber(path, pid);
    if (error != 0) return {.call = "write the host's pid to cgroup.procs", .error = error};
  }
  for (const ResourceLimit& limit : attributes.limits) {
    const rlimit both = {.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &both, nullptr) != 0) {
      return {.call = "prlimit of the host", .error = errno};
    }
  }
  if (attributes.nice && setpriority(PRIO_PROCESS, static_cast<id_t>(pid), *attributes.nice) != 0) {
    return {.call = "setpriority of the host", .error = errno};
  }
  if (attributes.oom_score_adj) {
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
    if (const int error = WriteNumber(path, *attributes.oom_score_adj); error != 0) {
      return {.call = "write the host's oom_score_adj", .error = error};
    }
  }
  return {};
}

}  // namespace forkserver
