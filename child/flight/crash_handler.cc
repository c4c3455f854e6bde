#include "child/flight/crash_handler.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <typeinfo>

#include "child/flight/copy_what_is_there.h"
#include "child/flight/crash_modules.h"
#include "child/flight/cut_text.h"
#include "transceiver/clock.h"
#include "transceiver/raw_syscall.h"

#if defined(__x86_64__)
#define FORKSERVER_ILLEGAL_INSTRUCTION "ud2"
#else
#define FORKSERVER_ILLEGAL_INSTRUCTION "udf #0"
#endif

// For who may not send itself a signal.
extern "C" [[gnu::visibility("hidden")]] const char forkserver_die_here[];
__asm__(
    ".text\n"
    "forkserver_die_here:\n  " FORKSERVER_ILLEGAL_INSTRUCTION "\n");

namespace forkserver {
namespace {

constexpr int kCrashSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
constexpr size_t kPageBytes = 4096;
// What a signal's frame takes is the machine's (AT_MINSIGSTKSZ); this is for the handler.
constexpr size_t kHandlerBytes = 16 * 1024;
// How far below the readable part of a stack a thread may be that has overrun it.
constexpr size_t kMostOverrunPages = 4096;
// The kernel's: below the stack pointer a leaf function may keep its variables (System V ABI).
constexpr uint64_t kRedZoneBytes = 128;
// For whoever crashes beside the one that is being recorded.
constexpr int kMostYields = 100'000;
// asm-generic/siginfo.h; the C library's header has not all of them.
constexpr int kSysSeccomp = 1;

// What the calling thread is doing in this file. Its own memory says it, since to ask the kernel
// who it is takes a call, which a filter may answer by a signal. There from the thread's start on
// (initial-exec), so that a handler may use it.
enum class Inside : uint8_t { kNothing, kCalls, kRecords };
[[gnu::tls_model("initial-exec")]] thread_local constinit Inside inside = Inside::kNothing;

// A call that a filter refuses by a signal fails with ENOSYS while this lives.
class CallsMayBeTrapped {
 public:
  CallsMayBeTrapped() : before_(inside) {
    if (before_ == Inside::kNothing) inside = Inside::kCalls;
  }
  CallsMayBeTrapped(const CallsMayBeTrapped&) = delete;
  CallsMayBeTrapped& operator=(const CallsMayBeTrapped&) = delete;
  ~CallsMayBeTrapped() { inside = before_; }

