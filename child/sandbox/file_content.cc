#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy FileContentPolicy() { return ContentPolicy(); }

}  // namespace forkserver
