// To see another tree of files, or show one. The process should be in a mount namespace of its own
// where it has none of a sandbox's: a mount that works is undone at once, and would be seen by
// others till then.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

namespace forkserver::testing {
namespace {

AttemptResult ChangeRoot(const AttemptTargets& targets) {
  if (chroot(PathOf(targets, "given").c_str()) != 0) return Refused("chroot");
  return AnswerOf("access", access("/inside", F_OK));
}

AttemptResult PivotRoot(const AttemptTargets& targets) {
  const std::string folder = PathOf(targets, "scratch/folder");
  const long done = syscall(SYS_pivot_root, folder.c_str(), folder.c_str());
  // EINVAL where /tmp is a file system of its own.
  return ConsideredIf("pivot_root", done, errno == EINVAL ? EINVAL : EBUSY);
}

AttemptResult MountTmpfs(const AttemptTargets& targets) {
  const std::string folder = PathOf(targets, "scratch/folder");
  if (mount("none", folder.c_str(), "tmpfs", 0, "size=4k") != 0) return Refused("mount");
  return AnswerOf("umount2", umount2(folder.c_str(), MNT_DETACH));
}

AttemptResult BindMount(const AttemptTargets& targets) {
  const std::string folder = PathOf(targets, "scratch/folder");
  if (mount("/", folder.c_str(), nullptr, MS_BIND, nullptr) != 0) return Refused("mount");
  return AnswerOf("umount2", umount2(folder.c_str(), MNT_DETACH));
}

AttemptResult Unmount(const AttemptTargets& targets) {
  return ConsideredIf("umount2", umount2(PathOf(targets, "scratch/folder").c_str(), 0), EINVAL);
}

AttemptResult OpenFileSystem(const AttemptTargets&) {
  const UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */)));
  return AnswerOf("fsopen", context.get());
}

AttemptResult PickFileSystem(const AttemptTargets& targets) {
  const UniqueFd context(static_cast<int>(
      syscall(SYS_fspick, targets.directory_fd, "", 8 /* FSPICK_EMPTY_PATH */ | 1)));
  return ConsideredIf("fspick", context.get(), EINVAL);
}

AttemptResult CloneTree(const AttemptTargets&) {
  const UniqueFd tree(
      static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | O_CLOEXEC)));
  return AnswerOf("open_tree", tree.get());
}

AttemptResult MoveMount(const AttemptTargets&) {
  // MOVE_MOUNT_F_EMPTY_PATH
  return ConsideredIf("move_mount", syscall(SYS_move_mount, -1, "", -1, "", 4 | 0x40), EBADF);
}

AttemptResult EnterGivenNamespace(const AttemptTargets& targets) {
  return AnswerOf("setns", setns(targets.namespace_fd, CLONE_NEWNS));
}

AttemptResult EnterNamespaceOfHost(const AttemptTargets& targets) {
  const std::string path = "/proc/" + std::to_string(targets.host_pid) + "/ns/mnt";
  const UniqueFd space(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.is_open()) return Refused("openat");
  return AnswerOf("setns", setns(space.get(), CLONE_NEWNS));
}

AttemptResult SetMountAttributes(const AttemptTargets& targets) {
  // struct mount_attr, all of it zero: nothing is to be changed.
  const uint64_t nothing[4] = {};
  const long done =
      syscall(SYS_mount_setattr, targets.directory_fd, "", AT_EMPTY_PATH, nothing, sizeof(nothing));
  return AnswerOf("mount_setattr", done);
}

constexpr Attempt kAttempts[] = {
    {"chroot", "Makes another directory its root.", ChangeRoot, Needs::kRoot},
    {"pivot-root", "Makes what is no mount its root: EBUSY.", PivotRoot, Needs::kRoot,
     Proof::kConsidered},
    {"mount-tmpfs", "Mounts an empty file system, and unmounts it.", MountTmpfs, Needs::kRoot},
    {"mount-bind", "Shows / in another place, and unmounts it.", BindMount, Needs::kRoot},
    {"umount", "Unmounts a directory where nothing is mounted: EINVAL.", Unmount, Needs::kRoot,
     Proof::kConsidered},
    {"fsopen", "Asks for a file system to configure.", OpenFileSystem, Needs::kRoot},
    {"fspick", "Asks to configure one that is mounted, by what is no mount: EINVAL.",
     PickFileSystem, Needs::kRoot, Proof::kConsidered},
    {"open-tree-clone", "Copies the mount that / is.", CloneTree, Needs::kRoot},
    {"move-mount", "Mounts a tree, of a descriptor that is not open: EBADF.", MoveMount,
     Needs::kRoot, Proof::kConsidered},
    {"mount-setattr", "Changes none of the attributes of a mount.", SetMountAttributes,
     Needs::kRoot},
    {"setns-given-descriptor", "Enters the host's mount namespace, by a given descriptor.",
     EnterGivenNamespace, Needs::kRoot},
    {"setns-host", "Enters the host's mount namespace, by its /proc/PID/ns.", EnterNamespaceOfHost,
     Needs::kRoot},
};

}  // namespace

std::span<const Attempt> MountAttempts() { return kAttempts; }

}  // namespace forkserver::testing
