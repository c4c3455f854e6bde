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

#include "forkserver/host/broker/brokered_call.h"
#include "forkserver/host/broker/caller_arguments.h"

namespace forkserver {
namespace {

// readlink(2) truncates at whatever size it is given; no link is longer than this.
constexpr size_t kMaxLinkBytes = PATH_MAX;

// `target`: what a path names, open by O_PATH.
int ConnectTo(int target, int socket) {
  // The name of our own descriptor fits into an address, which the real path may not.
  sockaddr_un there = {};
  there.sun_family = AF_UNIX;
  snprintf(there.sun_path, sizeof(there.sun_path), "/proc/self/fd/%d", target);
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0) return errno;
  const bool blocks = (flags & O_NONBLOCK) == 0;
  if (blocks && fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) return errno;
  const int connected = connect(socket, reinterpret_cast<const sockaddr*>(&there), sizeof(there));
  const int failed = connected == 0 ? 0 : errno;
  if (blocks && fcntl(socket, F_SETFL, flags) != 0 && failed == 0) return errno;
  return failed;
}

class Operation {
 public:
  Operation(const PathPolicy& policy, Caller& caller, const FileBrokerOptions& options)
      : policy_(policy),
        caller_(caller),
        options_(options),
        resolution_(policy, caller.pid()),
        arguments_(caller) {}

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

  std::optional<AskedPath> FirstPath(int& error);
  bool IsOfDescriptor();
  int OpenForLook(const AskedPath& path, uint32_t rights, UniqueFd& fd);
  int WriteResult(const void* bytes, size_t size) {
    return arguments_.WriteResult(call_.result, bytes, size);
  }
  int Error(const Resolved& resolved) {
    answer_.refusal = resolved.refusal;
    return resolved.error;
  }
  int RefusedByRules() { return Error({.error = EACCES, .refusal = Refusal::kByRules}); }

  const PathPolicy& policy_;
  Caller& caller_;
  const FileBrokerOptions& options_;
  const PathResolution resolution_;
  CallerArguments arguments_;
  BrokeredCall call_ = {};
  FileAnswer answer_ = {};
};

FileAnswer Operation::CarryOut(const seccomp_data& data) {
  answer_.error = DecodeCall(data, call_);
  if (answer_.error == 0) answer_.error = Run();
  answer_.caller_is_gone = arguments_.caller_is_gone();
  if (answer_.error == ESRCH) answer_.caller_is_gone = !caller_.StillWaits();
  return std::move(answer_);
}

int Operation::Run() {
  if (call_.operation == FileOperation::kConnect) return Connect();
  int error = arguments_.CopyOpenHow(call_);
  if (error != 0) return error;
  // statx(fd, NULL, AT_EMPTY_PATH), since Linux 6.11.
  const bool has_no_path = call_.path.address == 0 && (call_.at_flags & AT_EMPTY_PATH) != 0;
  if (!has_no_path) {
    error = arguments_.CopyPath(call_.path, answer_.path);
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

std::optional<AskedPath> Operation::FirstPath(int& error) {
  return arguments_.Asked(call_.path, answer_.path, call_.resolve, error);
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
  DescriptorLink link;
  if (IsOfDescriptor()) {
    if (call_.path.directory < 0) return EBADF;
    link = arguments_.LinkTo(call_.path.directory);
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
    const DescriptorLink link = arguments_.LinkTo(call_.path.directory);
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
  int error = arguments_.CopyPath(call_.second_path, new_text);
  if (error != 0) return error;
  const std::optional<AskedPath> from = FirstPath(error);
  if (!from) return error;
  const std::optional<AskedPath> to =
      arguments_.Asked(call_.second_path, new_text, call_.resolve, error);
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
  int error = arguments_.CopyBytes(call_.socket_address, &address, read);
  if (error != 0) return error;
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

  UniqueFd socket;
  error = arguments_.CopyDescriptor(call_.socket, socket);
  if (error != 0) return error;
  int domain = 0;
  socklen_t domain_bytes = sizeof(domain);
  if (getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes) != 0) return errno;
  if (domain != AF_UNIX) return RefusedByRules();

  return ConnectTo(found.get(), socket.get());
}

}  // namespace

FileAnswer CarryOutCall(const PathPolicy& policy, Caller& caller, const seccomp_data& data,
                        const FileBrokerOptions& options) {
  return Operation(policy, caller, options).CarryOut(data);
}

}  // namespace forkserver
