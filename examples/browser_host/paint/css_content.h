// The value of `content` as litehtml 0.6 knows it: strings in double quotes, and attr().
//
//     CleanContent("'\\201C' attr(title) close-quote")   // "\"“\" attr(title) \"”\""
//
// Of strings it knows those in double quotes, without double quotes in them, and of their escapes
// those of numbers up to a space. Marks of quotations are strings too.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_CSS_CONTENT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_CSS_CONTENT_H_

#include <string>
#include <string_view>

namespace browser_host {

std::string CleanContent(std::string_view value);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_CSS_CONTENT_H_
