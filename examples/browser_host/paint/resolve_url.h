// What a reference in a page means, as an absolute URL without its fragment.
//
//     ResolveUrl("https://a.test/docs/x.html", "../img/y.png")   // "https://a.test/img/y.png"
//     ResolveUrl("https://a.test/x", "//b.test/z?q#f")           // "https://b.test/z?q"
//     ResolveUrl("https://a.test/x", "javascript:alert(1)")      // "javascript:alert(1)"
//
// By RFC 3986, section 5; white space at the ends and line breaks inside go, as in browsers, and
// other spaces and bytes that are not ASCII are percent-encoded. Whether the result is a URL that
// anybody may fetch is for whoever fetches it to say. Empty: longer than kMostUrlBytes.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_RESOLVE_URL_H_
#define EXAMPLES_BROWSER_HOST_PAINT_RESOLVE_URL_H_

#include <stddef.h>

#include <string>
#include <string_view>

namespace browser_host {

// data: URLs are long.
inline constexpr size_t kMostUrlBytes = 256 * 1024;

std::string ResolveUrl(std::string_view base, std::string_view reference);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_RESOLVE_URL_H_
