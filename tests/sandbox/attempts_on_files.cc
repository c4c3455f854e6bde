// To read files, and to learn of them.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

AttemptResult Holds(std::string_view call, long fd, const AttemptTargets& targets) {
  if (fd < 0) return Refused(call);
  const UniqueFd file(static_cast<int>(fd));
  return HoldsSecret(file.get(), targets);
}

AttemptResult ReadPasswords(const AttemptTargets&) {
  const UniqueFd file(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  char text[5] = {};
  if (read(file.get(), text, sizeof(text)) < 0) return Refused("read");
  return DoneIf(memcmp(text, "root:", 5) == 0, "another content");
}

AttemptResult ReadSecret(const AttemptTargets& targets) {
  return Holds("openat", open(PathOf(targets, "secret").c_str(), O_RDONLY | O_CLOEXEC), targets);
}

AttemptResult ReadSecretByOpen(const AttemptTargets& targets) {
  const std::string path = PathOf(targets, "secret");
  return Holds("open", syscall(SYS_open, path.c_str(), O_RDONLY | O_CLOEXEC, 0), targets);
}

AttemptResult ReadSecretByOpenat2(const AttemptTargets& targets) {
  const std::string path = PathOf(targets, "secret");
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC;
  return Holds("openat2", syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how)), targets);
}

AttemptResult ReadSecretByDirectory(const AttemptTargets& targets) {
  if (chdir(targets.directory) != 0) return Refused("chdir");
  return Holds("openat", open("secret", O_RDONLY | O_CLOEXEC), targets);
}

AttemptResult StatSecret(const AttemptTargets& targets) {
  struct statx about = {};
  const std::string path = PathOf(targets, "secret");
  if (statx(AT_FDCWD, path.c_str(), 0, STATX_SIZE, &about) != 0) return Refused("statx");
  return DoneIf(about.stx_size == kSecretBytes, "another size");
}

// As an fstat is made, but that the name is not empty.
AttemptResult StatByName(int directory, const std::string& path) {
  struct stat about = {};
  if (syscall(SYS_newfstatat, directory, path.c_str(), &about, AT_EMPTY_PATH) != 0) {
    return Refused("newfstatat");
  }
  return DoneIf(about.st_size == kSecretBytes, "another size");
}

AttemptResult StatSecretAsFstat(const AttemptTargets& targets) {
  return StatByName(AT_FDCWD, PathOf(targets, "secret"));
}

AttemptResult StatBesideGiven(const AttemptTargets& targets) {
  return StatByName(targets.directory_fd, "../secret");
}

AttemptResult FindDirectory(const AttemptTargets& targets) {
  return AnswerOf("chdir", chdir(targets.directory));
}

AttemptResult AccessSecret(const AttemptTargets& targets) {
  return AnswerOf("access", access(PathOf(targets, "secret").c_str(), R_OK));
}

AttemptResult ReadGiven(const AttemptTargets& targets) {
  return Holds("openat", openat(targets.directory_fd, "inside", O_RDONLY | O_CLOEXEC), targets);
}

AttemptResult LeaveGiven(const AttemptTargets& targets) {
  return Holds("openat", openat(targets.directory_fd, "../secret", O_RDONLY | O_CLOEXEC), targets);
}

AttemptResult EnterGiven(const AttemptTargets& targets) {
  if (fchdir(targets.directory_fd) != 0) return Refused("fchdir");
  return Holds("openat", open("../secret", O_RDONLY | O_CLOEXEC), targets);
}

AttemptResult LeaveGivenByProc(const AttemptTargets& targets) {
  const std::string path = "/proc/self/fd/" + std::to_string(targets.directory_fd) + "/../secret";
  return Holds("openat", open(path.c_str(), O_RDONLY | O_CLOEXEC), targets);
}

// Whether the directory has an entry of that name.
AttemptResult Lists(int directory, std::string_view name) {
  struct Entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
  };
  alignas(Entry) char buffer[16384];
  for (;;) {
    const long size = syscall(SYS_getdents64, directory, buffer, sizeof(buffer));
    if (size < 0) return Refused("getdents64");
    if (size == 0) return Elsewhere("not in the list");
    for (long at = 0; at < size;) {
      const Entry* const entry = reinterpret_cast<const Entry*>(buffer + at);
      if (name == entry->name) return Done();
      at += entry->bytes;
    }
  }
}

AttemptResult ListGiven(const AttemptTargets& targets) {
  return Lists(targets.directory_fd, "inside");
}

AttemptResult ListRoot(const AttemptTargets&) {
  const UniqueFd root(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return Refused("openat");
  return Lists(root.get(), "etc");
}

AttemptResult ListProcesses(const AttemptTargets& targets) {
  const UniqueFd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc.is_open()) return Refused("openat");
  return Lists(proc.get(), std::to_string(targets.sibling_pid));
}

