#include "examples/browser_host/progress.h"

#include <stdio.h>
#include <string.h>

#include <filesystem>
#include <set>
#include <string>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"
#include "transceiver/one_line.h"

namespace browser_host {

void PrintStart(const forkserver::HelloMessage& hello, const forkserver::StartReport& start) {
  if (start.way == forkserver::LaunchWay::kExec) {
    absl::FPrintF(stderr, "fork server: root exec'ed, since %s\n", start.reason);
  }
  for (const forkserver::WarmUpReport& warm_up : hello.warm_ups) {
    absl::FPrintF(stderr, "fork server: warm-up '%s': %d us, %d KiB anonymous%s%s\n", warm_up.name,
                  warm_up.nanos / 1000, warm_up.anonymous_kib, warm_up.error.empty() ? "" : ": ",
                  warm_up.error);
  }
  absl::FPrintF(stderr, "fork server: memory: %s\n", hello.freeze.ToString());
}

void PrintSites(const std::vector<Site>& sites) {
  std::set<std::string> urls;  // "about:" may have several turns
  for (const Site& site : sites) urls.insert(site.url);
  absl::FPrintF(stderr, "opening %d site%s\n", urls.size(), urls.size() == 1 ? "" : "s");
  for (const Site& site : sites) {
    const std::string name = std::filesystem::path(site.folder).filename().string();
    if (site.folder.empty() || site.url == "https://" + name + ".test") continue;
    absl::FPrintF(stderr, "%s is %s\n", site.url, site.folder);
  }
}

void PrintPassedOver(const PassedOver& passed_over) {
  if (passed_over.count > 0) {
    absl::FPrintF(stderr, "%s\n", forkserver::OneLine(passed_over.ToString()));
  }
}

PageProgress::PageProgress(const std::vector<Site>& sites, int64_t now) : last_line_(now) {
  for (const Site& site : sites) total_ += site.pages.size();
}

std::string PageProgress::OnPage(int64_t now) {
  ++done_;
  if (done_ == total_ || now - last_line_ < forkserver::kNanosPerSecond) return "";
  last_line_ = now;
  return absl::StrFormat("%d of %d pages\n", done_, total_);
}

std::string PageProgress::Stopped(int signal) const {
  return absl::StrFormat("stopped by SIG%s, after %d of %d page%s\n", sigabbrev_np(signal), done_,
                         total_, total_ == 1 ? "" : "s");
}

}  // namespace browser_host
