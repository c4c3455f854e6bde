#include "child/sandbox/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <string_view>

#include "transceiver/raw_bytes.h"
#include "transceiver/raw_syscall.h"

namespace forkserver {
namespace {

constexpr std::string_view kHostName = "sandbox";

// Of `path` in one write, as the kernel wants it of the map files (user_namespaces(7)).
int WriteFile(const char* path, std::string_view text) {
  const long fd = RawSyscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return static_cast<int>(-fd);
  const long written = RawSyscall(SYS_write, fd, text.data(), text.size());
  RawSyscall(SYS_close, fd);
  if (written < 0) return static_cast<int>(-written);
  return static_cast<size_t>(written) == text.size() ? 0 : EIO;
}

// "ID ID 1", the map of one id to itself.
class MapLine {
 public:
  explicit MapLine(unsigned id) {
    Number(id);
    bytes_[size_++] = ' ';
    Number(id);
    bytes_[size_++] = ' ';
    bytes_[size_++] = '1';
  }

  std::string_view text() const { return {bytes_, size_}; }

 private:
  void Number(unsigned number) {
    char digits[10];
    size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    while (count > 0) bytes_[size_++] = digits[--count];
  }

  char bytes_[32];
  size_t size_ = 0;
};

void EnterUserNamespace(SandboxReport& report) {
  constexpr SandboxLayer kLayer = SandboxLayer::kUserNamespace;
  const MapLine user(static_cast<unsigned>(RawSyscall(SYS_geteuid)));
  const MapLine group(static_cast<unsigned>(RawSyscall(SYS_getegid)));
  if (const int error = RawSyscallError(SYS_unshare, CLONE_NEWUSER); error != 0) {
    return report.Refused(kLayer, SandboxCall::kUnshareUser, error);
  }
  if (const int error = WriteFile("/proc/self/setgroups", "deny"); error != 0) {
    return report.Refused(kLayer, SandboxCall::kWriteSetgroups, error);
  }
  if (const int error = WriteFile("/proc/self/uid_map", user.text()); error != 0) {
    return report.Refused(kLayer, SandboxCall::kWriteUidMap, error);
  }
  if (const int error = WriteFile("/proc/self/gid_map", group.text()); error != 0) {
    return report.Refused(kLayer, SandboxCall::kWriteGidMap, error);
  }
  report.Engaged(kLayer);
}

void Unshare(int flag, SandboxLayer layer, SandboxCall call, SandboxReport& report) {
  if (const int error = RawSyscallError(SYS_unshare, flag); error != 0) {
    report.Refused(layer, call, error);
  } else {
    report.Engaged(layer);
  }
}

// A tmpfs that is mounted nowhere yet: -errno, or its descriptor.
long MakeEmptyRoot() {
  const long context = RawSyscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
  if (context < 0) return context;
  // One inode, its root, and no room.
  long result = RawSyscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "nr_inodes", "1", 0);
  if (result == 0) result = RawSyscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "4k", 0);
  if (result == 0) {
    result = RawSyscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0555", 0);
  }
  if (result == 0) {
    result = RawSyscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  }
  if (result == 0) {
    result =
        RawSyscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  }
  RawSyscall(SYS_close, context);
  return result;
}

void EnterEmptyRoot(SandboxReport& report) {
  constexpr SandboxLayer kLayer = SandboxLayer::kEmptyRoot;
  // Else what is unmounted below would be unmounted for everybody.
  if (const int error =
          RawSyscallError(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
      error != 0) {
    return report.Refused(kLayer, SandboxCall::kMakePrivate, error);
  }
  const long root = MakeEmptyRoot();
  if (root < 0) return report.Refused(kLayer, SandboxCall::kMountRoot, static_cast<int>(-root));
  const long before = RawSyscall(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  // Over "/" itself: there every machine has a directory.
  int error = RawSyscallError(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
  if (error != 0) {
    report.Refused(kLayer, SandboxCall::kMountRoot, error);
  } else if (error = RawSyscallError(SYS_fchdir, root); error != 0) {
    report.Refused(kLayer, SandboxCall::kEnterRoot, error);
  } else if (error = RawSyscallError(SYS_pivot_root, ".", "."); error != 0) {
    report.Refused(kLayer, SandboxCall::kPivotRoot, error);
    // Half of it is worse than none: relative names would lead into the new root, and others into
    // the old one.
    RawSyscall(SYS_umount2, ".", MNT_DETACH);
    if (before >= 0) RawSyscall(SYS_fchdir, before);
  } else if (error = RawSyscallError(SYS_umount2, ".", MNT_DETACH); error != 0) {
    // The old root lies on the new one, where "." has led since pivot_root (pivot_root(2)).
    report.Refused(kLayer, SandboxCall::kUnmountOldRoot, error);
  } else {
    report.Engaged(kLayer);
  }
  if (before >= 0) RawSyscall(SYS_close, before);
  RawSyscall(SYS_close, root);
}

}  // namespace

void EnterNamespaces(const NamespaceWishes& wishes, SandboxReport& report) {
  EnterUserNamespace(report);
  if (wishes.pid == PidNamespace::kOfItsOwn) {
    Unshare(CLONE_NEWPID, SandboxLayer::kPidNamespace, SandboxCall::kUnsharePid, report);
  } else {
    report.Refused(SandboxLayer::kPidNamespace, SandboxCall::kStaysInItsOwn, 0);
  }
  Unshare(CLONE_NEWNS, SandboxLayer::kMountNamespace, SandboxCall::kUnshareMount, report);
  Unshare(CLONE_NEWIPC, SandboxLayer::kIpcNamespace, SandboxCall::kUnshareIpc, report);
  Unshare(CLONE_NEWUTS, SandboxLayer::kUtsNamespace, SandboxCall::kUnshareUts, report);
  if (report[SandboxLayer::kUtsNamespace].holds()) {
    // The host's name is nobody's business.
    const int error = RawSyscallError(SYS_sethostname, kHostName.data(), kHostName.size());
    if (error != 0) report.Refused(SandboxLayer::kUtsNamespace, SandboxCall::kSetHostName, error);
  }
  if (wishes.network == NetworkAccess::kNone) {
    Unshare(CLONE_NEWNET, SandboxLayer::kNetworkNamespace, SandboxCall::kUnshareNetwork, report);
  }
  if (report[SandboxLayer::kMountNamespace].holds()) {
    EnterEmptyRoot(report);
  } else {
    report.Refused(SandboxLayer::kEmptyRoot, SandboxCall::kMissingLayer, 0);
  }
}

}  // namespace forkserver
