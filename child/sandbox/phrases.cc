#include "child/sandbox/phrases.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "child/sandbox/in_band_only.h"

namespace forkserver {
namespace {

// A socket's type is in the same argument as two flags, which do not matter.
ArgumentCondition IsSocketType(int type) {
  constexpr uint64_t kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  return Argument(1).HasOf(UINT32_MAX & ~kFlags, static_cast<uint64_t>(type));
}

// Newer than the headers.
constexpr int kPeerPidfd = 77;

void AllowSocketOptions(SystemCalls& calls, int level, std::initializer_list<int> options) {
  for (const int option : options) {
    calls.AllowWhen(SYS_setsockopt, {Argument(1).IsInt(level), Argument(2).IsInt(option)});
  }
}

}  // namespace

SystemCalls Phrases(std::initializer_list<SystemCalls> phrases) {
  SystemCalls calls;
  for (const SystemCalls& phrase : phrases) calls.Add(phrase);
  return calls;
}

SystemCalls Computing() {
  SystemCalls calls;
  // A futex of a process with one thread: std::call_once wakes even where nobody waits, and glibc
  // aborts when that fails.
  calls.Allow({SYS_futex, SYS_mlock, SYS_mlock2, SYS_munlock, SYS_msync, SYS_get_mempolicy});
  calls.Allow({SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday});
  calls.Allow({SYS_getrandom});
  calls.Allow({SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_times, SYS_getcpu, SYS_umask,
               SYS_sched_getaffinity, SYS_getcwd, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
               SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_capget});
  // Of others it would tell which processes there are.
  for (const long call : {SYS_getpgid, SYS_getsid}) {
    calls.AllowWhen(call, {Argument(0).IsInt(0)});
  }
  calls.AllowWhen(SYS_getpriority, {Argument(0).IsInt(PRIO_PROCESS), Argument(1).IsInt(0)});
#ifdef SYS_getrlimit
  calls.Allow({SYS_getrlimit});
#endif
#ifdef __x86_64__
  calls.Allow({SYS_time, SYS_getpgrp});
#endif
  return calls;
}

SystemCalls Threads() {
  SystemCalls calls;
  // pthread_create's flags where clone3 is refused (glibc's createthread.c).
  calls.AllowWhen(SYS_clone, {Argument(0).Is(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |
                                             CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS |
                                             CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)});
  calls.Allow({SYS_futex, SYS_set_tid_address, SYS_membarrier, SYS_sched_getparam,
               SYS_sched_getscheduler, SYS_sched_get_priority_min, SYS_sched_get_priority_max});
  return calls;
}

SystemCalls GivenDescriptors() {
  SystemCalls calls;
  calls.Allow({SYS_preadv, SYS_preadv2, SYS_pwritev, SYS_pwritev2, SYS_sendfile, SYS_ftruncate,
               SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_fadvise64, SYS_flock, SYS_fstatfs});
  AllowInBandOnly(calls, 3, {SYS_sendto, SYS_recvfrom, SYS_sendmmsg, SYS_recvmmsg});
  calls.Allow({SYS_shutdown, SYS_getsockname, SYS_getpeername});
  // SO_PEERPIDFD (Linux 6.5) gives a descriptor of the process that made the socket: of the launch
  // socket, the host. Options are numbered as they come; of the other levels too nobody asks for
  // one that is so high.
  calls.AllowWhen(SYS_getsockopt, {Argument(2).IsAtMost(kPeerPidfd - 1)});
  calls.Refuse(EPERM, {SYS_getsockopt});
  // Sizes and patience of what it was given. Most of the other options are parts of the kernel that
  // one would rather not let it into (SO_ATTACH_FILTER, the packet filter's).
  AllowSocketOptions(calls, SOL_SOCKET,
                     {SO_SNDBUF, SO_RCVBUF, SO_SNDTIMEO, SO_RCVTIMEO, SO_PASSCRED});
  calls.Refuse(ENOPROTOOPT, {SYS_setsockopt});
  calls.Allow({SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2});

  calls.Allow({SYS_dup, SYS_pipe2, SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime,
               SYS_timerfd_gettime, SYS_memfd_create});
  // Not of datagrams: such a socket can send to any name, whomever it is paired with.
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    calls.AllowWhen(SYS_socketpair, {Argument(0).IsInt(AF_UNIX), IsSocketType(type)});
  }
  calls.Refuse(EPROTONOSUPPORT, {SYS_socketpair});
#ifdef __x86_64__
  calls.Allow({SYS_select, SYS_epoll_create, SYS_epoll_wait, SYS_dup2, SYS_pipe, SYS_eventfd});
#endif
  return calls;
}

