#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy ExtensionPolicy() { return ContentPolicy(); }

}  // namespace forkserver
