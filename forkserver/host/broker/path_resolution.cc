#include "forkserver/host/broker/path_resolution.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace forkserver {
namespace {

constexpr std::string_view kProc = "/proc/";
constexpr std::string_view kSelf = "/proc/self";
constexpr uint64_t kNoLinks = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
// How often a path may turn into another one under our hands.
constexpr int kTries = 4;

constexpr Resolved kRefused = {.error = EACCES, .refusal = Refusal::kByRules};

// 0 or an errno.
int OpenAt2(int directory, const char* path, uint64_t flags, uint64_t mode, uint64_t resolve,
            UniqueFd& fd) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve;
  fd.reset(static_cast<int>(syscall(SYS_openat2, directory, path, &how, sizeof(how))));
  return fd.is_open() ? 0 : errno;
}

int RealPathOf(int fd, std::string& path) {
  char link[sizeof("/proc/self/fd/") + 11];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  path.resize(PATH_MAX);
  const ssize_t size = readlink(link, path.data(), path.size());
  if (size < 0) return errno;
  if (static_cast<size_t>(size) == path.size()) return ENAMETOOLONG;
  path.resize(static_cast<size_t>(size));
  // Pipes, sockets and what is out of the host's sight have no path.
  return path.starts_with('/') ? 0 : EACCES;
}

// What is left of `path` after `directory`: "" or "/...". Null data: it is not in there.
std::string_view Within(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory)) return {};
  const std::string_view rest = path.substr(directory.size());
  return rest.empty() || rest.starts_with('/') ? rest : std::string_view();
}

// Whether a path in /proc is about this process: by its number, or by one of its threads'.
bool IsOfTheHost(std::string_view path, pid_t caller) {
  const pid_t number = static_cast<pid_t>(atoi(std::string(path.substr(kProc.size())).c_str()));
  const pid_t host = getpid();
  // The caller is the host in tests only.
  if (number <= 0 || host == caller) return false;
  return syscall(SYS_tgkill, host, number, 0) == 0;
}

std::string Joined(std::string_view directory, std::string_view leaf) {
  return directory == "/" ? absl::StrCat("/", std::string(leaf))
                          : absl::StrCat(std::string(directory), "/", std::string(leaf));
}

}  // namespace

std::string PathResolution::KernelName(std::string_view path) const {
  const std::string_view rest = Within(path, kSelf);
  if (rest.data() == nullptr) return std::string(path);
  return absl::StrCat("/proc/", caller_, std::string(rest));
}

std::string PathResolution::RulesName(std::string_view path) const {
  if (!path.starts_with(kProc)) return std::string(path);
  const std::string_view rest = Within(path, absl::StrCat("/proc/", caller_));
  if (rest.data() == nullptr) return std::string(path);
  return absl::StrCat("/proc/self", std::string(rest));
}

bool PathResolution::Allows(std::string_view path, uint32_t rights) const {
  if (path.starts_with(kProc)) {
    return !IsOfTheHost(path, caller_) && policy_.Allows(RulesName(path), rights);
  }
  return policy_.Allows(path, rights);
}

Resolved PathResolution::Open(const AskedPath& path, const Wanted& wanted, UniqueFd& fd) const {
  if (!Allows(path.normal(), wanted.rights)) return kRefused;
  if (!path.has_dot_dot()) {
    const int error =
        OpenAt2(AT_FDCWD, KernelName(path.full()).c_str(), wanted.flags, wanted.mode, kNoLinks, fd);
    if (error != ELOOP || wanted.links == Links::kNone) return {.error = error};
  }
  return OpenRealPath(path, wanted, fd);
}

Resolved PathResolution::OpenRealPath(const AskedPath& path, const Wanted& wanted,
                                      UniqueFd& fd) const {
  const std::string name = KernelName(path.full());
  const uint64_t resolve =
      RESOLVE_NO_MAGICLINKS | (wanted.links == Links::kNone ? RESOLVE_NO_SYMLINKS : 0);
  for (int i = 0; i < kTries; ++i) {
    UniqueFd found;
    int error =
        OpenAt2(AT_FDCWD, name.c_str(), O_PATH | (wanted.flags & O_NOFOLLOW), 0, resolve, found);
    if (error != 0) return {.error = error};
    std::string real;
    error = RealPathOf(found.get(), real);
    if (error != 0) return {.error = error};
    if (!Allows(real, wanted.rights)) return kRefused;
    if (path.wants_directory() && !real.ends_with('/')) real.append("/");
    error = OpenAt2(AT_FDCWD, real.c_str(), wanted.flags, wanted.mode, kNoLinks, fd);
    if (error != ELOOP) return {.error = error};
  }
  return {.error = ELOOP};
}

Resolved PathResolution::OpenParent(const AskedPath& path, uint32_t rights, Links links,
                                    UniqueFd& parent, std::string& real_path) const {
  if (!Allows(path.normal(), rights)) return kRefused;
  if (!path.has_leaf()) return {.error = ENOENT};
  std::string_view leaf = path.leaf();
  if (leaf.ends_with('/')) leaf.remove_suffix(1);
  const AskedPath directory = path.Parent();
  const std::string name = KernelName(directory.full());
  constexpr uint64_t kFlags = O_PATH | O_DIRECTORY;
  if (!directory.has_dot_dot()) {
    const int error = OpenAt2(AT_FDCWD, name.c_str(), kFlags, 0, kNoLinks, parent);
    real_path = path.normal();
    if (error != ELOOP || links == Links::kNone) return {.error = error};
  }
  const uint64_t resolve =
      RESOLVE_NO_MAGICLINKS | (links == Links::kNone ? RESOLVE_NO_SYMLINKS : 0);
  for (int i = 0; i < kTries; ++i) {
    UniqueFd found;
    int error = OpenAt2(AT_FDCWD, name.c_str(), kFlags, 0, resolve, found);
    if (error != 0) return {.error = error};
    std::string real;
    error = RealPathOf(found.get(), real);
    if (error != 0) return {.error = error};
    real_path = Joined(real, leaf);
    if (!Allows(real_path, rights)) return kRefused;
    error = OpenAt2(AT_FDCWD, real.c_str(), kFlags, 0, kNoLinks, parent);
    if (error != ELOOP) return {.error = error};
  }
  return {.error = ELOOP};
}

Resolved PathResolution::Create(const AskedPath& path, const Wanted& wanted, UniqueFd& fd) const {
  UniqueFd parent;
  std::string real_path;
  const Resolved resolved = OpenParent(path, wanted.rights, wanted.links, parent, real_path);
  if (!resolved.ok()) return resolved;
  const std::string leaf(path.leaf());
  const int error = OpenAt2(parent.get(), leaf.c_str(), wanted.flags, wanted.mode, kNoLinks, fd);
  if (error != ELOOP || (wanted.flags & O_NOFOLLOW) != 0 || wanted.links == Links::kNone) {
    return {.error = error};
  }
  Wanted existing = wanted;
  existing.flags &= ~uint64_t{O_CREAT | O_EXCL};
  existing.mode = 0;
  return OpenRealPath(path, existing, fd);
}

}  // namespace forkserver
