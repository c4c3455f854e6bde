#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "child/sandbox/in_band_only.h"
#include "child/sandbox/phrases.h"

// Newer than the installed headers.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace forkserver {
namespace {

// linux/fs.h of 6.7 and linux/pidfd.h of 6.14.
constexpr int kPagemapScan = static_cast<int>(0xc0606610);
constexpr int kPidfdSelf = -10000;

SystemCalls OwnMemory() {
  SystemCalls calls;
  calls.Allow({SYS_munmap, SYS_brk});
  // Nothing is executable but what the template had: a child loads no code. Not even code that it
  // cannot write, since it could write it through a second mapping of the same memfd.
  calls.AllowWhen(SYS_mmap, {Argument(2).HasNone(PROT_EXEC)}).Refuse(EACCES, {SYS_mmap});
  calls.AllowWhen(SYS_mprotect, {Argument(2).HasNone(PROT_EXEC)}).Refuse(EACCES, {SYS_mprotect});

  // Frozen memory is a file's: what grows in place runs past the end of that file, or into a
  // neighbour's bytes. malloc grows and shrinks large blocks so, and where it is refused it copies:
  // nothing to tell the host each time. To a place of the caller's choosing is how the freeze of a
  // nested template moves pieces.
  calls.AllowWhen(SYS_mremap, {Argument(3).HasAll(MREMAP_FIXED)});
  calls.RefuseUntold(ENOMEM, {SYS_mremap});

  // All but what merges pages (MADV_MERGEABLE: others can tell by the clock what is in them), makes
  // holes in shared memory (MADV_REMOVE) or poisons it. In pairs and fours, since each line of a
  // filter costs.
  const auto advice = [&](uint64_t first, uint64_t count) {
    calls.AllowWhen(SYS_madvise, {Argument(2).HasOf(UINT32_MAX & ~(count - 1), first)});
  };
  static_assert(MADV_NORMAL == 0 && MADV_WILLNEED == 3);
  advice(MADV_NORMAL, 4);
  advice(MADV_DONTNEED, 1);
  advice(MADV_FREE, 1);
  static_assert(MADV_DONTFORK == 10 && MADV_DOFORK == 11);
  advice(MADV_DONTFORK, 2);
  static_assert(MADV_HUGEPAGE == 14 && MADV_NOHUGEPAGE == 15);
  advice(MADV_HUGEPAGE, 2);
  static_assert(MADV_DONTDUMP == 16 && MADV_KEEPONFORK == 19);
  advice(MADV_DONTDUMP, 4);
  static_assert(MADV_COLD == 20 && MADV_POPULATE_WRITE == 23);
  advice(MADV_COLD, 4);
  advice(24, 2);   // MADV_DONTNEED_LOCKED, MADV_COLLAPSE
  advice(102, 2);  // MADV_GUARD_INSTALL, MADV_GUARD_REMOVE
  calls.Refuse(EINVAL, {SYS_madvise});

  // The pages that children of this kind have been seen to touch. Others' memory, and its own by a
  // pidfd that a filter cannot see through, is refused with an error: jemalloc tries it.
  static_assert(MADV_POPULATE_READ == 22 && MADV_POPULATE_WRITE == 23);
  calls
      .AllowWhen(SYS_process_madvise,
                 {Argument(0).IsInt(kPidfdSelf),
                  Argument(3).HasOf(UINT32_MAX & ~uint64_t{1}, MADV_POPULATE_READ)})
      .Refuse(EPERM, {SYS_process_madvise});
  return calls;
}

SystemCalls OwnDescriptors() {
  SystemCalls calls;
  calls.Allow({SYS_ppoll, SYS_close, SYS_dup3});
  AllowInBandOnly(calls, 2, {SYS_recvmsg, SYS_sendmsg});
  // Not with CLOSE_RANGE_UNSHARE: the broker takes a thread's descriptors for its process's.
  calls.AllowWhen(SYS_close_range, {Argument(2).HasNone(CLOSE_RANGE_UNSHARE)});
#ifdef __x86_64__
  calls.Allow({SYS_poll});
#endif
  // What stdio writes at the end, and where the pages that a child has touched are read.
  calls.Allow({SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek});
  // The size of a Plan that came in a memfd. glibc's fstat is a stat of the empty name, and whether
  // a name is empty a filter cannot see: where the file system is not hidden by an empty root, this
  // tells of any file that it exists, and how old and large it is.
  calls.Allow({SYS_fstat});
  calls.AllowWhen(SYS_newfstatat, {Argument(3).HasAll(AT_EMPTY_PATH)})
      .Refuse(EACCES, {SYS_newfstatat});
  calls.AllowWhen(SYS_statx, {Argument(2).HasAll(AT_EMPTY_PATH)}).Refuse(EACCES, {SYS_statx});

  // Not F_SETOWN, F_SETSIG, F_SETLEASE and F_NOTIFY, by which the kernel sends signals.
  static_assert(F_DUPFD == 0 && F_SETLKW == 7);
  calls.AllowWhen(SYS_fcntl, {Argument(1).HasOf(UINT32_MAX & ~uint64_t{7}, F_DUPFD)});
  static_assert(F_OFD_GETLK == 36 && F_OFD_SETLK == 37);
  calls.AllowWhen(SYS_fcntl, {Argument(1).HasOf(UINT32_MAX & ~uint64_t{1}, F_OFD_GETLK)});
  calls.AllowWhen(SYS_fcntl, {Argument(1).IsInt(F_OFD_SETLKW)});
  static_assert(F_DUPFD_CLOEXEC == 1030 && F_SETPIPE_SZ == 1031);
  calls.AllowWhen(SYS_fcntl, {Argument(1).HasOf(UINT32_MAX & ~uint64_t{1}, F_DUPFD_CLOEXEC)});
  static_assert(F_GETPIPE_SZ == 1032 && F_GET_SEALS == 1034);
  calls.AllowWhen(SYS_fcntl, {Argument(1).HasOf(UINT32_MAX & ~uint64_t{3}, F_GETPIPE_SZ)});
  calls.Refuse(EINVAL, {SYS_fcntl});

  // TCGETS is isatty. PAGEMAP_SCAN works on descriptors of /proc/PID/pagemap only.
  for (const int request : {FIONREAD, TCGETS, FIONBIO, FIOCLEX, FIONCLEX, kPagemapScan}) {
    calls.AllowWhen(SYS_ioctl, {Argument(1).IsInt(request)});
  }
  calls.Refuse(ENOTTY, {SYS_ioctl});
  return calls;
}

SystemCalls OwnProcess() {
  SystemCalls calls;
  calls.Allow({SYS_exit, SYS_exit_group, SYS_getpid, SYS_getppid, SYS_gettid, SYS_sched_yield,
               SYS_set_robust_list, SYS_rseq, SYS_rt_sigprocmask, SYS_rt_sigreturn,
               SYS_restart_syscall});
  // Of another process it would tell where its memory is.
  calls.AllowWhen(SYS_get_robust_list, {Argument(0).IsInt(0)});
  // Names lead nowhere that a rule does not lead to as well: the root is empty, and the broker
  // opens in its own.
  calls.Allow({SYS_chdir, SYS_fchdir});
  // The clocks of the vdso, which asks the kernel where the machine's own cannot be read. Not those
  // of other processes and of devices, which are negative.
  calls.AllowWhen(SYS_clock_gettime, {Argument(0).HasOf(UINT32_MAX & ~uint64_t{15}, 0)});
  calls.Refuse(EINVAL, {SYS_clock_gettime});
  // Itself only. To raise either takes a capability, which it does not have.
  calls.AllowWhen(SYS_setpriority, {Argument(0).IsInt(PRIO_PROCESS), Argument(1).IsInt(0)});
  calls.AllowWhen(SYS_prlimit64, {Argument(0).IsInt(0)});
  calls.Refuse(EPERM, {SYS_setpriority, SYS_prlimit64});

  for (const int option :
       {PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME,
        PR_GET_SECCOMP, PR_CAPBSET_READ, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_NO_NEW_PRIVS,
        PR_GET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS, PR_GET_THP_DISABLE}) {
    calls.AllowWhen(SYS_prctl, {Argument(0).IsInt(option)});
  }
  // Out of sight, and never back into it.
  calls.AllowWhen(SYS_prctl, {Argument(0).IsInt(PR_SET_DUMPABLE), Argument(1).Is(0)});
  calls.AllowWhen(SYS_prctl, {Argument(0).IsInt(PR_SET_VMA), Argument(1).Is(PR_SET_VMA_ANON_NAME)});
  calls.Refuse(EPERM, {SYS_prctl});
  return calls;
}

// What a template does and its children do not: a child's last filter takes it away (phrases.h).
SystemCalls Forking() {
  SystemCalls calls;
  // Its flags are behind a pointer, where a filter does not see them.
  calls.Allow({SYS_clone3});
  // As ProcessCloner calls it where an outer filter hides clone3. Others are not killed: popen is
  // tried by libraries.
  for (const uint64_t tid : {uint64_t{0}, uint64_t{CLONE_CHILD_CLEARTID}}) {
    calls.AllowWhen(SYS_clone, {Argument(0).Is(CLONE_PIDFD | CLONE_PARENT | tid)});
  }
  calls.Refuse(EPERM, {SYS_clone});
  // Both can only take away. A filter without flags: no listener, and no other thread's filters.
  calls.AllowWhen(SYS_seccomp, {Argument(0).IsInt(SECCOMP_SET_MODE_FILTER), Argument(1).Is(0)});
  calls.AllowWhen(SYS_seccomp, {Argument(0).IsInt(SECCOMP_GET_ACTION_AVAIL)});
  calls.Refuse(EPERM, {SYS_seccomp});
  calls.Allow({SYS_landlock_create_ruleset, SYS_landlock_restrict_self});
  return calls;
}

// Nobody does that by mistake.
SystemCalls WhatAttacksAreMadeOf() {
  SystemCalls calls;
  // Other processes, and other programs.
  calls.Kill({SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_mrelease,
              SYS_pidfd_getfd, SYS_execve, SYS_execveat});
  // Other namespaces and other roots.
  calls.Kill({SYS_unshare, SYS_setns, SYS_chroot, SYS_pivot_root, SYS_mount, SYS_umount2,
              SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_move_mount, SYS_open_tree,
              SYS_mount_setattr});
  // Files past their names and their permissions.
  calls.Kill({SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_fanotify_init, SYS_fanotify_mark,
              SYS_quotactl, SYS_quotactl_fd});
  // Those parts of the kernel that most of its holes have been in. Whether io_uring is there is
  // asked by libraries, this one's event loop among them, which have another way: that is refused.
  // Without a ring the others are called by nobody.
  calls.Kill({SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
              SYS_request_key, SYS_io_uring_enter, SYS_io_uring_register});
  calls.Refuse(ENOSYS, {SYS_io_uring_setup});
  // The machine.
  calls.Kill({SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot,
              SYS_swapon, SYS_swapoff, SYS_acct, SYS_syslog, SYS_settimeofday, SYS_clock_settime,
              SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname, SYS_setdomainname, SYS_vhangup,
              SYS_nfsservctl, SYS_lookup_dcookie, SYS_kexec_file_load});
#ifdef __x86_64__
  // On aarch64 these do not exist. glibc's vfork is the call, its fork is not.
  calls.Kill({SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_fork, SYS_vfork, SYS_uselib});
#endif
  // To ask is harmless; ADDR_NO_RANDOMIZE and READ_IMPLIES_EXEC are not.
  constexpr int kAskOnly = -1;
  calls.AllowWhen(SYS_personality, {Argument(0).IsInt(kAskOnly)}).Kill({SYS_personality});
  return calls;
}

// What libraries try, and can do without.
SystemCalls WhatLibrariesTry() {
  SystemCalls calls;
  calls.Refuse(EPERM, {SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam,
                       SYS_sched_setattr, SYS_ioprio_set, SYS_set_mempolicy, SYS_mbind,
                       SYS_set_mempolicy_home_node, SYS_migrate_pages, SYS_move_pages, SYS_mlockall,
                       SYS_kcmp, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_kill, SYS_tkill,
                       SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo});
  // glibc's setuid tells the other threads by a signal first, which is well refused too.
  calls.Refuse(EPERM,
               {SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid,
                SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_setpgid, SYS_setsid, SYS_capset});
  // It has no children, and is told so.
  calls.Refuse(ECHILD, {SYS_wait4, SYS_waitid});
  // A file that may not be opened is what most programs have been tried with.
  calls.Refuse(
      EACCES,
      {SYS_openat,     SYS_openat2,     SYS_faccessat,    SYS_faccessat2,   SYS_readlinkat,
       SYS_mkdirat,    SYS_unlinkat,    SYS_renameat2,    SYS_linkat,       SYS_symlinkat,
       SYS_mknodat,    SYS_fchmodat,    SYS_fchmodat2,    SYS_fchownat,     SYS_statfs,
       SYS_truncate,   SYS_utimensat,   SYS_fchmod,       SYS_fchown,       SYS_setxattr,
       SYS_lsetxattr,  SYS_fsetxattr,   SYS_getxattr,     SYS_lgetxattr,    SYS_listxattr,
       SYS_llistxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, SYS_inotify_add_watch});
#ifdef SYS_renameat
  calls.Refuse(EACCES, {SYS_renameat});
#endif
  calls.Refuse(EACCES, {SYS_socket, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4});
#ifdef __x86_64__
  calls.Refuse(EACCES,
               {SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir,
                SYS_rmdir, SYS_unlink, SYS_rename, SYS_link, SYS_symlink, SYS_mknod, SYS_chmod,
                SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat});
#endif
  return calls;
}

}  // namespace

SystemCalls Baseline() {
  return Phrases({OwnMemory(), OwnDescriptors(), OwnProcess(), Forking(), WhatAttacksAreMadeOf(),
                  WhatLibrariesTry()});
}

}  // namespace forkserver