AttemptResult OpenByHandle(const AttemptTargets& targets) {
  if (targets.handle_bytes == 0) return Unavailable("no file handles here", EOPNOTSUPP);
  alignas(file_handle) char memory[sizeof(file_handle) + kHandleBytes] = {};
  file_handle* const handle = reinterpret_cast<file_handle*>(memory);
  handle->handle_bytes = static_cast<unsigned>(targets.handle_bytes);
  handle->handle_type = targets.handle_type;
  memcpy(handle->f_handle, targets.handle, kHandleBytes);
  return Holds("open_by_handle_at",
               open_by_handle_at(targets.directory_fd, handle, O_RDONLY | O_CLOEXEC), targets);
}

AttemptResult NameToHandle(const AttemptTargets& targets) {
  alignas(file_handle) char memory[sizeof(file_handle) + kHandleBytes] = {};
  file_handle* const handle = reinterpret_cast<file_handle*>(memory);
  handle->handle_bytes = kHandleBytes;
  int mount = 0;
  return AnswerOf("name_to_handle_at",
                  name_to_handle_at(targets.directory_fd, "inside", handle, &mount, 0));
}

AttemptResult WatchEtc(const AttemptTargets&) {
  const UniqueFd watcher(inotify_init1(IN_CLOEXEC));
  if (!watcher.is_open()) return Refused("inotify_init1");
  return AnswerOf("inotify_add_watch", inotify_add_watch(watcher.get(), "/etc", IN_ALL_EVENTS));
}

AttemptResult WatchEverything(const AttemptTargets&) {
  const UniqueFd watcher(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC));
  return AnswerOf("fanotify_init", watcher.get());
}

AttemptResult OpenTerminals(const AttemptTargets&) {
  const UniqueFd terminal(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  return AnswerOf("openat", terminal.get());
}

AttemptResult OpenNull(const AttemptTargets&) {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.is_open()) return Refused("openat");
  struct stat about = {};
  if (fstat(null.get(), &about) != 0) return Refused("fstat");
  return DoneIf(S_ISCHR(about.st_mode), "not a device");
}

AttemptResult ReadCpuList(const AttemptTargets&) {
  const UniqueFd file(open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  char text[64] = {};
  const ssize_t size = read(file.get(), text, sizeof(text));
  return size < 0 ? Refused("read") : DoneIf(size > 0 && text[0] == '0', "another content");
}

constexpr Attempt kAttempts[] = {
    {"read-etc-passwd", "Reads /etc/passwd.", ReadPasswords},
    {"read-secret-file", "Reads a file of the host's by its path.", ReadSecret},
    {"read-secret-by-open", "The same by open(2), which libc has no more use for.",
     ReadSecretByOpen},
    {"read-secret-by-openat2", "The same by openat2, whose flags no filter sees.",
     ReadSecretByOpenat2},
    {"read-secret-by-chdir", "Goes to the file's directory and opens it by its name.",
     ReadSecretByDirectory},
    {"stat-secret-file", "Asks for the size of a file of the host's.", StatSecret},
    {"stat-secret-file-as-fstat", "The same with the flag that an fstat has (AT_EMPTY_PATH).",
     StatSecretAsFstat},
    {"chdir-to-directory", "Learns that a directory of the host's is there, by going to it.",
     FindDirectory},
    {"access-secret-file", "Asks whether it may read a file of the host's.", AccessSecret},
    {"read-in-given-directory", "Opens a file in a directory whose descriptor it was given.",
     ReadGiven},
    {"list-given-directory", "Lists a directory whose descriptor it was given.", ListGiven},
    {"leave-given-directory", "Opens `../secret` from the directory that it was given.",
     LeaveGiven},
    {"enter-given-directory", "Goes to the directory that it was given, and opens `../secret`.",
     EnterGiven},
    {"stat-beside-given-directory",
     "Asks for the size of `../secret`, from the directory that it was given, as an fstat does.",
     StatBesideGiven},
    {"leave-given-directory-by-proc", "Opens `/proc/self/fd/N/../secret`.", LeaveGivenByProc},
    {"list-root", "Lists / and finds etc there.", ListRoot},
    {"list-processes", "Lists /proc and finds its sibling there.", ListProcesses},
    {"open-by-handle", "Opens a file of the host's by its handle, past every directory.",
     OpenByHandle, Needs::kRoot},
    {"name-to-handle", "Asks for the handle of a file, to be opened by it elsewhere.",
     NameToHandle},
    {"inotify-etc", "Watches /etc.", WatchEtc},
    {"fanotify-init", "Asks for permission events of all files.", WatchEverything, Needs::kRoot},
    {"open-ptmx", "Makes a pseudo-terminal.", OpenTerminals},
    {"open-dev-null", "Opens /dev/null: harmless, and many libraries do.", OpenNull},
    {"read-sys-cpu", "Reads which processors are online in /sys.", ReadCpuList},
};

}  // namespace

std::span<const Attempt> FileAttempts() { return kAttempts; }

}  // namespace forkserver::testing
