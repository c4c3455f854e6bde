#include "tests/forkserver/report/crash_program.h"

#undef NDEBUG
#include <assert.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "child/flight/crash_handler.h"
#include "child/flight/watched_thread.h"

namespace forkserver::testing {
namespace {

volatile int zero = 0;
volatile int sink = 0;
volatile int seven = 7;

volatile uintptr_t nowhere = 0x10;

[[gnu::noinline]] void CrashBySegv() { *reinterpret_cast<volatile int*>(nowhere) = 1; }

[[gnu::noinline]] void CrashByBus() {
  const int file = memfd_create("empty", MFD_CLOEXEC);
  void* const memory = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
  sink = *static_cast<volatile int*>(memory);
}

[[gnu::noinline]] void CrashByIll() { __builtin_trap(); }

[[gnu::noinline]] void CrashByFpe() {
#if defined(__x86_64__)
  sink = seven / zero;
#else
  raise(SIGFPE);  // the processor does not trap
#endif
}

[[gnu::noinline]] void CrashByAbort() { abort(); }

[[gnu::noinline]] void CrashBySys() { sink = raise(SIGSYS); }

[[gnu::noinline]] void CrashByException() { throw std::runtime_error("seven is not eight"); }

[[gnu::noinline]] void CrashByCheck() { assert(zero == 8); }

[[gnu::noinline]] void CrashByReason() {
  SetCrashReason("index 7 of 3");
  abort();
}

[[gnu::noinline]] int CrashByOverflow(int depth) {
  volatile char room[1024];
  if (zero != 0) return depth;
  room[0] = static_cast<char>(depth);
  return CrashByOverflow(depth + room[0]) + room[0];
}

[[gnu::noinline]] void CrashByNull() {
  void (*volatile function)() = nullptr;
  function();
  sink = 2;  // so that it is no tail call
}

[[gnu::noinline]] void CrashTwice() {
#if defined(__x86_64__)
  __asm__ volatile("movq $16, %rsp\n  movl $0, (%rsp)\n");
#else
  __asm__ volatile("mov x0, #16\n  mov sp, x0\n  str x0, [sp]\n");
#endif
}

void BlockAllSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

struct sigaction handler_before;

void CallTheOneBefore(int signal, siginfo_t* info, void* context) {
  handler_before.sa_sigaction(signal, info, context);
}

void ChainHandler() {
  struct sigaction action = {};
  action.sa_sigaction = CallTheOneBefore;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &handler_before);
}

// Ends with what the child of its own ended with: its status, or 100 and its signal.
[[noreturn]] void EndAs(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status));
}

[[noreturn]] void ForkAndThrow(pid_t (*fork_it)()) {
  const pid_t child = fork_it();
  if (child == 0) CrashByException();
  EndAs(child);
}

