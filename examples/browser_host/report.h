// What the browser host prints on stdout: the pages, then the processes.
#ifndef EXAMPLES_BROWSER_HOST_REPORT_H_
#define EXAMPLES_BROWSER_HOST_REPORT_H_

#include "examples/browser_host/browser.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

void PrintPages(const BrowserResult& result);
void PrintProcesses(const BrowserResult& result, const forkserver::ForkServer& server);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_REPORT_H_
