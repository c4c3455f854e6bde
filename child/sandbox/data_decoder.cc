#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// Decoders of pictures, sound and video, which are many, old and large, and need nothing but the
// bytes: shared memory and sockets that were given. No file has a name here.
SandboxPolicy DataDecoderPolicy() {
  SandboxPolicy policy;
  policy.calls = Phrases({Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors()});
  policy.limits = {.memory_bytes = uint64_t{4} << 30, .descriptors = 1024, .core_bytes = 0};
  return policy;
}

}  // namespace forkserver