// What such a child maps next lies where its parent's record was: 77 where that was written to, 0
// where it was not.
[[noreturn]] void ForkAndMapOverTheRecord() {
  const void* const record = crash_record();
  const pid_t child = fork();
  if (child != 0) EndAs(child);
  void* const mine = mmap(const_cast<void*>(record), sizeof(FlightRecord), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (mine != record) _exit(1);
  SetCrashReason("of somebody else");
  for (size_t i = 0; i < sizeof(FlightRecord); ++i) {
    if (static_cast<const char*>(mine)[i] != 0) _exit(77);
  }
  _exit(0);
}

[[gnu::noinline]] void CrashAChildThatBorrowsTheMemory() {
  if (vfork() == 0) {
    *reinterpret_cast<volatile int*>(nowhere) = 1;
    _exit(0);
  }
}

// As one that a program sets itself, without a thought of a crash handler.
void TrapAllCallsOfTheHandler() {
  constexpr uint32_t kCalls[] = {SYS_gettid,         SYS_getpid, SYS_prctl,       SYS_sched_yield,
                                 SYS_rt_sigprocmask, SYS_tgkill, SYS_rt_sigaction};
  constexpr size_t kCount = sizeof(kCalls) / sizeof(kCalls[0]);
  sock_filter filter[kCount + 3] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (size_t i = 0; i < kCount; ++i) {
    filter[1 + i] =
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kCalls[i], static_cast<uint8_t>(kCount - i), 0);
  }
  filter[kCount + 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[kCount + 2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  const sock_fprog program = {.len = kCount + 3, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(1);
}

[[noreturn]] void CrashOnManyThreads() {
  constexpr int kThreads = 8;
  static std::atomic<int> ready = 0;
  for (int i = 0; i < kThreads; ++i) {
    std::thread([i] {
      ++ready;
      while (ready < kThreads) {
      }
      if (i % 2 != 0) CrashByAbort();
      CrashBySegv();
    }).detach();
  }
  for (;;) pause();
}

void OnThread(void (*crash)()) {
  StartWatchedThread([crash] {
    pthread_setname_np(pthread_self(), "second");
    crash();
  }).join();
}

}  // namespace

void Crash(std::string_view way) {
  if (way == "segv") CrashBySegv();
  if (way == "bus") CrashByBus();
  if (way == "ill") CrashByIll();
  if (way == "fpe") CrashByFpe();
  if (way == "abort") CrashByAbort();
  if (way == "sys") CrashBySys();
  if (way == "exception") CrashByException();
  if (way == "check") CrashByCheck();
  if (way == "reason") CrashByReason();
  if (way == "overflow") sink = CrashByOverflow(1);
  if (way == "null") CrashByNull();
  if (way == "thread") OnThread(CrashBySegv);
  if (way == "stack") OnThread([] { sink = CrashByOverflow(1); });
  if (way == "twice") CrashTwice();
  if (way == "stack without memory") {
    std::atomic<bool> may_start = false;
    std::thread thread([&] {
      while (!may_start) {
      }
      CrashStack stack;
      stack.Use();
      sink = CrashByOverflow(1);
    });
    const rlimit none = {.rlim_cur = 0, .rlim_max = 0};
    if (setrlimit(RLIMIT_AS, &none) != 0) _exit(1);
    may_start = true;
    thread.join();
  }
  if (way == "bare stack") std::thread([] { sink = CrashByOverflow(1); }).join();
  if (way == "blocked") {
    BlockAllSignals();
    CrashBySegv();
  }
  if (way == "blocked abort") {
    BlockAllSignals();
    CrashByAbort();
  }
  if (way == "chained") {
    ChainHandler();
    CrashBySegv();
  }
  if (way == "fork") ForkAndThrow(fork);
  if (way == "raw fork") ForkAndThrow([] { return static_cast<pid_t>(_Fork()); });
  if (way == "fork over record") ForkAndMapOverTheRecord();
  if (way == "vfork") {
    CrashAChildThatBorrowsTheMemory();
    kill(getpid(), SIGKILL);
  }
  if (way == "vfork then fpe") {
    CrashAChildThatBorrowsTheMemory();
    CrashByFpe();
  }
  if (way == "trapped") {
    TrapAllCallsOfTheHandler();
    CrashBySegv();
  }
  if (way == "trapped reason") {
    TrapAllCallsOfTheHandler();
    SetCrashReason("index 7 of 3");
    CrashByIll();
  }
  if (way == "many") CrashOnManyThreads();
}

int CrashProgram::Run(ChildContext& context) {
  const std::string_view way = context.argv[0];
  context.annotations.Set("way", way);
  context.annotations.Set("url", "https://a.test/\n2");
  context.annotations.Set("gone", "x");
  context.annotations.Clear("gone");
  if (way == "refused") {
    if (access("/etc/passwd", R_OK) == 0) return 1;
    CrashBySegv();
  }
  Crash(way);
  while (context.channel.Receive() != ReceiveOutcome::kClosed) {
  }
  return 0;
}

}  // namespace forkserver::testing
