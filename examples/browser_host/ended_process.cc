#include "examples/browser_host/ended_process.h"

#include "forkserver/report/process_sample.h"

namespace browser_host {

int64_t PrivateKib(pid_t pid) {
  const forkserver::ProcessSample sample = forkserver::TakeProcessSample(pid);
  return sample.memory.ok() ? static_cast<int64_t>(sample.memory->private_bytes() >> 10) : -1;
}

}  // namespace browser_host
