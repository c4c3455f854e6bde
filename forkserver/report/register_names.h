// What CrashArea::registers are, in their order.
#ifndef FORKSERVER_REPORT_REGISTER_NAMES_H_
#define FORKSERVER_REPORT_REGISTER_NAMES_H_

#include <stddef.h>

#include <string_view>

namespace forkserver {

// "?" for an index that is none.
inline std::string_view RegisterName(size_t index) {
#if defined(__x86_64__)
  constexpr std::string_view kNames[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
                                         "rbp", "rsp", "r8",  "r9",  "r10", "r11",
                                         "r12", "r13", "r14", "r15", "rip", "rflags"};
#else
  constexpr std::string_view kNames[] = {
      "x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",    "x10", "x11",
      "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",   "x22", "x23",
      "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp",  "pc",  "pstate"};
#endif
  return index < sizeof(kNames) / sizeof(kNames[0]) ? kNames[index] : "?";
}

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_REGISTER_NAMES_H_
