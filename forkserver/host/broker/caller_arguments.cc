#include "forkserver/host/broker/caller_arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "forkserver/host/broker/caller_memory.h"

namespace forkserver {
namespace {

// The kernel's own limit for structs that can grow.
constexpr uint64_t kMaxOpenHowBytes = 4096;

int ErrorOfMemory(int error) {
  // A process that does not let the host look in cannot be served.
  return error == EPERM ? EACCES : error;
}

}  // namespace

int CallerArguments::Gone() {
  caller_is_gone_ = true;
  return ENOENT;
}

int CallerArguments::CopyPath(const PathArgument& argument, std::string& text) {
  const int error = ReadPath(caller_.tid(), argument.address, text);
  if (!caller_.StillWaits()) return Gone();
  if (error != 0) text.clear();
  return ErrorOfMemory(error);
}

int CallerArguments::CopyBytes(uint64_t address, void* bytes, size_t size) {
  const int error = ReadBytes(caller_.tid(), address, bytes, size);
  if (!caller_.StillWaits()) return Gone();
  return ErrorOfMemory(error);
}

int CallerArguments::CopyOpenHow(BrokeredCall& call) {
  if (!call.has_open_how) return 0;
  const uint64_t size = call.open_how_bytes;
  if (size < sizeof(open_how)) return EINVAL;
  if (size > kMaxOpenHowBytes) return E2BIG;
  std::array<uint8_t, kMaxOpenHowBytes> bytes;
  const int error = CopyBytes(call.open_how, bytes.data(), size);
  if (error != 0) return error;
  // What a newer kernel's struct has more of must not be asked for.
  const auto end = bytes.begin() + static_cast<ptrdiff_t>(size);
  if (std::any_of(bytes.begin() + sizeof(open_how), end, [](uint8_t byte) { return byte != 0; })) {
    return E2BIG;
  }
  open_how how;
  memcpy(&how, bytes.data(), sizeof(how));
  return ApplyOpenHow(how, call);
}

DescriptorLink CallerArguments::LinkTo(int descriptor) const {
  DescriptorLink link;
  snprintf(link.text, sizeof(link.text), "/proc/%d/fd/%d", caller_.tid(), descriptor);
  return link;
}

int CallerArguments::CopyDescriptor(int descriptor, UniqueFd& copy) {
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, caller_.pid(), 0)));
  if (!pidfd.is_open()) return errno;
  copy.reset(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), descriptor, 0)));
  if (!copy.is_open()) return ErrorOfMemory(errno);
  return caller_.StillWaits() ? 0 : Gone();
}

int CallerArguments::DirectoryOf(int descriptor, std::string& path) {
  if (descriptor < 0) return EBADF;
  const DescriptorLink link = LinkTo(descriptor);
  struct stat there;
  if (stat(link.text, &there) != 0) return errno == ENOENT ? EBADF : errno;
  if (!S_ISDIR(there.st_mode)) return ENOTDIR;
  path.resize(PATH_MAX);
  const ssize_t size = readlink(link.text, path.data(), path.size());
  if (size < 0) return errno;
  if (static_cast<size_t>(size) == path.size()) return ENAMETOOLONG;
  path.resize(static_cast<size_t>(size));
  if (!caller_.StillWaits()) return Gone();
  // Not one that was removed, or is in a mount namespace where that path means another one.
  if (!path.starts_with('/')) return ENOENT;
  struct stat by_path;
  if (lstat(path.c_str(), &by_path) != 0) return errno;
  return by_path.st_dev == there.st_dev && by_path.st_ino == there.st_ino ? 0 : ENOENT;
}

std::optional<AskedPath> CallerArguments::Asked(const PathArgument& argument,
                                                const std::string& text, uint64_t resolve,
                                                int& error) {
  error = text.empty() ? ENOENT : 0;
  const bool is_absolute = text.starts_with('/');
  std::string base = "/";
  const bool is_below = (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
  if (error == 0 && argument.directory != AT_FDCWD && (!is_absolute || is_below)) {
    error = DirectoryOf(argument.directory, base);
  }
  if (error != 0) return std::nullopt;
  if (!is_below) return AskedPath(base, text);
  // Stricter than the kernel: no way up at all, and no links (Open sees to those).
  if (is_absolute && (resolve & RESOLVE_BENEATH) != 0) error = EXDEV;
  if (AskedPath("/", text).has_dot_dot()) error = EXDEV;
  if (error != 0) return std::nullopt;
  const size_t first = std::min(text.find_first_not_of('/'), text.size());
  return AskedPath(base, std::string_view(text).substr(first));
}

int CallerArguments::WriteResult(uint64_t address, const void* bytes, size_t size) {
  if (!caller_.BeginAnswer()) return Gone();
  return ErrorOfMemory(WriteBytes(caller_.tid(), address, bytes, size));
}

}  // namespace forkserver