SystemCalls OwnSignals() {
  SystemCalls calls;
  calls.Allow({SYS_rt_sigaction, SYS_sigaltstack, SYS_rt_sigpending, SYS_rt_sigsuspend,
               SYS_rt_sigtimedwait, SYS_signalfd4, SYS_setitimer, SYS_getitimer, SYS_timer_create,
               SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete});
  // To whom a filter cannot say: its own number is not known when the filter is made.
  calls.Allow({SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo});
#ifdef __x86_64__
  calls.Allow({SYS_pause, SYS_alarm});
#endif
  return calls;
}

SystemCalls LoadedCode() {
  SystemCalls calls;
  // The dynamic loader maps code as it will stay.
  calls.AllowWhen(SYS_mmap, {Argument(2).HasOf(PROT_WRITE | PROT_EXEC, PROT_EXEC)});
  return calls;
}

SystemCalls GeneratedCode() {
  SystemCalls calls;
  calls.AllowWhen(SYS_mmap, {Argument(2).HasOf(PROT_WRITE | PROT_EXEC, PROT_EXEC)});
  calls.AllowWhen(SYS_mprotect, {Argument(2).HasOf(PROT_WRITE | PROT_EXEC, PROT_EXEC)});
  return calls;
}

SystemCalls FilesByBroker() {
  SystemCalls calls;
  calls.Ask({SYS_openat, SYS_openat2, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_faccessat2,
             SYS_readlinkat, SYS_mkdirat, SYS_unlinkat, SYS_renameat2});
#ifdef SYS_renameat
  calls.Ask({SYS_renameat});
#endif
#ifdef __x86_64__
  calls.Ask({SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir,
             SYS_rmdir, SYS_unlink, SYS_rename});
  calls.Allow({SYS_getdents});
#endif
  // Of a descriptor, as Baseline says.
  calls.AllowWhen(SYS_newfstatat, {Argument(3).HasAll(AT_EMPTY_PATH)});
  calls.AllowWhen(SYS_statx, {Argument(2).HasAll(AT_EMPTY_PATH)});
  // Of a directory that the broker opened.
  calls.Allow({SYS_getdents64});
  return calls;
}

SystemCalls LocalServicesByBroker() {
  SystemCalls calls;
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    calls.AllowWhen(SYS_socket, {Argument(0).IsInt(AF_UNIX), IsSocketType(type)});
  }
  calls.Ask({SYS_connect});
  return calls;
}

SystemCalls Network() {
  SystemCalls calls;
  for (const int family : {AF_INET, AF_INET6}) {
    // No other protocols of the same types (MPTCP, SCTP), which Landlock's word of TCP leaves out
    // and for which the kernel loads modules.
    for (const int protocol : {0, int{IPPROTO_TCP}}) {
      calls.AllowWhen(SYS_socket, {Argument(0).IsInt(family), IsSocketType(SOCK_STREAM),
                                   Argument(2).IsInt(protocol)});
    }
    for (const int protocol : {0, int{IPPROTO_UDP}}) {
      calls.AllowWhen(SYS_socket, {Argument(0).IsInt(family), IsSocketType(SOCK_DGRAM),
                                   Argument(2).IsInt(protocol)});
    }
  }
  // getaddrinfo sorts addresses by the machine's own, which it asks of the kernel so. To change
  // routes takes a capability.
  calls.AllowWhen(SYS_socket, {Argument(0).IsInt(AF_NETLINK), IsSocketType(SOCK_RAW),
                               Argument(2).IsInt(NETLINK_ROUTE)});
  calls.Allow({SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4});
  AllowSocketOptions(calls, SOL_SOCKET,
                     {SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE, SO_LINGER, SO_BROADCAST,
                      SO_TIMESTAMP, SO_PRIORITY});
  // All options of the protocols: IP, TCP, UDP, IPv6. The packet filter's are in the first and the
  // last, and take a capability.
  for (const int level : {IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6}) {
    calls.AllowWhen(SYS_setsockopt, {Argument(1).IsInt(level)});
  }
  return calls;
}

SystemCalls GraphicsDevices() {
  SystemCalls calls;
  // The second byte of a request says whose it is: the display's and render nodes, those of
  // memory and of fences between devices, and NVIDIA's own driver.
  for (const int owner : {'d', 'b', '>', 'F'}) {
    calls.AllowWhen(SYS_ioctl, {Argument(1).HasOf(0xff00, static_cast<uint64_t>(owner) << 8)});
  }
  // Mesa: whether two descriptors are the same device.
  calls.AllowWhen(SYS_kcmp, {Argument(2).IsInt(KCMP_FILE)});
  return calls;
}

}  // namespace forkserver
