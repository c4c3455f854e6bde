// How a child came to be.
#ifndef FORKSERVER_HOST_LAUNCHED_BY_H_
#define FORKSERVER_HOST_LAUNCHED_BY_H_

#include <stdint.h>

#include <string_view>

namespace forkserver {

enum class LaunchedBy : uint8_t { kPool, kFork, kExec };

// "pool", "fork", "exec".
inline std::string_view LaunchedByName(LaunchedBy by) {
  switch (by) {
    case LaunchedBy::kPool:
      return "pool";
    case LaunchedBy::kFork:
      return "fork";
    case LaunchedBy::kExec:
      break;
  }
  return "exec";
}

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCHED_BY_H_
