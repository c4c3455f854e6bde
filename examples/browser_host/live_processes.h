// The processes that the host has at the moment, as about:processes shows them.
#ifndef EXAMPLES_BROWSER_HOST_LIVE_PROCESSES_H_
#define EXAMPLES_BROWSER_HOST_LIVE_PROCESSES_H_

#include <vector>

#include "examples/browser_host/about/about_host.h"
#include "forkserver/model/parent_process.h"

namespace browser_host {

// The parent, the fork server's own, and those of the model in the order of their launches.
std::vector<AboutProcess> LiveProcesses(const forkserver::ParentProcess& parent);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_LIVE_PROCESSES_H_
