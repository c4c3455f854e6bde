#include "preload/single_thread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

std::string ThreadName(int tid) {
  UniqueFd fd(open(absl::StrFormat("/proc/self/task/%d/comm", tid).c_str(), O_RDONLY | O_CLOEXEC));
  char name[32];
  const ssize_t size = fd.is_open() ? read(fd.get(), name, sizeof(name)) : -1;
  if (size <= 0) return "?";
  return std::string(name, static_cast<size_t>(size - 1));  // without the newline
}

}  // namespace

absl::Status CheckSingleThreaded() {
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(opendir("/proc/self/task"), closedir);
  if (tasks == nullptr) return ErrnoStatus(errno, "opendir /proc/self/task");
  const int self = gettid();
  while (const dirent* entry = readdir(tasks.get())) {
    const int tid = atoi(entry->d_name);
    if (tid == 0 || tid == self) continue;
    return absl::FailedPreconditionError(
        absl::StrFormat("thread '%s' (tid %d) runs beside the main thread", ThreadName(tid), tid));
  }
  return absl::OkStatus();
}

}  // namespace forkserver
