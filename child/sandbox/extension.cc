#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// An extension is a stranger's code that the user chose: what it may do beyond content it asks of
// the host in messages, which know its permissions. The kernel lets it do no more.
SandboxPolicy ExtensionPolicy() {
  SandboxPolicy policy = ContentPolicy();
  // Few of them, and none should need what a large page does.
  policy.limits.memory_bytes = uint64_t{4} << 30;
  return policy;
}

}  // namespace forkserver
