// Paths of files as paths of URLs, and back.
//
//     PercentEncode("a b/\xc3\xa9?.html")        // "a%20b/%C3%A9%3F.html"
//     PercentDecode("a%20b")                     // "a b"
#ifndef EXAMPLES_BROWSER_HOST_PERCENT_H_
#define EXAMPLES_BROWSER_HOST_PERCENT_H_

#include <optional>
#include <string>
#include <string_view>

namespace browser_host {

// Leaves slashes, and what RFC 3986 calls unreserved.
std::string PercentEncode(std::string_view path);

// Nothing for `%` without two digits behind it, and for a path with a NUL in it.
std::optional<std::string> PercentDecode(std::string_view path);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PERCENT_H_
