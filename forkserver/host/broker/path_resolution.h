// Opens what a path names, if the rules allow both the path and what it really is.
//
//     const PathResolution files(policy, caller.pid());
//     UniqueFd fd;
//     const Resolved resolved = files.Open(path, {.flags = O_RDONLY, .rights = kMayRead}, fd);
//
// A path that has neither `..` nor a symbolic link in it is what it says: one look-up in the policy
// and one openat2 that follows no link. Anything else is opened by O_PATH first, asked for its real
// path, and looked up again: the name, with its `..` taken out lexically, must be allowed, and so
// must the real path; which is then opened following no link. Whatever is exchanged for a link
// meanwhile makes that open fail, and it starts again, a few times. A "magic" link (/proc/PID/root,
// /proc/PID/fd/3) is never followed: it may lead anywhere, also to where no path does.
//
// What is made, removed or renamed is looked for in its directory, which is opened in that way, and
// is not followed itself.
//
// /proc/self is the caller's: rules say "/proc/self/maps", and the kernel is asked for
// /proc/PID/maps. The host's own directory in /proc, and its threads', is never reached, whatever
// the rules say; a symbolic link to /proc/self leads there, and so is refused.
//
// Threads: none of its own; the policy must outlive it. May block as long as the file system does.
#ifndef FORKSERVER_HOST_BROKER_PATH_RESOLUTION_H_
#define FORKSERVER_HOST_BROKER_PATH_RESOLUTION_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "forkserver/host/broker/asked_path.h"
#include "forkserver/host/broker/path_policy.h"
#include "transceiver/unique_fd.h"

namespace forkserver {

enum class Refusal : uint8_t {
  kNone,
  kByRules,  // EACCES, and worth a record
};

struct Resolved {
  int error = 0;
  Refusal refusal = Refusal::kNone;

  bool ok() const { return error == 0; }
};

enum class Links : uint8_t { kFollow, kNone };  // kNone: a link anywhere in the path is ELOOP

class PathResolution {
 public:
  struct Wanted {
    uint64_t flags = 0;  // openat2's; O_CLOEXEC is added
    uint64_t mode = 0;   // with O_CREAT, the whole of it
    uint32_t rights = kMayNothing;
    Links links = Links::kFollow;
  };

  PathResolution(const PathPolicy& policy, pid_t caller) : policy_(policy), caller_(caller) {}

  // Without O_CREAT.
  Resolved Open(const AskedPath& path, const Wanted& wanted, UniqueFd& fd) const;

  // With O_CREAT: as Open where the file is there. It does not create what a dangling link points
  // at (ENOENT).
  Resolved Create(const AskedPath& path, const Wanted& wanted, UniqueFd& fd) const;

  // The directory (O_PATH) of the path's last component, and the real path of that component.
  // ENOENT if the path has none.
  Resolved OpenParent(const AskedPath& path, uint32_t rights, Links links, UniqueFd& parent,
                      std::string& real_path) const;

 private:
  Resolved OpenRealPath(const AskedPath& path, const Wanted& wanted, UniqueFd& fd) const;
  bool Allows(std::string_view path, uint32_t rights) const;
  // The rules' name for a path of the kernel's, and the other way.
  std::string RulesName(std::string_view path) const;
  std::string KernelName(std::string_view path) const;

  const PathPolicy& policy_;
  const pid_t caller_;
};

}  // namespace forkserver

#endif  // FORKSERVER_HOST_BROKER_PATH_RESOLUTION_H_
