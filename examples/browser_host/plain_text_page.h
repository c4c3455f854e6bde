// Plain text as a page: each line a line, however long it is folded, and nothing in it a tag.
//
//     PlainTextPage("1 < 2\n")        // "<!doctype html>...<pre ...>\n1 &lt; 2\n</pre>"
//
// For content processes: whoever else has a page's bytes does not look at them. Pure.
#ifndef EXAMPLES_BROWSER_HOST_PLAIN_TEXT_PAGE_H_
#define EXAMPLES_BROWSER_HOST_PLAIN_TEXT_PAGE_H_

#include <string>
#include <string_view>

namespace browser_host {

// In the encoding of `text`, which is one of those that begin as ASCII does.
std::string PlainTextPage(std::string_view text);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PLAIN_TEXT_PAGE_H_
