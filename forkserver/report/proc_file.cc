#include "forkserver/report/proc_file.h"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"
#include "transceiver/read_text.h"

namespace forkserver {

absl::StatusOr<UniqueFd> OpenProcFolder(pid_t pid) {
  const std::string path = absl::StrFormat("/proc/%d", pid);
  UniqueFd folder(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return ErrnoStatus(errno, "open " + path);
  return folder;
}

absl::StatusOr<UniqueFd> OpenProcFile(int folder, pid_t pid, const char* name) {
  UniqueFd file(openat(folder, name, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus(errno, absl::StrFormat("openat /proc/%d/%s", pid, name));
  return file;
}

absl::StatusOr<std::string> ReadProcFile(int folder, pid_t pid, const char* name, size_t most) {
  const absl::StatusOr<UniqueFd> file = OpenProcFile(folder, pid, name);
  if (!file.ok()) return file.status();
  std::string text;
  for (;;) {
    const size_t before = text.size();
    text.resize(std::min(std::max<size_t>(4096, 2 * before), most + 1));
    const long got = ReadText(file->get(), text.data() + before, text.size() - before);
    if (got < 0) {
      return ErrnoStatus(static_cast<int>(-got), absl::StrFormat("read /proc/%d/%s", pid, name));
    }
    const bool is_end = before + static_cast<size_t>(got) < text.size();
    text.resize(before + static_cast<size_t>(got));
    if (is_end) return text;
    if (text.size() > most) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("/proc/%d/%s: more than %d bytes", pid, name, most));
    }
  }
}

}  // namespace forkserver