 private:
  const Inside before_;
};

// glibc's own, without a header: what it has said before it aborts.
struct AbortMessage {
  unsigned int size;
  char text[1];
};

std::atomic<FlightRecord*> record = nullptr;
bool is_installed = false;
WatchError install_error = {};  // of the last try
AbortMessage** abort_message = nullptr;
std::terminate_handler terminate_before = nullptr;

WatchError Failed(WatchStep step, int error) {
  return {.step = step, .error = static_cast<uint16_t>(error)};
}

// System V ABI, figure 3.36, and AArch64's DWARF, table 4.1: as who unwinds wants them.
void RecordRegisters(const ucontext_t& context, CrashArea& area) {
#if defined(__x86_64__)
  constexpr int kOrder[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                            REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                            REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP, REG_EFL};
  for (const int reg : kOrder) {
    area.registers[area.register_count++] = static_cast<uint64_t>(context.uc_mcontext.gregs[reg]);
  }
  area.program_counter = static_cast<uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
  area.stack_pointer = static_cast<uint64_t>(context.uc_mcontext.gregs[REG_RSP]);
#else
  for (const auto value : context.uc_mcontext.regs) area.registers[area.register_count++] = value;
  area.registers[area.register_count++] = context.uc_mcontext.sp;
  area.registers[area.register_count++] = context.uc_mcontext.pc;
  area.registers[area.register_count++] = context.uc_mcontext.pstate;
  area.program_counter = context.uc_mcontext.pc;
  area.stack_pointer = context.uc_mcontext.sp;
#endif
}

// Of a stack that was overrun the part that is there begins above the stack pointer.
void RecordStack(CrashArea& area) {
  area.stack_start = area.stack_pointer - kRedZoneBytes;
  for (size_t page = 0; page < kMostOverrunPages; ++page) {
    const size_t copied = CopyWhatIsThere(
        area.stack, reinterpret_cast<const void*>(area.stack_start), CrashArea::kStackBytes);
    if (copied > 0) {
      area.stack_bytes = static_cast<uint32_t>(copied);
      return;
    }
    area.stack_start = (area.stack_start & ~uint64_t{kPageBytes - 1}) + kPageBytes;
  }
}

void RecordAbortMessage(CrashArea& area) {
  if (abort_message == nullptr || area.reason_state.load() != CrashArea::kNone) return;
  const AbortMessage* message = nullptr;
  CopyWhatIsThere(&message, abort_message, sizeof(message));
  if (message == nullptr) return;
  if (CopyWhatIsThere(area.reason, message->text, CrashArea::kReasonBytes - 1) == 0) return;
  area.reason_state.store(CrashArea::kWritten, std::memory_order_release);
}

// Whether a filter has refused a call of this file's, which then goes on behind it (seccomp(2)).
bool SkipTrappedCall(int signal, const siginfo_t& info, ucontext_t& context) {
  if (inside == Inside::kNothing || signal != SIGSYS || info.si_code != kSysSeccomp) return false;
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#else
  context.uc_mcontext.regs[0] = static_cast<uint64_t>(-ENOSYS);
#endif
  return true;
}

// Whether the record is there and this process's. Of a parent that this was forked from by anybody
// but a template, it is not mapped here, and something else may be; of one whose memory this
// borrows (vfork(2)), it is the parent's.
bool IsOwn(const FlightRecord* flight) {
  uint32_t magic = 0;
  int32_t owner = 0;
  CopyWhatIsThere(&magic, &flight->magic, sizeof(magic));
  CopyWhatIsThere(&owner, &flight->owner, sizeof(owner));
  if (magic != FlightRecord::kMagic) return false;
  const long self = RawSyscall(SYS_getpid);
  return self == owner || self < 0;
}

// Copies fault where nothing is there, and a thread may have blocked that: before it called abort,
// or since a handler of the program's has come first. One that waited for it crashes of that.
void UnblockFaults() {
  const uint64_t mask = uint64_t{1} << (SIGSEGV - 1) | uint64_t{1} << (SIGBUS - 1);
  RawSyscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, nullptr, sizeof(mask));
}

// The calls last, since a filter may end the process for them.
void RecordCrash(CrashArea& area, int signal, const siginfo_t& info, const ucontext_t& context) {
  area.signal = signal;
  area.code = info.si_code;
  if (info.si_code <= 0) {
    area.sender = info.si_pid;
  } else if (signal == SIGSYS) {
    area.address = reinterpret_cast<uint64_t>(info.si_call_addr);
    area.syscall = info.si_syscall;
  } else {
    area.address = reinterpret_cast<uint64_t>(info.si_addr);
  }
  area.at = NowNanos();
  RecordRegisters(context, area);
  if (signal == SIGABRT || signal == SIGSEGV) RecordAbortMessage(area);
  RecordStack(area);
  RecordModules(area);
  area.thread = std::max(static_cast<int>(RawSyscall(SYS_gettid)), 0);
  RawSyscall(SYS_prctl, PR_GET_NAME, area.thread_name);
  area.state.store(CrashArea::kWritten, std::memory_order_release);
}

// The same again once the handler has returned, without a handler: the process dies of the signal,
// and its core is that of the crash.
void DieOf(int signal, const siginfo_t& info, ucontext_t& context) {
  const bool is_fault = signal != SIGSYS && signal != SIGABRT && info.si_code > 0;
  if (is_fault) {
    // A fault that is blocked is not handled, and is not to be survived (signal(7), force_sig of
    // the kernel).
    sigaddset(&context.uc_sigmask, signal);
    return;
  }
  uint64_t mask = uint64_t{1} << (signal - 1);
  RawSyscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask));
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigdelset(&context.uc_sigmask, signal);
  if (sigaction(signal, &action, nullptr) == 0 &&
      RawSyscallError(SYS_tgkill, RawSyscall(SYS_getpid), RawSyscall(SYS_gettid), signal) == 0) {
    return;
  }
  sigaddset(&context.uc_sigmask, SIGILL);
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(forkserver_die_here);
#else
  context.uc_mcontext.pc = reinterpret_cast<uint64_t>(forkserver_die_here);
#endif
}

void OnCrash(int signal, siginfo_t* info, void* context_pointer) {
  ucontext_t& context = *static_cast<ucontext_t*>(context_pointer);
  if ((signal == SIGSEGV || signal == SIGBUS) && SkipFaultOfCopy(context)) return;
  if (SkipTrappedCall(signal, *info, context)) return;
  const int errno_before = errno;
  const CallsMayBeTrapped calls_may_be_trapped;
  UnblockFaults();
  FlightRecord* const flight = crash_record();
  if (inside != Inside::kRecords && flight != nullptr && IsOwn(flight)) {
    uint32_t none = CrashArea::kNone;
    if (flight->crash.state.compare_exchange_strong(none, CrashArea::kBegun)) {
      inside = Inside::kRecords;
      RecordCrash(flight->crash, signal, *info, context);
    } else {
      // Its end is everybody's, and the status is to be of the signal that is recorded.
      for (int i = 0; i < kMostYields; ++i) RawSyscall(SYS_sched_yield);
    }
  }
  DieOf(signal, *info, context);
  errno = errno_before;
}

