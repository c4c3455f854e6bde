// What the command line's arguments are: folders and files that are served, and URLs.
//
//     PassedOver passed_over;
//     FindPages({"pages"}, passed_over)                                // all of its sites
//     FindPages({"pages", "https://field-guide.test/"}, passed_over)   // one page of one of them
//     FindPages({"pages", "file:///srv/page.html"}, passed_over)       // one, by `file`'s process
//     FindPages({"https://example.com/"}, passed_over)                 // one of the network
//
// Folders and files are served (sites.h), and all their pages opened. With URLs among the arguments
// what is named is opened, URLs and files, and a folder is only served: of it those pages that
// https: URLs name. A folder's URL is its index.html. file: URLs are one site, "file:".
//
// about:processes and about:config (about/about_address.h), with whatever query, about:crash,
// about:hang and about:oom (broken_tabs.h) are pages, too, and no reason to only serve a folder:
// they are in none. "about:" is their site. Beside pages of other sites those of about:config that
// are named before any of these are opened first, since they may be edits, about:processes is
// opened last (SiteTurn), and the others are beside the sites'.
//
// http: and https: URLs of other hosts are the network's, each origin a site of its own. Hosts
// below .test are not: nobody has them (RFC 6761), so what is not served there is nowhere.
#ifndef EXAMPLES_BROWSER_HOST_ADDRESSES_H_
#define EXAMPLES_BROWSER_HOST_ADDRESSES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/sites.h"

namespace browser_host {

// It begins with a scheme and a colon; a file that does is named as ./a:b.html.
bool IsUrl(std::string_view argument);

struct PagesToOpen {
  // With the pages that are to be opened, in the order of their turns.
  std::vector<Site> sites = {};
  std::vector<Site> served = {};  // folders, with all their pages
};

// Errors are those of FindSites and of Url::Parse, and one line that says what there is:
// "https://c.test/ is not served here; there is https://a.test, https://b.test"; "ftp://c.test/: no
// such scheme here; there are http:, https:, file: and about:".
absl::StatusOr<PagesToOpen> FindPages(const std::vector<std::string>& arguments,
                                      PassedOver& passed_over);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ADDRESSES_H_
