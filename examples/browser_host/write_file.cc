#include "examples/browser_host/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "transceiver/errno_status.h"
#include "transceiver/size_limit_guard.h"

namespace browser_host {

using forkserver::ErrnoStatus;

namespace {

// A new file, so that what is opened is no pipe whose reader may never come, and no link. What a
// run left that was ended before its rename makes place.
absl::StatusOr<int> OpenNew(const std::string& path) {
  const auto open_it = [&path] {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  };
  int fd = open_it();
  struct stat there;
  if (fd < 0 && errno == EEXIST && lstat(path.c_str(), &there) == 0) {
    if (!S_ISREG(there.st_mode)) {
      return absl::InvalidArgumentError("open " + path + ": it is there, and no file");
    }
    if (unlink(path.c_str()) != 0) return ErrnoStatus(errno, "unlink " + path);
    fd = open_it();
  }
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  return fd;
}

}  // namespace

absl::Status MayReplace(const std::string& path) {
  struct stat there;
  if (lstat(path.c_str(), &there) != 0 || S_ISREG(there.st_mode)) return absl::OkStatus();
  return absl::InvalidArgumentError("write " + path + ": it is there, and no file");
}

absl::Status WriteFile(
    const std::string& path,
    const std::function<absl::Status(FILE* file, const std::string& name)>& write) {
  // What is renamed takes the place of a device or a link, and not its part.
  if (absl::Status may = MayReplace(path); !may.ok()) return may;
  const std::string beside = path + ".new";
  const absl::StatusOr<int> fd = OpenNew(beside);
  if (!fd.ok()) return fd.status();
  FILE* const file = fdopen(*fd, "w");
  if (file == nullptr) {
    const absl::Status failed = ErrnoStatus(errno, "fdopen " + beside);
    close(*fd);
    unlink(beside.c_str());
    return failed;
  }
  forkserver::SizeLimitGuard guard;
  errno = 0;
  absl::Status written = write(file, beside);
  const bool failed = ferror(file) != 0 || fflush(file) != 0;
  if (failed) written.Update(ErrnoStatus(guard.Failed(errno), "write " + beside));
  // A network's file system may say only now that there is no room.
  if (fclose(file) != 0) written.Update(ErrnoStatus(errno, "close " + beside));
  if (written.ok() && rename(beside.c_str(), path.c_str()) != 0) {
    written = ErrnoStatus(errno, "rename " + beside);
  }
  if (!written.ok()) unlink(beside.c_str());
  return written;
}

}  // namespace browser_host
