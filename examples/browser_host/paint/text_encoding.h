// The text of a page, in UTF-8, whatever it came in.
//
//     std::string html = ToUtf8(std::move(bytes), "iso-8859-1");     // of the Content-Type; or ""
//
// What it is in: a byte order mark says it; else the Content-Type; else a <meta> in the first 1024
// bytes (html.spec.whatwg.org, "determining the character encoding"). Known are UTF-8, UTF-16 and
// windows-1252 with its other names (encoding.spec.whatwg.org: iso-8859-1 and us-ascii are two).
// Where nothing is said, or another one, it is UTF-8 if it can be that, and else windows-1252.
//
// windows-1252 by iconv(3), whose module for it is a file: WarmUpTextEncoding has it loaded in the
// template, since a content process cannot. Without it such bytes are left as they are, to be
// replaced. UTF-16, whose module is another file, is read here.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_TEXT_ENCODING_H_
#define EXAMPLES_BROWSER_HOST_PAINT_TEXT_ENCODING_H_

#include <string>
#include <string_view>

namespace browser_host {

std::string ToUtf8(std::string bytes, std::string_view charset);

// Keeps the module; leaves no descriptor.
void WarmUpTextEncoding();

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_TEXT_ENCODING_H_
