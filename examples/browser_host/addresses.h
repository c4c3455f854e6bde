// What the command line's arguments are: folders and files that are served, and URLs.
//
//     PassedOver passed_over;
//     PagesToOpen({"pages"}, passed_over)                                // all of its sites
//     PagesToOpen({"pages", "https://field-guide.test/"}, passed_over)   // one page of one of them
//     PagesToOpen({"pages", "file:///srv/page.html"}, passed_over)       // one, by `file`'s
//     process
//
// Folders and files are served (sites.h), and all their pages opened. With URLs among the arguments
// what is named is opened, URLs and files, and a folder is only served: of it those pages that
// https: URLs name. A folder's URL is its index.html. file: URLs are one site, "file:".
#ifndef EXAMPLES_BROWSER_HOST_ADDRESSES_H_
#define EXAMPLES_BROWSER_HOST_ADDRESSES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/sites.h"

namespace browser_host {

// It begins with a scheme and a colon; a file that does is named as ./a:b.html.
bool IsUrl(std::string_view argument);
// What a file: URL names, absolute and without `.` and `..`; nothing for what is none.
std::optional<std::string> PathOfFileUrl(std::string_view argument);

// Errors are those of FindSites and of Url::Parse, and one line that says what is served:
// "about:config is not served here; there is https://a.test, https://b.test".
absl::StatusOr<std::vector<Site>> PagesToOpen(const std::vector<std::string>& arguments,
                                              PassedOver& passed_over);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ADDRESSES_H_
