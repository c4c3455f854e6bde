// All processes of the host, as its reports list them: the parent, the fork server's own, the
// content processes that it had, and those of services.
#ifndef EXAMPLES_BROWSER_HOST_PROCESS_ROWS_H_
#define EXAMPLES_BROWSER_HOST_PROCESS_ROWS_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "examples/browser_host/browser.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

struct ProcessRow {
  pid_t pid = -1;
  std::string_view type = {};
  std::string remote_type = "-";  // of a template: its name
  std::string_view by = "-";
  std::string pages = "-";
  std::string private_memory = "-";
  std::string launch = "-";  // request to Ready
  std::string end = "running";
  size_t depth = 0;  // in a tree: below what it was made of
};

std::vector<ProcessRow> ProcessRows(const BrowserResult& result,
                                    const forkserver::ForkServer& server);

// The same as a tree: each below the template that it was forked from, or below the parent where it
// was exec'ed, and processes of frames below that of their page. (To the kernel all are the
// parent's own children.)
std::vector<ProcessRow> ProcessTree(const BrowserResult& result,
                                    const forkserver::ForkServer& server);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PROCESS_ROWS_H_
