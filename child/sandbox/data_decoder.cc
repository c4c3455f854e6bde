#include "child/sandbox/policies.h"

namespace forkserver {

SandboxPolicy DataDecoderPolicy() { return ContentPolicy(); }

}  // namespace forkserver
