#include "forkserver/host/broker/file_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "forkserver/host/broker/brokered_call.h"
#include "forkserver/host/broker/caller_memory.h"

namespace forkserver {
namespace {

// readlink(2) truncates at whatever size it is given; no link is longer than this.
constexpr size_t kMaxLinkBytes = PATH_MAX;
// The kernel's own limit for structs that can grow.
constexpr uint64_t kMaxOpenHowBytes = 4096;

struct FdLink {
  char text[sizeof("/proc//fd/") + 2 * 11];
};

// The link to a descriptor in /proc. Opening, stat and access go through it to the open file.
FdLink LinkTo(pid_t tid, int fd) {
  FdLink link;
  snprintf(link.text, sizeof(link.text), "/proc/%d/fd/%d", tid, fd);
  return link;
}

int ErrorOfMemory(int error) {
  // A process that does not let the host look in cannot be served.
  return error == EPERM ? EACCES : error;
}

class Operation {
 public:
  Operation(const PathPolicy& policy, Caller& caller, const FileBrokerOptions& options)
      : policy_(policy), caller_(caller), options_(options), resolution_(policy, caller.pid()) {}

  FileAnswer CarryOut(const seccomp_data& data);

 private:
  // Each sets answer_; the int is 0, or the error to set.
  int Run();
  int Open();
  int Stat();
  int Access();
  int ReadLink();
  int MakeDirectory();
  int Remove(int flags);
  int Rename();
  int Connect();

  int CopyOpenHow();
  int CopyPath(const PathArgument& argument, std::string& text);
  // The path as asked for, or nothing and an error.
  std::optional<AskedPath> Asked(const PathArgument& argument, const std::string& text, int& error);
  int DirectoryOf(int descriptor, std::string& path);
  std::optional<AskedPath> FirstPath(int& error);
  bool IsOfDescriptor();
  int OpenForLook(const AskedPath& path, uint32_t rights, UniqueFd& fd);
  int WriteResult(const void* bytes, size_t size);
  int Error(const Resolved& resolved) {
    answer_.refusal = resolved.refusal;
    return resolved.error;
  }
  int RefusedByRules() { return Error({.error = EACCES, .refusal = Refusal::kByRules}); }
  int Gone() {
    answer_.caller_is_gone = true;
    return ENOENT;
  }

