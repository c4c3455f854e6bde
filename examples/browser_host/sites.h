// Which pages there are, and which of them belong together.
#ifndef EXAMPLES_BROWSER_HOST_SITES_H_
#define EXAMPLES_BROWSER_HOST_SITES_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace browser_host {

// A folder, or a file whose name ends as those of HTML pages do.
bool LooksLikePages(const std::string& path);

struct Page {
  std::string path = {};  // to open; empty: it comes from the network
  std::string url = {};   // "https://field-guide.test/birds/heron.html"
};

// When its pages are opened.
enum class SiteTurn : uint8_t {
  kBeside,  // those of other sites
  kFirst,   // alone, before all others
  kLast,    // alone, when all others are done, whose last pages stay open until these are, too
};

struct Site {
  std::string url = {};          // "https://field-guide.test", "file:"
  std::string folder = {};       // that is served there; empty for files and the network
  std::vector<Page> pages = {};  // sorted by their paths
  SiteTurn turn = SiteTurn::kBeside;
};

// What in a folder is called as pages are, or as folders, and is not served.
struct PassedOver {
  size_t count = 0;
  std::string first = {};  // of their paths, sorted
  std::string why = {};    // of that one

  void Add(const std::string& path, std::string_view reason);
  void AddAll(const PassedOver& others);
  // "passed over 3, first /srv/a/old.html: a link to nothing"; empty where there is none.
  std::string ToString() const;
};

// A folder with HTML files directly in it is one site, with everything below it; of any other
// folder, each folder in it that holds pages is a site. A file belongs to the site of its folder.
// Each is served as `https://NAME.test`, after its folder's name (site_hosts.h); of two of one name
// the one whose path sorts first has it. Sites come sorted by their paths.
//
// A link in a folder is a page where it leads to a file in that folder: what is outside of it is
// not the site's. Passed over are other links, links to folders, what is no file (a pipe would have
// its reader wait), and folders that may not be read. A path of `paths` itself may be a link to
// anywhere.
// Errors name the path: "stat pages: ENOENT", "no HTML pages in pages", and behind it what was
// passed over there.
absl::StatusOr<std::vector<Site>> FindSites(const std::vector<std::string>& paths,
                                            PassedOver& passed_over);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_SITES_H_
