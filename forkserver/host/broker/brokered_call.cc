#include "forkserver/host/broker/brokered_call.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace forkserver {

#if defined(__x86_64__)
const uint32_t kNativeArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
const uint32_t kNativeArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the broker knows the system calls of x86-64 and aarch64"
#endif

namespace {

// What the kernel calls O_LARGEFILE; the C library's is 0 where every file may be large.
#if defined(__aarch64__)
constexpr uint64_t kLargeFile = 0400000;
#else
constexpr uint64_t kLargeFile = 0100000;
#endif

constexpr uint64_t kOpenFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                                O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECTORY | O_NOFOLLOW |
                                O_CLOEXEC | kLargeFile;
constexpr uint64_t kResolveFlags = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                                   RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
constexpr uint32_t kStatFlags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
constexpr uint32_t kStatxFlags = kStatFlags | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;
constexpr uint32_t kAccessFlags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS;

// The kernel takes these arguments as an int and ignores what is above.
int Int(uint64_t argument) { return static_cast<int>(static_cast<uint32_t>(argument)); }
uint32_t Uint(uint64_t argument) { return static_cast<uint32_t>(argument); }

int SetOpen(PathArgument path, uint64_t flags, uint64_t mode, BrokeredCall& call) {
  call.operation = FileOperation::kOpen;
  call.path = path;
  call.open_flags = flags & ~kLargeFile;
  call.mode = (flags & O_CREAT) != 0 ? mode & 07777 : 0;
  if ((flags & ~kOpenFlags) != 0) return EINVAL;
  if ((flags & O_ACCMODE) == O_ACCMODE) return EINVAL;
  // Linux would make a file or open a directory, as it finds; new kernels refuse it too.
  if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0) return EINVAL;
  return 0;
}

int SetStat(PathArgument path, uint64_t result, uint32_t flags, BrokeredCall& call) {
  call.operation = FileOperation::kStat;
  call.path = path;
  call.result = result;
  call.at_flags = flags;
  return (flags & ~kStatFlags) != 0 ? EINVAL : 0;
}

int SetAccess(PathArgument path, uint64_t mode, uint32_t flags, BrokeredCall& call) {
  call.operation = FileOperation::kAccess;
  call.path = path;
  call.mode = Uint(mode);
  call.at_flags = flags;
  if ((call.mode & ~uint64_t{R_OK | W_OK | X_OK}) != 0) return EINVAL;
  return (flags & ~kAccessFlags) != 0 ? EINVAL : 0;
}

int SetReadLink(PathArgument path, uint64_t result, uint64_t bytes, BrokeredCall& call) {
  call.operation = FileOperation::kReadLink;
  call.path = path;
  call.result = result;
  if (Int(bytes) <= 0) return EINVAL;
  call.result_bytes = Uint(bytes);
  return 0;
}

int SetMakeDirectory(PathArgument path, uint64_t mode, BrokeredCall& call) {
  call.operation = FileOperation::kMakeDirectory;
  call.path = path;
  call.mode = mode & 07777;
  return 0;
}

int SetRemove(FileOperation operation, PathArgument path, BrokeredCall& call) {
  call.operation = operation;
  call.path = path;
  return 0;
}

int SetRename(PathArgument from, PathArgument to, uint32_t flags, BrokeredCall& call) {
  call.operation = FileOperation::kRename;
  call.path = from;
  call.second_path = to;
  call.rename_flags = flags;
  return (flags & ~uint32_t{RENAME_NOREPLACE}) != 0 ? EINVAL : 0;
}

int SetUnlinkAt(const seccomp_data& data, PathArgument path, BrokeredCall& call) {
  const int flags = Int(data.args[2]);
  if ((flags & ~AT_REMOVEDIR) != 0) return EINVAL;
  return SetRemove(flags == 0 ? FileOperation::kUnlink : FileOperation::kRemoveDirectory, path,
                   call);
}

}  // namespace

