// The part of a flight record that a crash handler fills in: what a debugger would ask of the
// dying thread, raw. Nothing is made of it in the process that crashed, which is not to be trusted
// with more than copying; the host unwinds the stack and finds the names
// (forkserver/report/stack_trace.h).
#ifndef CHILD_FLIGHT_CRASH_AREA_H_
#define CHILD_FLIGHT_CRASH_AREA_H_

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace forkserver {

// An object (program, library, vdso) that the process had loaded.
struct CrashModule {
  static constexpr size_t kPathBytes = 256;
  static constexpr size_t kMostBuildIdBytes = 20;

  uint64_t start;  // of its lowest segment in memory
  uint64_t end;    // of its highest
  uint64_t bias;   // what is added to the addresses in its file
  uint32_t build_id_bytes;
  uint8_t build_id[kMostBuildIdBytes];
  char path[kPathBytes];  // as the dynamic linker has it; empty: the program itself
};

struct CrashArea {
  enum State : uint32_t { kNone = 0, kBegun = 1, kWritten = 2 };
  static constexpr size_t kReasonBytes = 512;
  static constexpr size_t kThreadNameBytes = 16;
  // Of x86-64: the 16 general registers in DWARF's order (System V ABI, figure 3.36), the program
  // counter, the flags. Of aarch64: x0 to x30, sp, pc, pstate.
  static constexpr size_t kMostRegisters = 34;
  static constexpr size_t kMostModules = 160;
  // From the stack pointer up. Deeper frames than that are not in a report.
  static constexpr size_t kStackBytes = 64 * 1024;

  std::atomic<uint32_t> state;  // kBegun for good: it crashed again while it was writing this

  int32_t signal;
  int32_t code;      // si_code
  uint64_t address;  // si_addr, of SIGSEGV, SIGBUS, SIGILL, SIGFPE; the call's of SIGSYS
  int32_t sender;    // si_pid where a process sent it (code <= 0), in the receiver's namespace
  int32_t syscall;   // of SIGSYS
  int32_t thread;    // in its own pid namespace
  char thread_name[kThreadNameBytes];
  int64_t at;  // NowNanos

  // What a failed check or an exception that nobody caught has said before it aborted.
  std::atomic<uint32_t> reason_state;  // State
  char reason[kReasonBytes];

  uint32_t register_count;
  uint64_t registers[kMostRegisters];
  uint64_t program_counter;
  uint64_t stack_pointer;

  uint32_t module_count;
  uint32_t modules_left_out;
  CrashModule modules[kMostModules];

  uint64_t stack_start;  // the address of stack[0]
  uint32_t stack_bytes;
  uint8_t stack[kStackBytes];
};

}  // namespace forkserver

#endif  // CHILD_FLIGHT_CRASH_AREA_H_
