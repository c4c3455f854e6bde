#include "examples/browser_host/page_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transceiver/errno_status.h"

namespace browser_host {

absl::StatusOr<forkserver::UniqueFd> OpenPage(const std::string& path) {
  forkserver::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.is_open()) return forkserver::ErrnoStatus(errno, "open " + path);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return forkserver::ErrnoStatus(errno, "fstat " + path);
  // Nobody knows when a pipe will have what is to come, and a device has no end. Of a folder the
  // read says what it is.
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return absl::InvalidArgumentError("open " + path + ": not a file");
  }
  return file;
}

absl::StatusOr<std::string> ReadPage(int fd, const std::string& name) {
  std::string bytes;
  char chunk[65536];
  for (;;) {
    const ssize_t size = pread(fd, chunk, sizeof(chunk), static_cast<off_t>(bytes.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return forkserver::ErrnoStatus(errno, "read " + name);
    if (size == 0) return bytes;
    bytes.append(chunk, static_cast<size_t>(size));
    if (bytes.size() > kMaxPageBytes) {
      return absl::ResourceExhaustedError("read " + name + ": larger than 64 MiB");
    }
  }
}

}  // namespace browser_host
