#include "transceiver/unique_fd.h"

#include <errno.h>
#include <stdlib.h>

#include "transceiver/launch_path.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {

FORKSERVER_LAUNCH_PATH void UniqueFd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0 || old == fd) return;
  // EINTR is not retried: Linux has closed the descriptor all the same (close(2)). errno stays
  // what it was, for a caller that has yet to look at it.
  if (RawSyscall(SYS_close, old) == -EBADF) abort();
}

}  // namespace forkserver
