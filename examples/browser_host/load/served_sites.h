// The folders that this program serves as sites, as the parent looks into them: it opens files, and
// reads none.
//
//     ServedSites served(sites);
//     absl::StatusOr<UniqueFd> file = served.Open(*Url::Parse("https://a.test/x.css"),
//                                                 FetchFor::kStyleSheet);
//
// What a file is, its name says: a page, a style sheet or an image by its ending. So no page has
// another site's pages by calling them images, and the parent need not look into them.
//
// A file is below the site's folder, whatever `..` and links the path leads through: the kernel
// refuses others (openat2(2), RESOLVE_BENEATH; Linux 5.6). Immutable, any thread.
#ifndef EXAMPLES_BROWSER_HOST_LOAD_SERVED_SITES_H_
#define EXAMPLES_BROWSER_HOST_LOAD_SERVED_SITES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/fetch/fetch_bounds.h"
#include "examples/browser_host/sites.h"
#include "forkserver/model/url.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

class ServedSites {
 public:
  explicit ServedSites(const std::vector<Site>& sites);

  // Whether what is at the URL's host is a folder of ours.
  bool Serves(const forkserver::Url& url) const;

  // Errors name the path on the site: "open birds/heron.html: ENOENT", "birds: no image by its
  // name". A folder's page is its index.html.
  absl::StatusOr<forkserver::UniqueFd> Open(const forkserver::Url& url, FetchFor what) const;

 private:
  std::map<std::string, std::string> folders_;  // by "https://a.test"
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_LOAD_SERVED_SITES_H_
