// Whether a page may be given to litehtml: parses it with gumbo, as litehtml will, and counts.
//
//     absl::Status checked = CheckPage(html, bounds);
//     // RESOURCE_EXHAUSTED: "page nests 401 elements, more than 400"
//
// gumbo and litehtml know no bounds: they recurse as deep as a page nests, and take the memory that
// its tree needs. So the page is parsed once before, in memory that is counted and given back at
// once, and its tree is walked without recursion. That costs about a tenth of what painting does.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PAGE_CHECK_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PAGE_CHECK_H_

#include <string_view>

#include "absl/status/status.h"
#include "examples/browser_host/paint/paint_bounds.h"

namespace browser_host {

// `html`: well-formed UTF-8.
absl::Status CheckPage(std::string_view html, const PaintBounds& bounds);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PAGE_CHECK_H_