  const PathPolicy& policy_;
  Caller& caller_;
  const FileBrokerOptions& options_;
  const PathResolution resolution_;
  BrokeredCall call_ = {};
  FileAnswer answer_ = {};
};

FileAnswer Operation::CarryOut(const seccomp_data& data) {
  answer_.error = DecodeCall(data, call_);
  if (answer_.error == 0) answer_.error = Run();
  if (answer_.error == ESRCH) answer_.caller_is_gone = !caller_.StillWaits();
  return std::move(answer_);
}

int Operation::Run() {
  if (call_.operation == FileOperation::kConnect) return Connect();
  if (call_.has_open_how) {
    const int error = CopyOpenHow();
    if (error != 0) return error;
  }
  // statx(fd, NULL, AT_EMPTY_PATH), since Linux 6.11.
  const bool has_no_path = call_.path.address == 0 && (call_.at_flags & AT_EMPTY_PATH) != 0;
  if (!has_no_path) {
    const int error = CopyPath(call_.path, answer_.path);
    if (error != 0) return error;
  }
  switch (call_.operation) {
    case FileOperation::kOpen:
      return Open();
    case FileOperation::kStat:
    case FileOperation::kStatx:
      return Stat();
    case FileOperation::kAccess:
      return Access();
    case FileOperation::kReadLink:
      return ReadLink();
    case FileOperation::kMakeDirectory:
      return MakeDirectory();
    case FileOperation::kUnlink:
      return Remove(0);
    case FileOperation::kRemoveDirectory:
      return Remove(AT_REMOVEDIR);
    case FileOperation::kRename:
      return Rename();
    case FileOperation::kConnect:
      break;
  }
  return ENOSYS;
}

int Operation::CopyOpenHow() {
  const uint64_t size = call_.open_how_bytes;
  if (size < sizeof(open_how)) return EINVAL;
  if (size > kMaxOpenHowBytes) return E2BIG;
  std::array<uint8_t, kMaxOpenHowBytes> bytes;
  const int error = ReadBytes(caller_.tid(), call_.open_how, bytes.data(), size);
  if (error != 0) return ErrorOfMemory(error);
  if (!caller_.StillWaits()) return Gone();
  // What a newer kernel's struct has more of must not be asked for.
  const auto end = bytes.begin() + static_cast<ptrdiff_t>(size);
  if (std::any_of(bytes.begin() + sizeof(open_how), end, [](uint8_t byte) { return byte != 0; })) {
    return E2BIG;
  }
  open_how how;
  memcpy(&how, bytes.data(), sizeof(how));
  return ApplyOpenHow(how, call_);
}

int Operation::CopyPath(const PathArgument& argument, std::string& text) {
  const int error = ReadPath(caller_.tid(), argument.address, text);
  if (!caller_.StillWaits()) return Gone();
  if (error != 0) text.clear();
  return ErrorOfMemory(error);
}

int Operation::DirectoryOf(int descriptor, std::string& path) {
  if (descriptor < 0) return EBADF;
  const FdLink link = LinkTo(caller_.tid(), descriptor);
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
  struct stat by_path;
  if (!path.starts_with('/') || lstat(path.c_str(), &by_path) != 0 ||
      by_path.st_dev != there.st_dev || by_path.st_ino != there.st_ino) {
    return ENOENT;
  }
  return 0;
}

std::optional<AskedPath> Operation::Asked(const PathArgument& argument, const std::string& text,
                                          int& error) {
  error = text.empty() ? ENOENT : 0;
  const bool is_absolute = text.starts_with('/');
  std::string base = "/";
  const bool is_below = (call_.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
  if (error == 0 && argument.directory != AT_FDCWD && (!is_absolute || is_below)) {
    error = DirectoryOf(argument.directory, base);
  }
  if (error != 0) return std::nullopt;
  if (!is_below) return AskedPath(base, text);
  // Stricter than the kernel: no way up at all, and no links (Open sees to those).
  if (is_absolute && (call_.resolve & RESOLVE_BENEATH) != 0) error = EXDEV;
  if (AskedPath("/", text).has_dot_dot()) error = EXDEV;
  if (error != 0) return std::nullopt;
  const size_t first = std::min(text.find_first_not_of('/'), text.size());
  return AskedPath(base, std::string_view(text).substr(first));
}

std::optional<AskedPath> Operation::FirstPath(int& error) {
  return Asked(call_.path, answer_.path, error);
}

int Operation::Open() {
  int error = 0;
  const std::optional<AskedPath> path = FirstPath(error);
  if (!path) return error;
  uint32_t rights = kMayNothing;
  const uint64_t access = call_.open_flags & O_ACCMODE;
  if (access != O_WRONLY) rights |= kMayRead;
  if (access != O_RDONLY || (call_.open_flags & O_TRUNC) != 0) rights |= kMayWrite;
  const bool creates = (call_.open_flags & O_CREAT) != 0;
  if (creates) rights |= kMayCreate;
  constexpr uint64_t kNoLinks = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT;
  const PathResolution::Wanted wanted = {
      .flags = call_.open_flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
      .mode = creates ? call_.mode & 0777 & ~uint64_t{options_.umask} : 0,
      .rights = rights,
      .links = (call_.resolve & kNoLinks) != 0 ? Links::kNone : Links::kFollow};
  const Resolved resolved = creates ? resolution_.Create(*path, wanted, answer_.descriptor)
                                    : resolution_.Open(*path, wanted, answer_.descriptor);
  if (!resolved.ok()) return Error(resolved);
  if ((call_.open_flags & O_NONBLOCK) == 0) {
    // O_NONBLOCK was ours. F_SETFL changes none but these.
    const int flags = static_cast<int>(call_.open_flags & O_APPEND);
    if (fcntl(answer_.descriptor.get(), F_SETFL, flags) != 0) {
      const int failed = errno;
      answer_.descriptor.reset();
      return failed;
    }
  }
  answer_.descriptor_flags = static_cast<uint32_t>(call_.open_flags & O_CLOEXEC);
  return 0;
}

bool Operation::IsOfDescriptor() {
  return answer_.path.empty() && (call_.at_flags & AT_EMPTY_PATH) != 0 &&
         call_.path.directory != AT_FDCWD;
}

int Operation::OpenForLook(const AskedPath& path, uint32_t rights, UniqueFd& fd) {
  const bool follows = (call_.at_flags & AT_SYMLINK_NOFOLLOW) == 0;
  return Error(resolution_.Open(
      path, {.flags = O_PATH | (follows ? 0u : unsigned{O_NOFOLLOW}), .rights = rights}, fd));
}

int Operation::Stat() {
  UniqueFd found;
  // Of a descriptor: through its link in /proc, which leads to the open file whatever it is.
  FdLink link = {};
  if (IsOfDescriptor()) {
    if (call_.path.directory < 0) return EBADF;
    link = LinkTo(caller_.tid(), call_.path.directory);
  } else {
    if (answer_.path.empty() && (call_.at_flags & AT_EMPTY_PATH) != 0) answer_.path = "/";
    int error = 0;
    const std::optional<AskedPath> path = FirstPath(error);
    if (!path) return error;
    error = OpenForLook(*path, kMayStat, found);
    if (error != 0) return error;
  }
  const int flags = (found.is_open() ? AT_EMPTY_PATH : 0) |
                    static_cast<int>(call_.at_flags & (AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC));
  const int directory = found.is_open() ? found.get() : AT_FDCWD;
  if (call_.operation == FileOperation::kStatx) {
    struct statx status = {};
    if (syscall(SYS_statx, directory, link.text, flags, call_.statx_mask, &status) != 0) {
      return !found.is_open() && errno == ENOENT ? EBADF : errno;
    }
    return WriteResult(&status, sizeof(status));
  }
  // The kernel's own struct, which is what the child's call is to fill.
  struct stat status = {};
  if (syscall(SYS_newfstatat, directory, link.text, &status, flags) != 0) {
    return !found.is_open() && errno == ENOENT ? EBADF : errno;
  }
  return WriteResult(&status, sizeof(status));
}

int Operation::Access() {
  const int mode = static_cast<int>(call_.mode);
  const int flags = static_cast<int>(call_.at_flags & AT_EACCESS);
  if (IsOfDescriptor()) {
    if (call_.path.directory < 0) return EBADF;
    const FdLink link = LinkTo(caller_.tid(), call_.path.directory);
    if (syscall(SYS_faccessat2, AT_FDCWD, link.text, mode, flags) == 0) return 0;
    return errno == ENOENT ? EBADF : errno;
  }
  int error = 0;
  const std::optional<AskedPath> path = FirstPath(error);
  if (!path) return error;
  uint32_t rights = kMayStat;
  if ((mode & R_OK) != 0) rights |= kMayRead;
  if ((mode & W_OK) != 0) rights |= kMayWrite;
  UniqueFd found;
  error = OpenForLook(*path, rights, found);
  if (error != 0) return error;
  return syscall(SYS_faccessat2, found.get(), "", mode, flags | AT_EMPTY_PATH) == 0 ? 0 : errno;
}

int Operation::ReadLink() {
  int error = 0;
  const std::optional<AskedPath> path = FirstPath(error);
  if (!path) return error;
  call_.at_flags = AT_SYMLINK_NOFOLLOW;
  UniqueFd found;
  error = OpenForLook(*path, kMayStat, found);
  if (error != 0) return error;
  std::array<char, kMaxLinkBytes> text;
  const ssize_t size =
      readlinkat(found.get(), "", text.data(), std::min<size_t>(text.size(), call_.result_bytes));
  // What is no link: with an empty name the kernel says ENOENT.
  if (size < 0) return errno == ENOENT ? EINVAL : errno;
  error = WriteResult(text.data(), static_cast<size_t>(size));
  if (error == 0) answer_.value = size;
  return error;
}

int Operation::MakeDirectory() {
  int error = 0;
  const std::optional<AskedPath> path = FirstPath(error);
  if (!path) return error;
  UniqueFd parent;
  std::string real_path;
  const Resolved resolved =
      resolution_.OpenParent(*path, kMayCreate, Links::kFollow, parent, real_path);
  if (!resolved.ok())
    return resolved.error == ENOENT && !path->has_leaf() ? EEXIST : Error(resolved);
  const mode_t mode = static_cast<mode_t>(call_.mode) & 0777 & ~options_.umask;
  return mkdirat(parent.get(), std::string(path->leaf()).c_str(), mode) == 0 ? 0 : errno;
}

int Operation::Remove(int flags) {
  int error = 0;
  const std::optional<AskedPath> path = FirstPath(error);
  if (!path) return error;
  UniqueFd parent;
  std::string real_path;
  const Resolved resolved =
      resolution_.OpenParent(*path, kMayRemove, Links::kFollow, parent, real_path);
  if (!resolved.ok()) return Error(resolved);
  return unlinkat(parent.get(), std::string(path->leaf()).c_str(), flags) == 0 ? 0 : errno;
}

int Operation::Rename() {
  std::string new_text;
  int error = CopyPath(call_.second_path, new_text);
  if (error != 0) return error;
  const std::optional<AskedPath> from = FirstPath(error);
  if (!from) return error;
  const std::optional<AskedPath> to = Asked(call_.second_path, new_text, error);
  if (!to) return error;
  UniqueFd old_parent;
  UniqueFd new_parent;
  std::string old_path;
  std::string new_path;
  Resolved resolved =
      resolution_.OpenParent(*from, kMayRemove, Links::kFollow, old_parent, old_path);
  if (!resolved.ok()) return Error(resolved);
  resolved =
      resolution_.OpenParent(*to, kMayCreate | kMayRemove, Links::kFollow, new_parent, new_path);
  if (!resolved.ok()) return Error(resolved);
  const uint32_t old_rights = policy_.Find(old_path);
  const uint32_t new_rights = policy_.Find(new_path);
  if ((new_rights & ~old_rights) != 0) return RefusedByRules();
  // Of what is in a directory, too: a name that no rule has stands for all of it.
  const std::string any_name = "/?";
  const uint32_t old_rights_within = policy_.Find(old_path + any_name);
  const uint32_t new_rights_within = policy_.Find(new_path + any_name);
  if ((new_rights_within & ~old_rights_within) != 0) return RefusedByRules();
  if (policy_.HasRulesBelow(old_path) || policy_.HasRulesBelow(new_path)) return RefusedByRules();
  return syscall(SYS_renameat2, old_parent.get(), std::string(from->leaf()).c_str(),
                 new_parent.get(), std::string(to->leaf()).c_str(), call_.rename_flags) == 0
             ? 0
             : errno;
}

int Operation::Connect() {
  constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  sockaddr_un address = {};
  const uint64_t size = call_.socket_address_bytes;
  if (size > sizeof(sockaddr_storage)) return EINVAL;
  if (size < sizeof(address.sun_family)) return EINVAL;
  // One for the longest other family: nothing is read beyond what is ours.
  const size_t read = std::min<size_t>(size, sizeof(address));
  const int error = ReadBytes(caller_.tid(), call_.socket_address, &address, read);
  if (!caller_.StillWaits()) return Gone();
  if (error != 0) return ErrorOfMemory(error);
  if (address.sun_family != AF_UNIX) return RefusedByRules();
  if (size > sizeof(address)) return EINVAL;
  if (read <= kPathOffset) return EINVAL;
  answer_.path.assign(address.sun_path, strnlen(address.sun_path, read - kPathOffset));
  if (answer_.path.empty()) {
    // Abstract: it has no place among the rules.
    answer_.path.assign(address.sun_path, read - kPathOffset);
    return RefusedByRules();
  }
  UniqueFd found;
  const Resolved resolved = resolution_.Open(AskedPath("/", answer_.path),
                                             {.flags = O_PATH, .rights = kMayConnect}, found);
  if (!resolved.ok()) return Error(resolved);

  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, caller_.pid(), 0)));
  if (!pidfd.is_open()) return errno;
  const UniqueFd socket(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), call_.socket, 0)));
  if (!socket.is_open()) return ErrorOfMemory(errno);
  if (!caller_.StillWaits()) return Gone();
  int domain = 0;
  socklen_t domain_bytes = sizeof(domain);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes) != 0) return errno;
  if (domain != AF_UNIX) return RefusedByRules();

  // The name of our own descriptor fits into an address, which the real path may not.
  sockaddr_un there = {};
  there.sun_family = AF_UNIX;
  snprintf(there.sun_path, sizeof(there.sun_path), "/proc/self/fd/%d", found.get());
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0) return errno;
  const bool blocks = (flags & O_NONBLOCK) == 0;
  if (blocks && fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) return errno;
  const int connected =
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there));
  const int failed = connected == 0 ? 0 : errno;
  if (blocks && fcntl(socket.get(), F_SETFL, flags) != 0 && failed == 0) return errno;
  return failed;
}

int Operation::WriteResult(const void* bytes, size_t size) {
  if (!caller_.BeginAnswer()) return Gone();
  return ErrorOfMemory(WriteBytes(caller_.tid(), call_.result, bytes, size));
}

}  // namespace

FileAnswer CarryOutCall(const PathPolicy& policy, Caller& caller, const seccomp_data& data,
                        const FileBrokerOptions& options) {
  return Operation(policy, caller, options).CarryOut(data);
}

}  // namespace forkserver
