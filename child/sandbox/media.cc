#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy MediaPolicy() { return ContentPolicy(); }

}  // namespace forkserver
