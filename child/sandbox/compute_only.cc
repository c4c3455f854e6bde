#include <sys/syscall.h>

#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// Bytes in, bytes out: what Baseline has, no more threads, no files, no sockets and no clock but
// the vdso's.
SandboxPolicy ComputeOnlyPolicy() {
  SandboxPolicy policy;
  policy.calls = Baseline();
  // Hash tables want seeds, and std::call_once a futex to wake, or glibc aborts.
  policy.calls.Allow({SYS_getrandom, SYS_futex});
  // Nobody has to look into it, since no call of its is answered by looking.
  policy.looking_in = LookingIn::kForbidden;
  policy.limits = {.memory_bytes = uint64_t{1} << 30, .descriptors = 64, .core_bytes = 0};
  // Who asks for bytes in and bytes out takes nothing less, and needs nothing that a machine could
  // have a reason to forbid. But not the parts of Landlock that came with Linux 6.7 and 6.12, or
  // there would be none of it on Debian 12's own kernel: the filter has no socket and no kill, so
  // they say the same a second time.
  policy.required = kAllSandboxLayers & ~(LayerBit(SandboxLayer::kLandlockNetwork) |
                                          LayerBit(SandboxLayer::kLandlockScopes) |
                                          LayerBit(SandboxLayer::kOwnLandlockDomain));
  return policy;
}

}  // namespace forkserver
