#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy VrPolicy() { return ContentPolicy(); }

}  // namespace forkserver
