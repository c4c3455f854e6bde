// What a process costs.
#ifndef EXAMPLES_BROWSER_HOST_PRIVATE_MEMORY_H_
#define EXAMPLES_BROWSER_HOST_PRIVATE_MEMORY_H_

#include <stdint.h>
#include <sys/types.h>

namespace browser_host {

// Memory that only this process has (/proc/PID/smaps_rollup), or -1.
int64_t PrivateKib(pid_t pid);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PRIVATE_MEMORY_H_
