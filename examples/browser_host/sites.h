// Which pages there are, and which of them belong together.
#ifndef EXAMPLES_BROWSER_HOST_SITES_H_
#define EXAMPLES_BROWSER_HOST_SITES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace browser_host {

// A folder, or a file whose name ends as those of HTML pages do.
bool LooksLikePages(const std::string& path);

struct Page {
  std::string path = {};  // to open
  std::string url = {};   // "https://field-guide.test/birds/heron.html"
};

struct Site {
  std::string url = {};          // "https://field-guide.test", "file:"
  std::string folder = {};       // that is served there; empty for files
  std::vector<Page> pages = {};  // sorted by their paths
};

// A folder with HTML files directly in it is one site, with everything below it; of any other
// folder, each folder in it that holds pages is a site. A file belongs to the site of its folder.
// Each is served as `https://NAME.test`, after its folder's name (site_hosts.h); of two of one name
// the one whose path sorts first has it. Sites come sorted by their paths; links to folders are not
// followed. Errors name the path: "stat pages: ENOENT", "no HTML pages in pages".
absl::StatusOr<std::vector<Site>> FindSites(const std::vector<std::string>& paths);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SITES_H_
