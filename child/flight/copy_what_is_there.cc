#include "child/flight/copy_what_is_there.h"

#include <stdint.h>

// In assembly, so that it is known at which instruction it faults and which register says how far
// it came. rep movsb counts rcx down as it goes (Intel SDM, volume 2, REP), and a fault in it
// leaves the rest there.
extern "C" {
[[gnu::visibility("hidden")]] size_t ForkserverCopyUntilFault(void* to, const void* from,
                                                              size_t bytes);
[[gnu::visibility("hidden")]] extern const char forkserver_copy_may_fault[];
[[gnu::visibility("hidden")]] extern const char forkserver_copy_ends[];
}

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".type ForkserverCopyUntilFault, @function\n"
    "ForkserverCopyUntilFault:\n"
    ".cfi_startproc\n"
    "  movq %rdx, %rcx\n"
    "  movq %rdx, %rax\n"
    "forkserver_copy_may_fault:\n"
    "  rep movsb\n"
    "forkserver_copy_ends:\n"
    "  subq %rcx, %rax\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size ForkserverCopyUntilFault, . - ForkserverCopyUntilFault\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".p2align 2\n"
    ".type ForkserverCopyUntilFault, %function\n"
    "ForkserverCopyUntilFault:\n"
    ".cfi_startproc\n"
    "  mov x3, #0\n"
    "1: cmp x3, x2\n"
    "  b.eq forkserver_copy_ends\n"
    "forkserver_copy_may_fault:\n"
    "  ldrb w4, [x1, x3]\n"
    "  strb w4, [x0, x3]\n"
    "  add x3, x3, #1\n"
    "  b 1b\n"
    "forkserver_copy_ends:\n"
    "  mov x0, x3\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size ForkserverCopyUntilFault, . - ForkserverCopyUntilFault\n");
#else
#error "no copy that stops at a fault for this machine"
#endif

namespace forkserver {

size_t CopyWhatIsThere(void* to, const void* from, size_t bytes) {
  return ForkserverCopyUntilFault(to, from, bytes);
}

bool SkipFaultOfCopy(ucontext_t& context) {
#if defined(__x86_64__)
  greg_t& pc = context.uc_mcontext.gregs[REG_RIP];
#else
  auto& pc = context.uc_mcontext.pc;
#endif
  if (static_cast<uintptr_t>(pc) != reinterpret_cast<uintptr_t>(forkserver_copy_may_fault)) {
    return false;
  }
  pc = reinterpret_cast<uintptr_t>(forkserver_copy_ends);
  return true;
}

}  // namespace forkserver