int DecodeCall(const seccomp_data& data, BrokeredCall& call) {
  call = {};
  if (data.arch != kNativeArchitecture) return ENOSYS;
  const auto& args = data.args;
  // Of the calls that have a directory before their path, and of those that have none.
  const PathArgument at = {Int(args[0]), args[1]};
#if defined(__x86_64__)
  const PathArgument plain = {AT_FDCWD, args[0]};
#endif
  switch (data.nr) {
    case SYS_openat:
      return SetOpen(at, Uint(args[2]), args[3], call);
    case SYS_openat2:
      call.operation = FileOperation::kOpen;
      call.path = at;
      call.has_open_how = true;
      call.open_how = args[2];
      call.open_how_bytes = args[3];
      return 0;
    case SYS_newfstatat:
      return SetStat(at, args[2], Uint(args[3]), call);
    case SYS_statx:
      call.operation = FileOperation::kStatx;
      call.path = at;
      call.at_flags = Uint(args[2]);
      call.statx_mask = Uint(args[3]);
      call.result = args[4];
      return (call.at_flags & ~kStatxFlags) != 0 ? EINVAL : 0;
    case SYS_faccessat:
      return SetAccess(at, args[2], 0, call);
    case SYS_faccessat2:
      return SetAccess(at, args[2], Uint(args[3]), call);
    case SYS_readlinkat:
      return SetReadLink(at, args[2], args[3], call);
    case SYS_mkdirat:
      return SetMakeDirectory(at, args[2], call);
    case SYS_unlinkat:
      return SetUnlinkAt(data, at, call);
#if defined(SYS_renameat)
    case SYS_renameat:
      return SetRename(at, {Int(args[2]), args[3]}, 0, call);
#endif
    case SYS_renameat2:
      return SetRename(at, {Int(args[2]), args[3]}, Uint(args[4]), call);
    case SYS_connect:
      call.operation = FileOperation::kConnect;
      call.socket = Int(args[0]);
      call.socket_address = args[1];
      call.socket_address_bytes = Uint(args[2]);
      return 0;
#if defined(__x86_64__)
    // The older names, which aarch64 never had.
    case SYS_open:
      return SetOpen(plain, Uint(args[1]), args[2], call);
    case SYS_creat:
      return SetOpen(plain, O_CREAT | O_WRONLY | O_TRUNC, args[1], call);
    case SYS_stat:
      return SetStat(plain, args[1], 0, call);
    case SYS_lstat:
      return SetStat(plain, args[1], AT_SYMLINK_NOFOLLOW, call);
    case SYS_access:
      return SetAccess(plain, args[1], 0, call);
    case SYS_readlink:
      return SetReadLink(plain, args[1], args[2], call);
    case SYS_mkdir:
      return SetMakeDirectory(plain, args[1], call);
    case SYS_unlink:
      return SetRemove(FileOperation::kUnlink, plain, call);
    case SYS_rmdir:
      return SetRemove(FileOperation::kRemoveDirectory, plain, call);
    case SYS_rename:
      return SetRename(plain, {AT_FDCWD, args[1]}, 0, call);
#endif
    default:
      return ENOSYS;
  }
}

int ApplyOpenHow(const open_how& how, BrokeredCall& call) {
  call.has_open_how = false;
  const int error = SetOpen(call.path, how.flags, how.mode, call);
  if (error != 0) return error;
  if ((how.resolve & ~kResolveFlags) != 0) return EINVAL;
  // openat2 itself is strict about these.
  if ((how.mode & ~uint64_t{07777}) != 0) return EINVAL;
  if (how.mode != 0 && (how.flags & O_CREAT) == 0) return EINVAL;
  if ((how.resolve & RESOLVE_BENEATH) != 0 && (how.resolve & RESOLVE_IN_ROOT) != 0) return EINVAL;
  // Never cached: whoever asks so asks again without.
  if ((how.resolve & RESOLVE_CACHED) != 0) return EAGAIN;
  // The path is walked from the host's root, where other mounts lie in the way.
  if ((how.resolve & RESOLVE_NO_XDEV) != 0) return EXDEV;
  call.resolve = how.resolve;
  return 0;
}

}  // namespace forkserver
