// Calls that no process of any kind may make, by this list and not by the policies' own.
#ifndef TESTS_CHILD_SANDBOX_DANGEROUS_CALLS_H_
#define TESTS_CHILD_SANDBOX_DANGEROUS_CALLS_H_

#include <sys/syscall.h>

namespace forkserver::testing {

struct DangerousCall {
  const char* name;
  long number;
};

inline constexpr DangerousCall kDangerousCalls[] = {
    {"ptrace", SYS_ptrace},
    {"process_vm_readv", SYS_process_vm_readv},
    {"process_vm_writev", SYS_process_vm_writev},
    {"process_mrelease", SYS_process_mrelease},
    {"pidfd_getfd", SYS_pidfd_getfd},
    {"execve", SYS_execve},
    {"execveat", SYS_execveat},
    {"unshare", SYS_unshare},
    {"setns", SYS_setns},
    {"chroot", SYS_chroot},
    {"pivot_root", SYS_pivot_root},
    {"mount", SYS_mount},
    {"umount2", SYS_umount2},
    {"fsopen", SYS_fsopen},
    {"fsconfig", SYS_fsconfig},
    {"fsmount", SYS_fsmount},
    {"fspick", SYS_fspick},
    {"move_mount", SYS_move_mount},
    {"open_tree", SYS_open_tree},
    {"mount_setattr", SYS_mount_setattr},
    {"open_by_handle_at", SYS_open_by_handle_at},
    {"name_to_handle_at", SYS_name_to_handle_at},
    {"fanotify_init", SYS_fanotify_init},
    {"fanotify_mark", SYS_fanotify_mark},
    {"quotactl", SYS_quotactl},
    {"quotactl_fd", SYS_quotactl_fd},
    {"bpf", SYS_bpf},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd},
    {"keyctl", SYS_keyctl},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"io_uring_enter", SYS_io_uring_enter},
    {"io_uring_register", SYS_io_uring_register},
    {"init_module", SYS_init_module},
    {"finit_module", SYS_finit_module},
    {"delete_module", SYS_delete_module},
    {"kexec_load", SYS_kexec_load},
    {"reboot", SYS_reboot},
    {"swapon", SYS_swapon},
    {"swapoff", SYS_swapoff},
    {"acct", SYS_acct},
    {"syslog", SYS_syslog},
    {"settimeofday", SYS_settimeofday},
    {"clock_settime", SYS_clock_settime},
    {"clock_adjtime", SYS_clock_adjtime},
    {"adjtimex", SYS_adjtimex},
    {"sethostname", SYS_sethostname},
    {"setdomainname", SYS_setdomainname},
    {"vhangup", SYS_vhangup},
#if defined(__x86_64__)
    {"iopl", SYS_iopl},
    {"ioperm", SYS_ioperm},
    {"modify_ldt", SYS_modify_ldt},
    {"fork", SYS_fork},
    {"vfork", SYS_vfork},
    {"uselib", SYS_uselib},
    {"kexec_file_load", SYS_kexec_file_load},
#endif
};

}  // namespace forkserver::testing

#endif  // TESTS_CHILD_SANDBOX_DANGEROUS_CALLS_H_
