#include "preload/single_thread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "preload/own_proc.h"
#include "transceiver/errno_status.h"
#include "transceiver/read_text.h"
#include "transceiver/unique_fd.h"

namespace forkserver {
namespace {

// The text of a small file of a thread in /proc, empty if the thread is gone.
std::string ReadTaskFile(int proc_self, int tid, const char* name) {
  UniqueFd fd(OpenInOwnProc(proc_self, absl::StrFormat("task/%d/%s", tid, name).c_str(), O_RDONLY));
  char text[512];
  const long size = fd.is_open() ? ReadText(fd.get(), text, sizeof(text)) : -1;
  return size <= 0 ? std::string() : std::string(text, static_cast<size_t>(size));
}

// pthread_join returns before the kernel has taken the thread off the list: one that is on its way
// out holds no lock any more, and must not be taken for one that runs. proc(5): the flags are the
// seventh field behind the name, which may hold anything and ends in the last ')'.
bool IsExiting(int proc_self, int tid) {
  constexpr unsigned kExitingFlag = 0x4;  // PF_EXITING
  const std::string stat = ReadTaskFile(proc_self, tid, "stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == stat.npos) return true;
  unsigned flags = 0;
  sscanf(stat.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %u", &flags);
  return (flags & kExitingFlag) != 0;
}

std::string ThreadName(int proc_self, int tid) {
  const std::string name = ReadTaskFile(proc_self, tid, "comm");
  return name.empty() ? "?" : name.substr(0, name.size() - 1);  // without the newline
}

// As this /proc has it: that of another pid namespace has other numbers for the same threads. There
// the caller must be the main thread, whose number is the process's.
int OwnTid(int proc_self) {
  UniqueFd fd(OpenInOwnProc(proc_self, "stat", O_RDONLY));
  char text[32] = {};
  if (!fd.is_open() || ReadText(fd.get(), text, sizeof(text) - 1) <= 0) return gettid();
  const int pid = atoi(text);
  return pid == getpid() ? gettid() : pid;
}

// unshare(2) of what only threads share does nothing for who is alone, and is EINVAL for others.
absl::Status CheckWithoutProc(int error) {
  if (error == ENOENT && unshare(CLONE_THREAD) == 0) return absl::OkStatus();
  if (error != ENOENT || errno != EINVAL) return ErrnoStatus(error, "open /proc/self/task");
  return absl::FailedPreconditionError(
      "a thread runs beside the calling one, and open "
      "/proc/self/task: " +
      ErrnoName(error));
}

}  // namespace

absl::Status CheckSingleThreaded(int proc_self) {
  UniqueFd directory(OpenInOwnProc(proc_self, "task", O_RDONLY | O_DIRECTORY));
  if (!directory.is_open()) return CheckWithoutProc(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(fdopendir(directory.get()), closedir);
  if (tasks == nullptr) return ErrnoStatus(errno, "fdopendir /proc/self/task");
  (void)directory.release();
  const int self = OwnTid(proc_self);
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(tasks.get());
    if (entry == nullptr) break;
    const int tid = atoi(entry->d_name);
    if (tid == 0 || tid == self || IsExiting(proc_self, tid)) continue;
    return absl::FailedPreconditionError(absl::StrFormat(
        "thread '%s' (tid %d) runs beside the calling one", ThreadName(proc_self, tid), tid));
  }
  return errno == 0 ? absl::OkStatus() : ErrnoStatus(errno, "readdir /proc/self/task");
}

}  // namespace forkserver
