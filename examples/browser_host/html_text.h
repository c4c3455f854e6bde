// Text as HTML has it between tags and in quoted attributes.
//
//     HtmlText("a < b\n")        // "a &lt; b\x0a"
#ifndef EXAMPLES_BROWSER_HOST_HTML_TEXT_H_
#define EXAMPLES_BROWSER_HOST_HTML_TEXT_H_

#include <string>
#include <string_view>

namespace browser_host {

// On one line: control characters and what is no UTF-8 are \xNN (transceiver/one_line.h).
std::string HtmlText(std::string_view text);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_HTML_TEXT_H_
