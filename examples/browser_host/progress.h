// What the browser host says on stderr while it runs.
#ifndef EXAMPLES_BROWSER_HOST_PROGRESS_H_
#define EXAMPLES_BROWSER_HOST_PROGRESS_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>
#include <vector>

#include "examples/browser_host/sites.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

// The root template: its warm-ups and its memory.
void PrintStart(const forkserver::HelloMessage& hello, const forkserver::StartReport& start);
// How many there are, and which folder it is where a site's name does not say it.
void PrintSites(const std::vector<Site>& sites);
// In one line, whatever files are called.
void PrintPassedOver(const PassedOver& passed_over);

// How far it is, while it takes long: a line a second, and none in the first one.
//
//     PageProgress progress(sites, NowNanos());
//     Print(progress.OnPage(NowNanos()));        // "120 of 1200 pages\n", or nothing to say
class PageProgress {
 public:
  PageProgress(const std::vector<Site>& sites, int64_t now);

  // One more is done.
  std::string OnPage(int64_t now);
  // What became of it: "stopped by SIGINT, after 120 of 1200 pages\n".
  std::string Stopped(int signal) const;

 private:
  size_t total_ = 0;
  size_t done_ = 0;
  int64_t last_line_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PROGRESS_H_
