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
  return policy;
}

}  // namespace forkserver
