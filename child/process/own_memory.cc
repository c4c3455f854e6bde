#include "child/process/own_memory.h"

#include <malloc.h>

namespace forkserver {

MemoryReporter::MemoryReporter() {
#if defined(__GLIBC__)
  const struct mallinfo2 info = mallinfo2();
  memory_.malloc_arenas = info.arena + info.hblkhd;
  memory_.malloc_in_use = info.uordblks + info.hblkhd;
  memory_.malloc_free = info.fordblks;
#endif
}

void MemoryReporter::Add(std::string_view path, uint64_t bytes) {
  if (memory_.figures.items.size() == kMostOwnFigures || path.size() > kMaxFigurePathBytes) {
    ++memory_.left_out;
    return;
  }
  memory_.figures.items.push_back({.path = path, .bytes = bytes});
}

}  // namespace forkserver
