// The rarer doors of the kernel, where its mistakes are, and those that are for administrators.
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/answers.h"
#include "transceiver/unique_fd.h"

namespace forkserver::testing {
namespace {

// No memory is there, whatever the sandbox: the page below the first that may be mapped.
constexpr long kNoAddress = 8;

UniqueFd Descriptor(long returned) { return UniqueFd(static_cast<int>(returned)); }

AttemptResult SetUpRing(const AttemptTargets&) {
  io_uring_params parameters = {};
  const UniqueFd ring = Descriptor(syscall(SYS_io_uring_setup, 1, &parameters));
  return AnswerOf("io_uring_setup", ring.get());
}

AttemptResult CreateBpfMap(const AttemptTargets&) {
  bpf_attr attributes = {};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 4;
  attributes.max_entries = 1;
  const UniqueFd map =
      Descriptor(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
  return AnswerOf("bpf", map.get());
}

AttemptResult LoadBpfProgram(const AttemptTargets&) {
  bpf_insn code[2] = {};  // r0 = 0; exit
  code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  code[1].code = BPF_JMP | BPF_EXIT;
  bpf_attr attributes = {};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = reinterpret_cast<uintptr_t>(code);
  attributes.insn_cnt = 2;
  attributes.license = reinterpret_cast<uintptr_t>("none");
  const UniqueFd program =
      Descriptor(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes)));
  return AnswerOf("bpf", program.get());
}

AttemptResult CountEvents(const AttemptTargets&) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_PAGE_FAULTS;
  attributes.exclude_kernel = 1;
  const UniqueFd counter =
      Descriptor(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
  return AnswerOf("perf_event_open", counter.get());
}

AttemptResult AddKey(const AttemptTargets&) {
  return AnswerOf("add_key",
                  syscall(SYS_add_key, "user", "attempt", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

AttemptResult RequestKey(const AttemptTargets&) {
  return ConsideredIf("request_key", syscall(SYS_request_key, "user", "no such key", nullptr, 0),
                      ENOKEY);
}

AttemptResult FindKeyring(const AttemptTargets&) {
  return AnswerOf("keyctl",
                  syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

AttemptResult TypeIntoTerminal(const AttemptTargets& targets) {
  char typed = 'x';
  if (ioctl(targets.terminal_fd, TIOCSTI, &typed) != 0) return Refused("ioctl TIOCSTI");
  char seen = 0;
  if (read(targets.terminal_fd, &seen, 1) != 1) return Refused("read");
  return DoneIf(seen == typed, "something else was typed");
}

AttemptResult AskConsole(const AttemptTargets& targets) {
  if (targets.console_fd < 0) return Unavailable("no virtual console", ENODEV);
  char which = 12;  // TIOCL_GETFGCONSOLE
  return AnswerOf("ioctl TIOCLINUX", ioctl(targets.console_fd, TIOCLINUX, &which));
}

AttemptResult SetDumpable(const AttemptTargets&) {
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return Refused("prctl PR_SET_DUMPABLE");
  return DoneIf(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1, "not dumpable");
}

// To set it takes CAP_SYS_RESOURCE, or all of the map at once: it is the same prctl that answers.
AttemptResult SetMemoryMap(const AttemptTargets&) {
  unsigned size = 0;
  if (prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) != 0) return Refused("prctl PR_SET_MM");
  return DoneIf(size > 0, "no size");
}

AttemptResult SetName(const AttemptTargets&) {
  if (prctl(PR_SET_NAME, "attempt", 0, 0, 0) != 0) return Refused("prctl PR_SET_NAME");
  char name[16] = {};
  if (prctl(PR_GET_NAME, name, 0, 0, 0) != 0) return Refused("prctl PR_GET_NAME");
  return DoneIf(std::string_view(name) == "attempt", "another name");
}

AttemptResult DropParentDeathSignal(const AttemptTargets&) {
  return AnswerOf("prctl PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
}

AttemptResult AdoptOrphans(const AttemptTargets&) {
  return AnswerOf("prctl PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

AttemptResult KeepCapabilities(const AttemptTargets&) {
  return AnswerOf("prctl PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
}

AttemptResult DispatchSystemCalls(const AttemptTargets&) {
  static char selector = 0;  // SYSCALL_DISPATCH_FILTER_ALLOW
  return AnswerOf("prctl PR_SET_SYSCALL_USER_DISPATCH",
                  prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector));
}

AttemptResult AddFilter(const AttemptTargets&) {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program = {.len = 1, .filter = &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Refused("prctl PR_SET_NO_NEW_PRIVS");
  return AnswerOf("seccomp", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

AttemptResult AddFilterByPrctl(const AttemptTargets&) {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program = {.len = 1, .filter = &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Refused("prctl PR_SET_NO_NEW_PRIVS");
  return AnswerOf("prctl PR_SET_SECCOMP",
                  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

AttemptResult AddListener(const AttemptTargets&) {
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program = {.len = 1, .filter = &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Refused("prctl PR_SET_NO_NEW_PRIVS");
  const UniqueFd listener = Descriptor(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  return AnswerOf("seccomp", listener.get());
}

AttemptResult AskForLandlock(const AttemptTargets&) {
  return AnswerOf("landlock_create_ruleset", syscall(SYS_landlock_create_ruleset, nullptr, 0,
                                                     LANDLOCK_CREATE_RULESET_VERSION));
}

AttemptResult SetSegmentBase(const AttemptTargets&) {
  return AnswerOf("arch_prctl", syscall(SYS_arch_prctl, ARCH_SET_GS, 0ul));
}

AttemptResult ModifyDescriptorTable(const AttemptTargets&) {
  user_desc segment = {};
  segment.limit = 0xfffff;
  segment.seg_32bit = 1;
  segment.limit_in_pages = 1;
  return AnswerOf("modify_ldt",
                  static_cast<int>(syscall(SYS_modify_ldt, 1, &segment, sizeof(segment))));
}

AttemptResult SyncQuotas(const AttemptTargets&) {
  return AnswerOf("quotactl", quotactl(QCMD(Q_SYNC, USRQUOTA), nullptr, 0, nullptr));
}

AttemptResult SwapOn(const AttemptTargets&) {
  return ConsideredIf("swapon", syscall(SYS_swapon, kNoAddress, 0), EFAULT);
}

AttemptResult SwapOff(const AttemptTargets&) {
  return ConsideredIf("swapoff", syscall(SYS_swapoff, kNoAddress), EFAULT);
}

AttemptResult Account(const AttemptTargets&) {
  return ConsideredIf("acct", syscall(SYS_acct, kNoAddress), EFAULT);
}

AttemptResult Reboot(const AttemptTargets&) {
  constexpr int kNoMagic = 1;
  return ConsideredIf("reboot", syscall(SYS_reboot, kNoMagic, kNoMagic, 0, nullptr), EINVAL);
}

AttemptResult LoadModule(const AttemptTargets&) {
  const AttemptResult result =
      ConsideredIf("init_module", syscall(SYS_init_module, kNoAddress, 0ul, ""), ENOEXEC);
  if (result.error == ENOSYS) return Unavailable("the kernel has no modules", ENOSYS);
  return result;
}

AttemptResult ReadLog(const AttemptTargets&) {
  char text[256];
  constexpr int kReadAll = 3;
  return AnswerOf("syslog", klogctl(kReadAll, text, sizeof(text)));
}

AttemptResult SetTimeZone(const AttemptTargets&) {
  // A zone east of nowhere: the clock stays.
  struct timezone zone = {};
  if (syscall(SYS_gettimeofday, nullptr, &zone) != 0) return Refused("gettimeofday");
  return AnswerOf("settimeofday", syscall(SYS_settimeofday, nullptr, &zone));
}

AttemptResult TuneClock(const AttemptTargets&) {
  timex clock = {};
  if (syscall(SYS_adjtimex, &clock) < 0) return Refused("adjtimex");
  clock.modes = ADJ_TICK;
  return AnswerOf("adjtimex", syscall(SYS_adjtimex, &clock));
}

AttemptResult SetClock(const AttemptTargets&) {
  timex clock = {};
  clock.modes = ADJ_SETOFFSET;  // by nothing
  return AnswerOf("clock_adjtime", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &clock));
}

AttemptResult SetHostName(const AttemptTargets& targets) {
  return AnswerOf("sethostname", sethostname(targets.nodename, strlen(targets.nodename)));
}

AttemptResult ReadHostName(const AttemptTargets& targets) {
  utsname names = {};
  if (uname(&names) != 0) return Refused("uname");
  return DoneIf(strcmp(names.nodename, targets.nodename) == 0, "another name");
}

AttemptResult ReadLoad(const AttemptTargets&) {
  struct sysinfo info = {};
  if (sysinfo(&info) != 0) return Refused("sysinfo");
  return DoneIf(info.totalram > 0, "no memory");
}

// getpid of another table of numbers: 20 is writev in this one.
AttemptResult CallAs32Bit(const AttemptTargets&) {
  int pid = 20;
  asm volatile("int $0x80" : "+a"(pid) : : "memory", "r8", "r9", "r10", "r11");
  errno = -pid;
  return pid < 0 ? Refused("int 0x80") : DoneIf(pid == getpid(), "another pid");
}

AttemptResult CallAsX32(const AttemptTargets&) {
  constexpr long kX32 = 0x40000000;
  const long pid = syscall(kX32 | SYS_getpid);
  if (pid < 0 && errno == ENOSYS) return Unavailable("the kernel has no x32", ENOSYS);
  return pid < 0 ? Refused("x32 getpid") : DoneIf(pid == getpid(), "another pid");
}

AttemptResult CallVsyscall(const AttemptTargets&) {
  constexpr uintptr_t kTime = 0xffffffffff600400;
  const time_t seen = reinterpret_cast<time_t (*)(time_t*)>(kTime)(nullptr);
  if (seen < 0) {
    errno = static_cast<int>(-seen);
    return Refused("vsyscall time");
  }
  return DoneIf(seen > 1000000000, "another time");
}

constexpr Attempt kAttempts[] = {
    {"io-uring-setup", "Makes a ring, whose calls no filter sees.", SetUpRing},
    {"bpf-map-create", "Makes a BPF map.", CreateBpfMap, Needs::kRoot},
    {"bpf-prog-load", "Loads a BPF program.", LoadBpfProgram, Needs::kRoot},
    {"perf-event-open", "Counts its own page faults.", CountEvents},
    {"add-key", "Keeps a key in the kernel.", AddKey},
    {"request-key", "Asks for a key that there is not: ENOKEY.", RequestKey, Needs::kNothing,
     Proof::kConsidered},
    {"keyctl", "Asks for its keyring.", FindKeyring},
    {"ioctl-tiocsti", "Types into a terminal that it was given, and reads that back.",
     TypeIntoTerminal, Needs::kRoot},
    {"ioctl-tioclinux", "Asks the virtual console which one is in front.", AskConsole,
     Needs::kRoot},
    {"prctl-set-dumpable", "Makes itself dumpable.", SetDumpable},
    {"prctl-set-mm", "Asks how to tell the kernel that its memory lies elsewhere.", SetMemoryMap},
    {"prctl-set-name", "Gives itself a name: harmless.", SetName},
    {"prctl-drop-pdeathsig", "Outlives its host, by taking its parent-death signal away.",
     DropParentDeathSignal},
    {"prctl-child-subreaper", "Adopts the orphans of its descendants.", AdoptOrphans},
    {"prctl-keepcaps", "Keeps its capabilities across setuid.", KeepCapabilities},
    {"prctl-syscall-dispatch", "Has its system calls turned into signals.", DispatchSystemCalls},
    {"seccomp-filter", "Adds a filter of its own.", AddFilter},
    {"prctl-seccomp", "Adds a filter of its own by prctl.", AddFilterByPrctl},
    {"seccomp-listener", "Adds a filter of its own that it answers itself.", AddListener},
    {"landlock-version", "Asks for the version of Landlock: harmless.", AskForLandlock},
    {"arch-prctl-set-gs", "Sets a segment base.", SetSegmentBase},
    {"modify-ldt", "Adds a segment to its descriptor table.", ModifyDescriptorTable},
    {"quotactl", "Has quotas written to disk.", SyncQuotas},
    {"swapon", "Swaps to a file without a name: EFAULT.", SwapOn, Needs::kRoot, Proof::kConsidered},
    {"swapoff", "Stops to swap to a file without a name: EFAULT.", SwapOff, Needs::kRoot,
     Proof::kConsidered},
    {"acct", "Has processes accounted for in a file without a name: EFAULT.", Account, Needs::kRoot,
     Proof::kConsidered},
    {"reboot", "Reboots, with magic numbers that are none: EINVAL.", Reboot, Needs::kRoot,
     Proof::kConsidered},
    {"init-module", "Loads an empty module: ENOEXEC.", LoadModule, Needs::kRoot,
     Proof::kConsidered},
    {"syslog-read", "Reads the kernel's log.", ReadLog, Needs::kRoot},
    {"settimeofday", "Sets the time zone, to what it is.", SetTimeZone, Needs::kRoot},
    {"adjtimex", "Sets the length of a tick, to what it is.", TuneClock, Needs::kRoot},
    {"clock-adjtime", "Sets the clock forward by nothing.", SetClock, Needs::kRoot},
    {"sethostname", "Sets the name of the machine, to what the host saw.", SetHostName,
     Needs::kRoot},
    {"uname-nodename", "Learns the name of the machine.", ReadHostName},
    {"sysinfo", "Learns how much memory there is.", ReadLoad},
    {"int80-getpid", "Calls the kernel as 32-bit programs do, with other numbers.", CallAs32Bit},
    {"x32-getpid", "Calls the kernel as x32 programs do, past what compares numbers only.",
     CallAsX32},
    {"vsyscall-time", "Asks for the time at the fixed address of old programs.", CallVsyscall},
};

}  // namespace

std::span<const Attempt> KernelAttempts() { return kAttempts; }

}  // namespace forkserver::testing
