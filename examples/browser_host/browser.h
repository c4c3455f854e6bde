// Opens sites, each in a content process of its own, and collects what the processes say.
//
// One thread, one event loop: the fork server's descriptor is a guest in it, beside the channels
// to the content processes and their pidfds.
#ifndef EXAMPLES_BROWSER_HOST_BROWSER_H_
#define EXAMPLES_BROWSER_HOST_BROWSER_H_

#include <stdint.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/sites.h"
#include "forkserver/host/fork_server.h"
#include "transceiver/event_loop.h"

namespace browser_host {

struct OpenedPage {
  std::string site;
  std::string name;
  PageSummary summary;
  std::string error;  // why it could not be opened, or empty
};

// A content process, after its end.
struct ContentProcess {
  pid_t pid = -1;
  std::string site;
  size_t pages = 0;
  int64_t private_kib = -1;  // when its last page was done; -1: it did not live to tell
  forkserver::LaunchTimes times;
  std::optional<forkserver::ExitStatus> exit = {};
};

// How a content process comes by a page.
enum class PagesAre : uint8_t {
  kGiven,       // as descriptors
  kOpenedByIt,  // by its name, which a sandbox refuses
};

struct BrowserResult {
  std::vector<OpenedPage> pages;          // in the order of the sites
  std::vector<ContentProcess> processes;  // in the order of their launches
  // Of the last of them, since all come from one template; null: they have none.
  std::shared_ptr<const forkserver::SandboxReport> sandbox = {};
};

// Returns when every page was answered or given up, and every process reaped. A page whose
// process dies or does not answer has an error, and the site goes on in a new process. An error
// here means that nothing could be launched at all.
absl::StatusOr<BrowserResult> OpenSites(forkserver::ForkServer& server,
                                        const std::vector<Site>& sites, PagesAre pages_are);

// Memory that only this process has (/proc/PID/smaps_rollup), or -1.
int64_t PrivateKib(pid_t pid);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_BROWSER_H_
