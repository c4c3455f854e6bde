// What the browser host says on stderr while it runs.
#ifndef EXAMPLES_BROWSER_HOST_PROGRESS_H_
#define EXAMPLES_BROWSER_HOST_PROGRESS_H_

#include <string_view>
#include <vector>

#include "examples/browser_host/sites.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

// The root template: its warm-ups and its memory.
void PrintStart(const forkserver::HelloMessage& hello, const forkserver::StartReport& start);
// How many there are, and which folder it is where a site's name does not say it.
void PrintSites(const std::vector<Site>& sites);
// What the process model reports: a child that was killed for breaking its protocol.
void PrintLogLine(std::string_view line);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PROGRESS_H_
