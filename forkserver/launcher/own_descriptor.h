// Where the launcher keeps its own descriptors: above those that programs count on.
//
//     UniqueFd fd(signalfd(...));
//     if (!MoveOutOfTheWay(fd)) return {.call = "fcntl F_DUPFD_CLOEXEC", .error = errno};
//
// If 0 to 2 were closed at the start, they stay so: what the launcher opens there would be where
// the host's output goes. And one of its descriptors is open in the host (host_start.h), where the
// first file that the host opens gets the number that it would have without a launcher.
#ifndef FORKSERVER_LAUNCHER_OWN_DESCRIPTOR_H_
#define FORKSERVER_LAUNCHER_OWN_DESCRIPTOR_H_

#include <errno.h>
#include <fcntl.h>

#include "transceiver/unique_fd.h"

namespace forkserver {

// Below 64, so that the host's table of descriptors does not grow for it.
inline constexpr int kFirstOwnDescriptor = 50;

// False: errno says why not.
[[nodiscard]] inline bool MoveOutOfTheWay(UniqueFd& fd) {
  int moved = fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstOwnDescriptor);
  // `ulimit -n` is below that.
  if (moved < 0 && errno == EINVAL) moved = fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
  if (moved < 0) return false;
  fd.reset(moved);
  return true;
}

}  // namespace forkserver

#endif  // FORKSERVER_LAUNCHER_OWN_DESCRIPTOR_H_
