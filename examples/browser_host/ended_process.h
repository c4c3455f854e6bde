// A process of the browser host, after its end.
#ifndef EXAMPLES_BROWSER_HOST_ENDED_PROCESS_H_
#define EXAMPLES_BROWSER_HOST_ENDED_PROCESS_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "forkserver/model/process_host_core.h"

namespace browser_host {

struct EndedProcess {
  std::string_view type = {};    // "content"
  std::string remote_type = {};  // of content
  forkserver::ProcessHandle handle = {};
  forkserver::ChildId embedder = 0;  // of content: of the page whose frames it had; 0: of a tab's
  size_t pages = 0;                  // of content
  int64_t private_kib = -1;          // when its last work was done; -1: it did not live to tell
  forkserver::ProcessEnd end = {};
};

// Memory that only this process has, or -1.
int64_t PrivateKib(pid_t pid);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ENDED_PROCESS_H_
