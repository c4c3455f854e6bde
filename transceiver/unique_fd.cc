#include "transceiver/unique_fd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

namespace forkserver {

void UniqueFd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0 || old == fd) return;
  // EINTR is not retried: Linux has closed the descriptor all the same (close(2)).
  const int saved_errno = errno;
  if (close(old) != 0 && errno == EBADF) abort();
  errno = saved_errno;
}

}  // namespace forkserver
