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
  std::string path;  // to open
  std::string name;  // to show: relative to its site
};

struct Site {
  std::string name;
  std::vector<Page> pages;  // sorted by name
};

// A folder with HTML files directly in it is one site, with everything below it; of any other
// folder, each folder in it that holds pages is a site. A file belongs to the site that is named
// as its folder. Sites come sorted; links to folders are not followed. Errors name the path:
// "stat pages: ENOENT", "no HTML pages in pages".
absl::StatusOr<std::vector<Site>> FindSites(const std::vector<std::string>& paths);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SITES_H_
