// How a child came to be.
#ifndef FORKSERVER_HOST_LAUNCHED_BY_H_
#define FORKSERVER_HOST_LAUNCHED_BY_H_

#include <stdint.h>

namespace forkserver {

enum class LaunchedBy : uint8_t { kPool, kFork, kExec };

}  // namespace forkserver

#endif  // FORKSERVER_HOST_LAUNCHED_BY_H_
