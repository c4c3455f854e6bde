#include <sys/syscall.h>

#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// A headset's runtime: draws as the graphics process does, and hears of the head.
SandboxPolicy VrPolicy() {
  SandboxPolicy policy;
  policy.calls =
      Phrases({Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(),
               GeneratedCode(), FilesByBroker(), LocalServicesByBroker(), GraphicsDevices()});
  // Requests to devices that one wears (HIDRAW, 'H') and to those that say where it points (EVDEV,
  // 'E').
  for (const int owner : {'H', 'E'}) {
    policy.calls.AllowWhen(SYS_ioctl,
                           {Argument(1).HasOf(0xff00, static_cast<uint64_t>(owner) << 8)});
  }
  // Neither is named here: /dev/hidraw* and /dev/input are the user's keyboard too. The embedder
  // names those of the headset, and the socket of its runtime.
  policy.files = FilePhrases({GraphicsFiles(), HarmlessDevices()});
  policy.limits = {.descriptors = 4096, .core_bytes = 0};
  return policy;
}

}  // namespace forkserver
