// Opens sites, each page in the content process that the process model has for it, and collects
// what the processes say.
//
//     absl::StatusOr<BrowserResult> result = OpenSites(*parent, sites, {});
//
// One thread, one event loop: the parent's, which also has the fork server's descriptor in it.
#ifndef EXAMPLES_BROWSER_HOST_BROWSER_H_
#define EXAMPLES_BROWSER_HOST_BROWSER_H_

#include <stdint.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/ended_process.h"
#include "examples/browser_host/fetch/fetch_setup.h"
#include "examples/browser_host/load/served_sites.h"
#include "examples/browser_host/page_host.h"
#include "examples/browser_host/sites.h"
#include "forkserver/model/origin_attributes.h"
#include "forkserver/model/parent_process.h"
#include "preload/prefs/prefs_store.h"

namespace browser_host {

struct OpenedPage {
  std::string url = {};
  PageResult result = {};
  uint32_t http_status = 0;       // of the response; 0: it is not from the network, or did not come
  std::string picture_file = {};  // as BrowserOptions::on_picture says; empty: it has none
  uint32_t picture_width = 0;
  uint32_t picture_height = 0;
  std::string report = {};  // the id of its process's, where that has died of it
};

// "800 by 600", of a page that has a picture, and behind it what is not on it: ", cut: the page is
// 12345 high".
std::string PictureSizeText(const OpenedPage& page);

// "2 images, by permissions.default.image"; empty: none is blocked.
std::string BlockedText(const OpenedPage& page);

// "2 images, first data decoder: ..."; empty: all that came were decoded.
std::string UndecodedText(const OpenedPage& page);

// How a content process comes by a page.
enum class PagesAre : uint8_t {
  kGiven,       // as descriptors; files of file: URLs by name
  kOpenedByIt,  // by name, which a sandbox refuses
};

// Whether its server said that this is not the page: what it sent is shown all the same, and is no
// error.
inline bool HasBadStatus(const OpenedPage& page) {
  return page.http_status != 0 && (page.http_status < 200 || page.http_status > 299);
}

struct BrowserOptions {
  ServedSites served = ServedSites({});     // what pages may name besides what is on the network
  FetchSetup network = {};                  // as the socket process's template has it
  forkserver::PrefsStore* prefs = nullptr;  // what about:config shows and edits; borrowed
  PagesAre pages_are = PagesAre::kGiven;
  forkserver::OriginAttributes attributes = {};  // of all pages
  uint32_t paint_width = 0;  // of each page's picture, in CSS pixels; 0: they have none
  // Whether a page that has an error, as one that was read and could not be painted has, has the
  // picture of one that says so, as its tab would show it.
  bool paints_errors = false;
  // Of each page that has one, which it does not keep: the name of its file.
  std::function<std::string(const std::string& url, std::shared_ptr<const Picture> picture)>
      on_picture = {};
  // Of a process that a page was lost with: calls back once with the id of its crash report, or
  // with none, unless the loop ends before.
  std::function<void(pid_t pid, std::function<void(const std::string& report)> callback)>
      when_reported = {};
  // Whether the last page of each site stays open, and its process with it, until `should_stop`.
  bool keeps_open = false;
  // Every page is done; before what ends is waited for.
  std::function<void()> on_all_done = {};
  // Of each page that is done, or given up.
  std::function<void()> on_page = {};
  // Asked whenever something has happened. True: opens nothing more, ends all processes, and
  // returns what there is by then.
  std::function<bool()> should_stop = {};
};

struct BrowserResult {
  std::vector<OpenedPage> pages = {};        // in the order of the sites
  std::vector<EndedProcess> processes = {};  // content's in the order of their launches, others'

  // Whether no page has an error, or a picture that could not be written.
  bool all_opened() const;
};

// Returns when every page was answered or given up, and every process reaped. Where it was to stop
// before that, the pages that were done are in the result, and no others. A page whose process
// dies, does not answer or cannot be launched has an error, and its site goes on in a new one. One
// that has an error has the picture of a page that says so, if that is wanted. An error here
// means that nothing can be launched: eight launches have failed, and none has not.
absl::StatusOr<BrowserResult> OpenSites(forkserver::ParentProcess& parent,
                                        const std::vector<Site>& sites,
                                        const BrowserOptions& options);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_BROWSER_H_