void NoteException() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return SetCrashReason("std::terminate without an exception");
  char words[CrashArea::kReasonBytes];
  size_t used = CutText(words, sizeof(words), "uncaught exception ");
  used += CutText(words + used, sizeof(words) - used, type->name());
  try {
    throw;
  } catch (const std::exception& exception) {
    used += CutText(words + used, sizeof(words) - used, ": ");
    used += CutText(words + used, sizeof(words) - used, exception.what());
  } catch (...) {
  }
  SetCrashReason({words, used});
}

[[noreturn]] void OnTerminate() {
  NoteException();
  if (terminate_before != nullptr) terminate_before();
  abort();
}

}  // namespace

WatchError CrashStack::Use() {
  const WatchError error = Set();
  if (error.ok()) return error;
  const CallsMayBeTrapped calls_may_be_trapped;
  FlightRecord* const flight = crash_record();
  if (flight != nullptr && IsOwn(flight)) flight->unwatched.store(error.Packed());
  return error;
}

WatchError CrashStack::Set() {
  if (!memory_.bytes().empty()) return {};
  const size_t frame = std::max<size_t>(getauxval(AT_MINSIGSTKSZ), MINSIGSTKSZ);
  // Twice: a copy that faults is handled on the same stack.
  const size_t usable = (2 * frame + kHandlerBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  Mapping memory;
  if (const int error = memory.Map(kPageBytes + usable, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
      error != 0) {
    return Failed(WatchStep::kMapStack, error);
  }
  uint8_t* const guard = memory.bytes().data();
  if (mprotect(guard, kPageBytes, PROT_NONE) != 0) {
    return Failed(WatchStep::kGuardStack, errno);
  }
  stack_t stack = {};
  stack.ss_sp = guard + kPageBytes;
  stack.ss_size = usable;
  if (sigaltstack(&stack, nullptr) != 0) return Failed(WatchStep::kUseStack, errno);
  memory_ = std::move(memory);
  return {};
}

CrashStack::~CrashStack() {
  if (memory_.bytes().empty()) return;
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  // Where a sandbox refuses it, the memory must stay what the kernel takes it for.
  if (sigaltstack(&none, nullptr) != 0) memory_.Release();
}

WatchError InstallCrashHandler() {
  if (is_installed) return {};
  static CrashStack* const stack = new CrashStack;  // of the main thread, which never ends
  install_error = stack->Use();
  if (!install_error.ok()) return install_error;
  // SA_NODEFER: a copy may fault while a fault is handled.
  struct sigaction action = {};
  action.sa_sigaction = OnCrash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int signal : kCrashSignals) {
    if (sigaction(signal, &action, nullptr) == 0) continue;
    return install_error = Failed(WatchStep::kSetHandler, errno);
  }
  // Where that fails (ENOMEM), IsOwn has to do.
  pthread_atfork(nullptr, nullptr, [] { record.store(nullptr, std::memory_order_release); });
  abort_message = static_cast<AbortMessage**>(dlvsym(RTLD_DEFAULT, "__abort_msg", "GLIBC_PRIVATE"));
  terminate_before = std::set_terminate(OnTerminate);
  is_installed = true;
  return {};
}

void SetCrashRecord(FlightRecord* flight) {
  if (flight != nullptr) {
    flight->owner.store(static_cast<int32_t>(RawSyscall(SYS_getpid)), std::memory_order_relaxed);
    if (!install_error.ok()) flight->unwatched.store(install_error.Packed());
  }
  // A child's is mostly mapped where its template's was: no page of its own for the same value.
  if (flight != crash_record()) record.store(flight, std::memory_order_release);
}

FlightRecord* crash_record() { return record.load(std::memory_order_acquire); }

void SetCrashReason(std::string_view reason) {
  FlightRecord* const flight = crash_record();
  const CallsMayBeTrapped calls_may_be_trapped;
  if (flight == nullptr || !IsOwn(flight)) return;
  CrashArea& area = flight->crash;
  uint32_t none = CrashArea::kNone;
  if (!area.reason_state.compare_exchange_strong(none, CrashArea::kBegun)) return;
  CutText(area.reason, CrashArea::kReasonBytes, reason);
  area.reason_state.store(CrashArea::kWritten, std::memory_order_release);
}

}  // namespace forkserver
