#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// All connections of the program, for whoever may not have one. Sockets of the file system are not
// among them: that way is to the user's own session.
SandboxPolicy SocketPolicy() {
  SandboxPolicy policy;
  policy.calls = Phrases({Baseline(), Computing(), Threads(), OwnSignals(), GivenDescriptors(),
                          FilesByBroker(), Network()});
  // A process's first look-ups also try nscd, by a socket of the file system, and libraries that
  // nsswitch.conf names; refused, they go on without. A template that has looked up a host and a
  // service in a warm-up spares its children that.
  policy.files = FilePhrases({NameLookup(), HarmlessDevices()});
  policy.network = NetworkAccess::kHost;
  // A descriptor for each connection.
  policy.limits = {.memory_bytes = uint64_t{2} << 30, .descriptors = 16384, .core_bytes = 0};
  return policy;
}

}  // namespace forkserver
