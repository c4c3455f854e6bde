#include "transceiver/write_all.h"

#include <errno.h>
#include <unistd.h>

#include "transceiver/size_limit_guard.h"

namespace forkserver {

int WriteAll(int fd, std::string_view bytes) {
  SizeLimitGuard guard;
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return guard.Failed(written == 0 ? EIO : errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace forkserver
