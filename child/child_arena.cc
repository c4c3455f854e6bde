#include "child/child_arena.h"

#include <sys/mman.h>

namespace forkserver {

int ChildArena::Map() {
  return mapping_.Map(kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1);
}

}  // namespace forkserver
