#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// What the host would do itself if it were not safer elsewhere: parse, convert, look up.
SandboxPolicy UtilityPolicy() {
  SandboxPolicy policy;
  policy.calls = Phrases(
      {Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(), FilesByBroker()});
  policy.files = FilePhrases({FontsAndLocales(), HarmlessDevices()});
  policy.limits = {.memory_bytes = uint64_t{2} << 30, .descriptors = 1024, .core_bytes = 0};
  return policy;
}

}  // namespace forkserver
