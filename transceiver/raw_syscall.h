// System calls without the C library, for the template's loop and for the child until Ready.
//
//     const long result = RawSyscall(SYS_close, fd);
//     if (result < 0) return static_cast<int>(-result);        // the errno
//
// Why not libc's: each of its functions is on another page of its code, which a fresh child has to
// fault in (about 2 us each where page tables are virtualized; perf record -e page-faults shows
// them), and each failure writes errno, which copies a page of thread-local memory. Returns what
// the kernel returns: minus errno for a failure. Never a cancellation point. On other machines
// than x86-64 it goes through syscall(2), which is right and slower.
//
// Always inlined: the freeze makes system calls while the tables through which it would call
// another object's function are out of their place.
#ifndef TRANSCEIVER_RAW_SYSCALL_H_
#define TRANSCEIVER_RAW_SYSCALL_H_

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef FORKSERVER_FAULTS
// Programs of //tests/faults are built so: each of these calls can be made to fail.
extern "C" [[gnu::visibility("hidden")]] long ForkserverFaultSyscall(long number, long a, long b,
                                                                     long c, long d, long e,
                                                                     long f);
#endif

namespace forkserver {

// Arguments are integers and pointers.
template <typename Argument>
[[gnu::always_inline]] inline long RawArgument(Argument argument) {
  return (long)argument;  // a C cast, for pointers and integers of every width alike
}

[[gnu::always_inline]] inline long RawSyscallOfLongs(long number, long a = 0, long b = 0,
                                                     long c = 0, long d = 0, long e = 0,
                                                     long f = 0) {
#if defined(FORKSERVER_FAULTS)
  return ForkserverFaultSyscall(number, a, b, c, d, e, f);
#elif defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  const long result = syscall(number, a, b, c, d, e, f);
  return result < 0 ? -errno : result;
#endif
}

template <typename... Arguments>
[[gnu::always_inline]] inline long RawSyscall(long number, Arguments... arguments) {
  static_assert(sizeof...(arguments) <= 6);
  return RawSyscallOfLongs(number, RawArgument(arguments)...);
}

// Of a call whose result says only whether it failed: 0, or the errno.
template <typename... Arguments>
[[gnu::always_inline]] inline int RawSyscallError(long number, Arguments... arguments) {
  const long result = RawSyscall(number, arguments...);
  return result < 0 ? static_cast<int>(-result) : 0;
}

}  // namespace forkserver

#endif  // TRANSCEIVER_RAW_SYSCALL_H_
