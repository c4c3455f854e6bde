// What a process has said of its own memory (child/process/own_memory.h), in plain words.
#ifndef FORKSERVER_REPORT_OWN_FIGURES_H_
#define FORKSERVER_REPORT_OWN_FIGURES_H_

#include <stdint.h>

#include <string>
#include <utility>
#include <vector>

namespace forkserver {

// All of it is the process's own word, and no text in it has control characters.
struct OwnFigures {
  uint64_t malloc_arenas = 0;
  uint64_t malloc_in_use = 0;
  uint64_t malloc_free = 0;
  uint32_t left_out = 0;
  std::vector<std::pair<std::string, uint64_t>> figures = {};  // path, bytes; as they came
};

}  // namespace forkserver

#endif  // FORKSERVER_REPORT_OWN_FIGURES_H_
