// To make, change and remove files: all in the host's scratch directory, which is made anew before
// each attempt, but for one beside it.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

AttemptResult CreateAndWrite(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return Refused("openat");
  return AnswerOf("write", write(file.get(), "x", 1));
}

AttemptResult CreateFile(const AttemptTargets& targets) {
  return CreateAndWrite(PathOf(targets, "scratch/new"));
}

AttemptResult CreateInTmp(const AttemptTargets& targets) {
  return CreateAndWrite(std::string(targets.directory) + "-beside");
}

AttemptResult CreateUnnamed(const AttemptTargets& targets) {
  const UniqueFd file(
      open(PathOf(targets, "scratch").c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
  if (!file.is_open()) return Refused("openat");
  return AnswerOf("write", write(file.get(), "x", 1));
}

AttemptResult CreateInGiven(const AttemptTargets& targets) {
  const UniqueFd file(
      openat(targets.directory_fd, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return AnswerOf("openat", file.get());
}

AttemptResult OverwriteFile(const AttemptTargets& targets) {
  const UniqueFd file(open(PathOf(targets, "scratch/prey").c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return Refused("openat");
  return AnswerOf("write", write(file.get(), "changed", 7));
}

AttemptResult TruncateFile(const AttemptTargets& targets) {
  return AnswerOf("truncate", truncate(PathOf(targets, "scratch/prey").c_str(), 0));
}

AttemptResult MakeDirectory(const AttemptTargets& targets) {
  return AnswerOf("mkdir", mkdir(PathOf(targets, "scratch/made").c_str(), 0700));
}

AttemptResult RemoveDirectory(const AttemptTargets& targets) {
  return AnswerOf("rmdir", rmdir(PathOf(targets, "scratch/folder").c_str()));
}

AttemptResult Unlink(const AttemptTargets& targets) {
  return AnswerOf("unlink", unlink(PathOf(targets, "scratch/prey").c_str()));
}

AttemptResult UnlinkInGiven(const AttemptTargets& targets) {
  return AnswerOf("unlinkat", unlinkat(targets.directory_fd, "../scratch/prey", 0));
}

AttemptResult Rename(const AttemptTargets& targets) {
  return AnswerOf("rename", rename(PathOf(targets, "scratch/prey").c_str(),
                                   PathOf(targets, "scratch/renamed").c_str()));
}

AttemptResult ExchangeByRename(const AttemptTargets& targets) {
  const std::string prey = PathOf(targets, "scratch/prey");
  const std::string folder = PathOf(targets, "scratch/folder");
  return AnswerOf("renameat2", syscall(SYS_renameat2, AT_FDCWD, prey.c_str(), AT_FDCWD,
                                       folder.c_str(), RENAME_EXCHANGE));
}

AttemptResult MakeSymlink(const AttemptTargets& targets) {
  return AnswerOf("symlink", symlink("/etc/passwd", PathOf(targets, "scratch/link").c_str()));
}

AttemptResult MakeHardLink(const AttemptTargets& targets) {
  return AnswerOf("link",
                  link(PathOf(targets, "secret").c_str(), PathOf(targets, "scratch/link").c_str()));
}

AttemptResult ChangeMode(const AttemptTargets& targets) {
  return AnswerOf("chmod", chmod(PathOf(targets, "scratch/prey").c_str(), 0666));
}

AttemptResult ChangeOwner(const AttemptTargets& targets) {
  return AnswerOf("chown", chown(PathOf(targets, "scratch/prey").c_str(), 1, 1));
}

AttemptResult ChangeTimes(const AttemptTargets& targets) {
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  return AnswerOf("utimensat",
                  utimensat(AT_FDCWD, PathOf(targets, "scratch/prey").c_str(), times, 0));
}

AttemptResult SetAttribute(const AttemptTargets& targets) {
  return AnswerOf("setxattr",
                  setxattr(PathOf(targets, "scratch/prey").c_str(), "trusted.x", "x", 1, 0));
}

AttemptResult MakeDevice(const AttemptTargets& targets) {
  return AnswerOf("mknodat",
                  mknod(PathOf(targets, "scratch/device").c_str(), S_IFCHR | 0600, makedev(1, 3)));
}

AttemptResult MakeFifo(const AttemptTargets& targets) {
  return AnswerOf("mknodat", mkfifo(PathOf(targets, "scratch/fifo").c_str(), 0600));
}

constexpr Attempt kAttempts[] = {
    {"create-file", "Creates a file in a directory of the host's.", CreateFile},
    {"create-file-in-tmp", "Creates a file in /tmp.", CreateInTmp},
    {"create-unnamed-file", "Creates a file without a name (O_TMPFILE).", CreateUnnamed},
    {"create-in-given-directory", "Creates a file in the directory that it was given.",
     CreateInGiven},
    {"overwrite-file", "Writes to a file of the host's.", OverwriteFile},
    {"truncate-file", "Empties a file of the host's by its path.", TruncateFile},
    {"mkdir", "Makes a directory.", MakeDirectory},
    {"rmdir", "Removes a directory.", RemoveDirectory},
    {"unlink", "Removes a file of the host's.", Unlink},
    {"unlink-from-given-directory", "Removes a file beside the directory that it was given.",
     UnlinkInGiven},
    {"rename", "Renames a file of the host's.", Rename},
    {"rename-exchange", "Puts a file in the place of a directory (renameat2).", ExchangeByRename},
    {"symlink", "Makes a symbolic link.", MakeSymlink},
    {"hard-link", "Makes a hard link to a file of the host's.", MakeHardLink},
    {"chmod", "Changes the mode of a file of the host's.", ChangeMode},
    {"chown", "Gives a file of the host's away.", ChangeOwner, Needs::kRoot},
    {"utimensat", "Changes the times of a file of the host's.", ChangeTimes},
    {"setxattr", "Sets a trusted attribute of a file of the host's.", SetAttribute, Needs::kRoot},
    {"mknod-device", "Makes a device of its own for /dev/null.", MakeDevice, Needs::kRoot},
    {"mkfifo", "Makes a named pipe.", MakeFifo},
};

}  // namespace

std::span<const Attempt> FileChangeAttempts() { return kAttempts; }

}  // namespace forkserver::testing
