#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// A media plug-in, with keys that are not the user's. Whoever sells them wants nobody to look in,
// and has means of their own for it; the host must, to answer for the files.
SandboxPolicy MediaPolicy() {
  SandboxPolicy policy;
  // A plug-in is a library that comes after the fork, in a descriptor: LoadedCode. Of files it has
  // those only that lead nowhere.
  policy.calls = Phrases({Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(),
                          LoadedCode(), FilesByBroker()});
  policy.files = HarmlessDevices();
  policy.limits = {.memory_bytes = uint64_t{2} << 30, .descriptors = 1024, .core_bytes = 0};
  return policy;
}

}  // namespace forkserver
