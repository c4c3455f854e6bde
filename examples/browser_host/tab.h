// One tab: opens the pages of one site, one after another.
//
// A page is a browser of its own in the process that the process model has for its URL. All pages
// of a tab are one group, so that those of one remote type share a process; and a page's browser is
// closed when the next one is open, so that the process lives as long as the site. The last one may
// be kept open (BrowserOptions).
#ifndef EXAMPLES_BROWSER_HOST_TAB_H_
#define EXAMPLES_BROWSER_HOST_TAB_H_

#include <stdint.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/browser.h"
#include "examples/browser_host/load/loader.h"
#include "examples/browser_host/page_host.h"
#include "examples/browser_host/sites.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/select_remote_type.h"

namespace browser_host {

class Tab {
 public:
  struct Events {
    // The last page of the site that this process had is done, and it still runs.
    std::function<void(const PageHost& host)> on_last_page = {};
    // Every page is done.
    std::function<void()> on_end = {};
  };

  // All are borrowed, and outlive the tab's end; `pages` is where what was opened goes.
  Tab(forkserver::ContentProcesses& content, const Loader& loader, const BrowserOptions& options,
      const Site& site, forkserver::GroupId group, std::vector<OpenedPage>& pages, Events events);

  // Opens the next page; call it once.
  void OpenNext();
  ~Tab() { *alive_ = false; }
  // The last page, where that was kept open.
  void Close() { CloseBrowser(0); }
  // Opens no more pages. The one that its process has may still be done; it has no error where that
  // process ends first, and is not opened. `on_end` is not called any more.
  void Stop() { is_stopped_ = true; }

 private:
  // A page, as it is opened: where it is from by then, and what its process is given of it.
  struct Document {
    forkserver::Load load;
    PageHost::Loading loading;
  };

  // In the loop's next turn: of pages that fail at once there may be as many as there are pages.
  void OpenNextSoon();
  // Begins to open it.
  void Begin(const Page& page);
  absl::StatusOr<PageHost::Loading> LoadingOf(const Page& page) const;
  void OnLoaded(absl::StatusOr<Loaded> loaded);
  void Open(Document document);
  void LoadIn(const forkserver::OpenedBrowser& opened, PageHost::Loading loading);
  void OnPageEnd(PageEnd end, PageResult result);
  // Shows a page of ours in the place of one that has an error, where pages are painted.
  void Explain(PageResult lost);
  void FinishPage(PageResult result);
  void CloseBrowser(forkserver::BrowserId next);
  bool IsFile() const { return site_.folder.empty(); }

  forkserver::ContentProcesses& content_;
  const Loader& loader_;
  const BrowserOptions& options_;
  const Site& site_;
  const forkserver::GroupId group_;
  std::vector<OpenedPage>& pages_;
  const Events events_;
  forkserver::BrowserId browser_ = 0;
  bool is_stopped_ = false;
  uint32_t http_status_ = 0;        // of the page that is open
  std::string report_;              // the same
  std::optional<PageResult> lost_;  // what is being explained
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_TAB_H_
