#include "child/sandbox/phrases.h"
#include "child/sandbox/policies.h"

namespace forkserver {

// Content that may read files of the user's, as a page from the disk does.
SandboxPolicy FileContentPolicy() {
  // The folders are the embedder's to name, and the host adds them to `files`.
  SandboxPolicy policy = ContentPolicy();
  return policy;
}

}  // namespace forkserver
