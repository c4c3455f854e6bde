#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy GpuPolicy() { return ContentPolicy(); }

}  // namespace forkserver
