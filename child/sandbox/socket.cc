#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy SocketPolicy() { return ContentPolicy(); }

}  // namespace forkserver
