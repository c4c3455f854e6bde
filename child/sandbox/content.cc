#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// Renders what strangers have written: the policy with most to be afraid of.
SandboxPolicy ContentPolicy() {
  SandboxPolicy policy;
  // No GeneratedCode: what is not trusted most has its code in the template, or interprets.
  policy.calls = Phrases(
      {Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(), FilesByBroker()});
  // Content templates nest, and freeze themselves.
  policy.files = FilePhrases({FontsAndLocales(), HarmlessDevices(), OwnMemoryInProc()});
  policy.limits = {
      // A page that wants more than that is broken, or wants the machine to be.
      .memory_bytes = uint64_t{16} << 30,
      .descriptors = 4096,
      // A core has passwords in it. Whoever wants a crash's stack looks in from the host.
      .core_bytes = 0,
  };
  return policy;
}

}  // namespace forkserver
