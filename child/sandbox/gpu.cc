#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// Draws. A display server that is behind a socket is named by the embedder, with kMayConnect: where
// it is depends on the session.
SandboxPolicy GpuPolicy() {
  SandboxPolicy policy;
  // Drivers are libraries, and compile shaders.
  policy.calls =
      Phrases({Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(),
               GeneratedCode(), FilesByBroker(), LocalServicesByBroker(), GraphicsDevices()});
  policy.files = FilePhrases({GraphicsFiles(), HarmlessDevices()});
  // No limit of memory: a driver's mappings of the card's count, and are as large as the card's.
  policy.limits = {.descriptors = 16384, .core_bytes = 0};
  return policy;
}

}  // namespace forkserver
