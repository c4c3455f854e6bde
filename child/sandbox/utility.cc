#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy UtilityPolicy() { return ContentPolicy(); }

}  // namespace forkserver
