#include "forkserver/report/module_file.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "transceiver/errno_status.h"

namespace forkserver {
namespace {

constexpr char kProgram[] = "/proc/self/exe";
// What is read there is made up when it is read, and its owner is who says so. Those of which
// linux/magic.h has the number: not configfs, functionfs, fusectl, mqueue, nfsd, rpc_pipefs.
constexpr long kMadeUp[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,          DEBUGFS_MAGIC,
                            TRACEFS_MAGIC,       SECURITYFS_MAGIC,     CGROUP_SUPER_MAGIC,
                            CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,         FUSE_SUPER_MAGIC,
                            SELINUX_MAGIC,       SMACK_MAGIC,          AAFS_MAGIC,
                            EFIVARFS_MAGIC,      RDTGROUP_SUPER_MAGIC, BINFMTFS_MAGIC,
                            PSTOREFS_MAGIC,      XENFS_SUPER_MAGIC,    OPENPROM_SUPER_MAGIC};

std::string_view LastOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

struct Loaded {
  std::string_view name;  // of the file, without its folder
  std::vector<std::string> paths;
};

int AddIfNamed(dl_phdr_info* info, size_t, void* into) {
  auto& loaded = *static_cast<Loaded*>(into);
  if (LastOf(info->dlpi_name) == loaded.name) loaded.paths.emplace_back(info->dlpi_name);
  return 0;
}

// What was loaded under another name is not found: nobody looks at each of hundreds of libraries
// for each of hundreds.
bool IsLoadedHere(const struct stat& file, const std::string& path) {
  Loaded loaded = {.name = LastOf(path), .paths = {kProgram}};
  dl_iterate_phdr(AddIfNamed, &loaded);
  return std::any_of(loaded.paths.begin(), loaded.paths.end(), [&](const std::string& one) {
    struct stat status;
    return stat(one.c_str(), &status) == 0 && status.st_dev == file.st_dev &&
           status.st_ino == file.st_ino;
  });
}

bool IsRootsAlone(const struct stat& file) {
  return file.st_uid == 0 && (file.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

absl::StatusOr<UniqueFd> OpenModuleFile(const std::string& path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_MAGICLINKS;
  const UniqueFd found(
      static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
  if (!found.is_open()) return ErrnoStatus(errno, "openat2");
  struct stat file;
  if (fstat(found.get(), &file) != 0) return ErrnoStatus(errno, "fstat");
  if (!S_ISREG(file.st_mode)) return absl::FailedPreconditionError("no regular file");
  if (!IsLoadedHere(file, path)) {
    if (!IsRootsAlone(file)) {
      return absl::PermissionDeniedError("not loaded by this host, and not root's alone");
    }
    struct statfs system;
    if (fstatfs(found.get(), &system) != 0) return ErrnoStatus(errno, "fstatfs");
    if (std::find(std::begin(kMadeUp), std::end(kMadeUp), system.f_type) != std::end(kMadeUp)) {
      return absl::PermissionDeniedError(
          "not loaded by this host, and in a file system that makes its files up");
    }
  }
  const std::string link = absl::StrFormat("/proc/self/fd/%d", found.get());
  UniqueFd opened(open(link.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened.is_open()) return ErrnoStatus(errno, "open");
  return opened;
}

}  // namespace forkserver
