#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy ContentPolicy() {
  SandboxPolicy policy;
  policy.calls = Phrases(
      {Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(), FilesByBroker()});
  return policy;
}

}  // namespace forkserver
