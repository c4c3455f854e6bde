#include "tests/faults/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <new>

// Instrumented code would write to tables of its own, and check a canary that the freeze has moved.
#pragma GCC optimize("no-stack-protector", "no-tree-loop-distribute-patterns")

namespace forkserver::testing {
namespace {

// Far from where Linux on x86-64 puts programs, libraries, stacks and sanitizers' shadows.
constexpr uintptr_t kSharedAddress = 0x2000'0000'0000;
constexpr uintptr_t kOwnAddress = 0x2100'0000'0000;

struct OwnPage {
  Role role;
  Role next_child;      // kCount: what follows from the role
  uintptr_t sites_end;  // 0: nowhere
};

FaultSeam& Shared() { return *reinterpret_cast<FaultSeam*>(kSharedAddress); }
OwnPage& Own() { return *reinterpret_cast<OwnPage*>(kOwnAddress); }

// The numbers alone, without a pointer that the dynamic linker would have to have written: rows by
// their places in calls.def.
enum RowIndex : int {
#define LIBC(name, how, unreached, ...) kLibc_##name,
#define NUMBER(name, how, unreached, ...) kNumber_##name,
#define PART(name, what, how, unreached, ...) kPart_##name##_##what,
#define QUIET(name)
#include "tests/faults/calls.def"
#undef LIBC
#undef NUMBER
#undef PART
#undef QUIET
};

[[gnu::always_inline]] inline int RowOfNumber(long number) {
#define LIBC(name, how, unreached, ...)
#define PART(name, what, how, unreached, ...)
#define NUMBER(name, how, unreached, ...) \
  if (number == SYS_##name) return kNumber_##name;
#define QUIET(name)
#include "tests/faults/calls.def"
#undef LIBC
#undef NUMBER
#undef PART
#undef QUIET
  return -1;
}

[[gnu::always_inline]] inline long Kernel(long number, long a, long b, long c, long d, long e,
                                          long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

extern "C" [[gnu::visibility("hidden")]] const char __executable_start;

// The return address of the seam's own function is in `frame`; those of its callers follow from the
// frame pointers that this build keeps.
[[gnu::always_inline]] inline Site SiteOf(const void* frame) {
  constexpr uintptr_t kLargestFrame = 64 * 1024;
  Site site;
  const uintptr_t start = reinterpret_cast<uintptr_t>(&__executable_start);
  uintptr_t here = reinterpret_cast<uintptr_t>(frame);
  for (int i = 0; i < Site::kDepth; ++i) {
    if (here == Own().sites_end) break;
    const uintptr_t* const saved = reinterpret_cast<const uintptr_t*>(here);
    const uintptr_t offset = saved[1] - start;
    // Another object's code, which keeps no frame pointers.
    if (offset >= 1u << 30) break;
    site.frames[i] = static_cast<uint32_t>(offset);
    const uintptr_t next = saved[0];
    if (next <= here || next - here > kLargestFrame || next % sizeof(uintptr_t) != 0) break;
    here = next;
  }
  return site;
}

[[gnu::always_inline]] inline uint64_t KeyOf(Role role, int row, const Site& site) {
  uint64_t key = 0x9e3779b97f4a7c15u *
                 (static_cast<uint64_t>(role) * kMostRows + static_cast<uint64_t>(row) + 1);
  for (const uint32_t frame : site.frames) {
    key ^= frame;
    key *= 0xff51afd7ed558ccdu;
    key ^= key >> 32;
  }
  return key | 1;
}

[[gnu::always_inline]] inline void Note(FaultSeam& seam, Role role, int row, const Site& site) {
  const uint64_t key = KeyOf(role, row, site);
  for (size_t i = 0; i < FaultSeam::kMostSeen; ++i) {
    SeenCall& seen = seam.seen[(key + i) % FaultSeam::kMostSeen];
    uint64_t expected = 0;
    if (seen.key.compare_exchange_strong(expected, key)) {
      seen.role = role;
      seen.row = static_cast<uint32_t>(row);
      seen.site = site;
      seen.is_complete.store(1);
      expected = key;
    }
    if (expected == key) {
      seen.times.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  seam.overflow.fetch_add(1);
}

// 0: let it happen; else the errno, or kShort.
[[gnu::always_inline]] inline int Decide(int row, const void* frame) {
  FaultSeam& seam = Shared();
  if (seam.mode.load(std::memory_order_relaxed) == SeamMode::kOff) return 0;
  const Role role = Own().role;
  if (role == Role::kNobody) return 0;
  if (seam.lacking_row.load(std::memory_order_relaxed) == row) return seam.lacking_error.load();
  const Site site = SiteOf(frame);
  Note(seam, role, row, site);
  if (seam.armed.load() != FaultSeam::Armed::kYes) return 0;
  const Fault& fault = seam.fault;
  if (fault.role != role || fault.row != static_cast<uint32_t>(row)) return 0;
  for (int i = 0; i < Site::kDepth; ++i) {
    if (fault.site.frames[i] != site.frames[i]) return 0;
  }
  const int error = fault.error;
  FaultSeam::Armed expected = FaultSeam::Armed::kYes;
  return seam.armed.compare_exchange_strong(expected, FaultSeam::Armed::kFired) ? error : 0;
}

// Whether the next fault makes a call of that row short.
[[gnu::always_inline]] inline bool IsArmedShort(int row) {
  const FaultSeam& seam = Shared();
  return seam.armed.load() == FaultSeam::Armed::kYes &&
         seam.fault.row == static_cast<uint32_t>(row) && seam.fault.error == kShort;
}

// Else a fault that happens to what is received would count as one that has happened when the call
// begins to wait.
[[gnu::always_inline]] inline void WaitForPacket(long socket, long flags) {
  if ((flags & MSG_DONTWAIT) != 0) return;
  pollfd readable = {.fd = static_cast<int>(socket), .events = POLLIN, .revents = 0};
  Kernel(SYS_ppoll, reinterpret_cast<long>(&readable), 1, 0, 0, 0, 0);
}

[[gnu::always_inline]] inline bool IsDoneFirst(long number) {
#define LIBC(name, how, unreached, ...)
#define PART(name, what, how, unreached, ...)
#define NUMBER(name, how, unreached, ...) \
  if (HowItFails::how == HowItFails::kDone && number == SYS_##name) return true;
#define QUIET(name)
#include "tests/faults/calls.def"
#undef LIBC
#undef NUMBER
#undef PART
#undef QUIET
  return false;
}

[[gnu::always_inline]] inline void AfterFork(const OwnPage& parent) {
  Role role = parent.next_child;
  if (role == Role::kCount) {
    role = parent.role == Role::kHost   ? Role::kSeed
           : parent.role == Role::kSeed ? Role::kRoot
                                        : Role::kChild;
  }
  Own().role = role;
  Own().next_child = Role::kCount;
}

// All arguments are in registers, and the length of what can be short is the third of them, but for
// the two that are named.
[[gnu::always_inline]] inline long DecideAndCall(long number, long a, long b, long c, long d,
                                                 long e, long f, const void* frame) {
  const int row = RowOfNumber(number);
  if (number == SYS_recvmsg && IsArmedShort(row)) WaitForPacket(a, c);
  if (row < 0) {
    FaultSeam& seam = Shared();
    if (number >= 0 && static_cast<size_t>(number) < FaultSeam::kMostNumbers &&
        seam.mode.load() != SeamMode::kOff) {
      seam.unknown[number].fetch_add(1);
    }
    return Kernel(number, a, b, c, d, e, f);
  }
  const int error = Decide(row, frame);
  if (error > 0) {
    if (IsDoneFirst(number)) Kernel(number, a, b, c, d, e, f);
    return -error;
  }
  if (error == kShort) {
    if (number == SYS_getrandom) {
      b = b > 1 ? 1 : b;
    } else if (number == SYS_recvmsg) {
      reinterpret_cast<msghdr*>(b)->msg_controllen = 0;
    } else {
      c = c > 1 ? 1 : c;
    }
  }
  const long result = Kernel(number, a, b, c, d, e, f);
  if (result == 0 && (number == SYS_clone3 || number == SYS_clone)) AfterFork(Own());
  // What a template makes in place of a child it makes once.
  if (result > 0 && (number == SYS_clone3 || number == SYS_clone) &&
      Own().next_child != Role::kCount) {
    Own().next_child = Role::kCount;
  }
  return result;
}

void* MapAt(uintptr_t address, size_t size, int flags, int fd) {
  const long mapped = Kernel(SYS_mmap, static_cast<long>(address), static_cast<long>(size),
                             PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd, 0);
  if (mapped != static_cast<long>(address)) __builtin_trap();
  return reinterpret_cast<void*>(address);
}

// Before anything else of the program: what it constructs may make calls.
[[gnu::constructor(101)]] void MapTheSeam(int argc, char** argv, char**) {
  const char* const path = getenv(kFaultsVariable);
  if (path != nullptr) {
    const long fd =
        Kernel(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path), O_RDWR | O_CLOEXEC, 0, 0, 0);
    if (fd < 0) __builtin_trap();
    Kernel(SYS_ftruncate, fd, sizeof(FaultSeam), 0, 0, 0, 0);
    MapAt(kSharedAddress, sizeof(FaultSeam), MAP_SHARED, static_cast<int>(fd));
    Kernel(SYS_close, fd, 0, 0, 0, 0, 0);
  } else {
    MapAt(kSharedAddress, sizeof(FaultSeam), MAP_SHARED | MAP_ANONYMOUS, -1);
  }
  MapAt(kOwnAddress, 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  Kernel(SYS_madvise, kOwnAddress, 4096, MADV_DONTDUMP, 0, 0, 0);
  const bool execed = argc > 1 && strncmp(argv[1], "--forkserver-launch-socket=", 27) == 0;
  Own() = {
      .role = execed ? Role::kExeced : Role::kHost, .next_child = Role::kCount, .sites_end = 0};
}

}  // namespace

FaultSeam& TheFaultSeam() { return Shared(); }
void EndSitesAt(const void* frame) { Own().sites_end = reinterpret_cast<uintptr_t>(frame); }
void SetRole(Role role) { Own().role = role; }
void SetRoleOfNextChild(Role role) { Own().next_child = role; }

long CallPastTheSeam(long number, long a, long b, long c, long d, long e, long f) {
  return Kernel(number, a, b, c, d, e, f);
}

}  // namespace forkserver::testing

using forkserver::testing::Decide;
using forkserver::testing::DecideAndCall;
using forkserver::testing::HowItFails;
using forkserver::testing::kShort;

extern "C" {

[[gnu::noinline, gnu::visibility("hidden")]] long ForkserverFaultSyscall(long number, long a,
                                                                         long b, long c, long d,
                                                                         long e, long f) {
  return DecideAndCall(number, a, b, c, d, e, f, __builtin_frame_address(0));
}

// Of a generic function the seam sees the number.
[[gnu::noinline]] long FaultsWrap_syscall(long number, long a, long b, long c, long d, long e,
                                          long f) __asm__("__wrap_syscall");
long FaultsWrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  const long result = DecideAndCall(number, a, b, c, d, e, f, __builtin_frame_address(0));
  if (result >= 0 || result < -4095) return result;
  errno = static_cast<int>(-result);
  return -1;
}

}  // extern "C"

namespace {

// What a function's caller sees of a failure.
[[gnu::always_inline]] inline long Failed(HowItFails how, int error) {
  switch (how) {
    case HowItFails::kNumber:
      return error;
    case HowItFails::kMinus:
      return -error;
    case HowItFails::kNull:
      errno = error;
      return 0;
    default:
      errno = error;
      return -1;
  }
}

}  // namespace

namespace {

// The row and the way of failing of a function whose arguments decide: `second`, `third`.
struct RowAndWay {
  int row;
  HowItFails how;
};

[[gnu::always_inline]] inline RowAndWay PartOf(int row, HowItFails how, unsigned long second,
                                               unsigned long third) {
  namespace testing = forkserver::testing;
  if (row == testing::kLibc_ioctl) {
    switch (second) {
      case SECCOMP_IOCTL_NOTIF_RECV:
        return {testing::kPart_ioctl_notif_recv, how};
      case SECCOMP_IOCTL_NOTIF_SEND:
        return {testing::kPart_ioctl_notif_send, how};
      case SECCOMP_IOCTL_NOTIF_ID_VALID:
        return {testing::kPart_ioctl_notif_id_valid, how};
      case SECCOMP_IOCTL_NOTIF_ADDFD:
        return {testing::kPart_ioctl_notif_addfd, how};
      default:
        // PIDFD_GET_INFO, whatever size its struct has.
        return {_IOC_TYPE(second) == 0xFF && _IOC_NR(second) == 11
                    ? static_cast<int>(testing::kPart_ioctl_pidfd_get_info)
                    : row,
                how};
    }
  }
  if (row == testing::kLibc_epoll_ctl && second == EPOLL_CTL_DEL) {
    return {testing::kPart_epoll_ctl_del, HowItFails::kNever};
  }
  if (row == testing::kLibc_epoll_ctl && second == EPOLL_CTL_MOD) {
    return {testing::kPart_epoll_ctl_mod, HowItFails::kNever};
  }
  if (row == testing::kLibc_write && third == sizeof(uint64_t)) {
    return {testing::kPart_write_eventfd, HowItFails::kDone};
  }
  return {row, how};
}

}  // namespace

namespace {

using Function = long(long, long, long, long, long, long, long);

// Makes the call with a length of one.
[[gnu::always_inline]] inline long CallShort(int row, Function* real, long a, long b, long c,
                                             long d, long e, long f, long g) {
  namespace testing = forkserver::testing;
  switch (row) {
    case testing::kLibc_getrandom:
      return real(a, b > 1 ? 1 : b, c, d, e, f, g);
    case testing::kLibc_io_uring_enter:
    case testing::kLibc_io_uring_enter2:
      // Having taken fewer than it was given, the kernel does not wait.
      return b > 1 ? real(a, 1, 0, d, e, f, g) : real(a, b, c, d, e, f, g);
    case testing::kLibc_process_vm_readv:
    case testing::kLibc_process_vm_writev: {
      const iovec& local = *reinterpret_cast<const iovec*>(b);
      const iovec first = {.iov_base = local.iov_base, .iov_len = local.iov_len > 1 ? 1u : 0u};
      return real(a, first.iov_len == 1 ? reinterpret_cast<long>(&first) : b, c, d, e, f, g);
    }
    default:
      return real(a, b, c > 1 ? 1 : c, d, e, f, g);
  }
}

}  // namespace

// Every wrapped function gets and passes on six integers in registers and one on the stack,
// whatever it is declared to take, and returns a register.
#define LIBC(name, how, unreached, ...)                                                           \
  extern "C" long FaultsReal_##name(long, long, long, long, long, long,                           \
                                    long) __asm__("__real_" #name);                               \
  extern "C" [[gnu::noinline]] long FaultsWrap_##name(long, long, long, long, long, long,         \
                                                      long) __asm__("__wrap_" #name);             \
  long FaultsWrap_##name(long a, long b, long c, long d, long e, long f, long g) {                \
    const auto [row, way] = PartOf(forkserver::testing::kLibc_##name, HowItFails::how,            \
                                   static_cast<unsigned long>(b), static_cast<unsigned long>(c)); \
    const int error = Decide(row, __builtin_frame_address(0));                                    \
    if (error == 0) return FaultsReal_##name(a, b, c, d, e, f, g);                                \
    if (error == kShort) return CallShort(row, FaultsReal_##name, a, b, c, d, e, f, g);           \
    if (way == HowItFails::kDone) FaultsReal_##name(a, b, c, d, e, f, g);                         \
    return Failed(way, error);                                                                    \
  }

#define NUMBER(name, how, unreached, ...)
#define PART(name, what, how, unreached, ...)
#define QUIET(name)
#include "tests/faults/calls.def"
