#include "tests/forkserver/report/crash_program.h"

#undef NDEBUG
#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "child/flight/crash_handler.h"

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

void OnThread(void (*crash)()) {
  std::thread([crash] {
    CrashStack stack;
    if (!stack.Use().ok()) _exit(1);
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
