// What a response says that its body is, what a file's name says, and what the body itself says.
//
// Pure. Threads: any.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_CONTENT_TYPE_H_
#define EXAMPLES_BROWSER_HOST_FETCH_CONTENT_TYPE_H_

#include <stddef.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace browser_host {

struct ContentType {
  std::string type = {};     // "text/html": lower case, without parameters
  std::string charset = {};  // "utf-8": lower case
};

// Of a Content-Type header. What is malformed, or over the bounds of socket_messages.h, is empty.
ContentType ParseContentType(std::string_view header);

// Of a file, by the ending of its name, in any case: what many folders of pages have beside them
// and is none ("application/pdf", "image/png"), or none of HTML ("text/plain"). Empty: any other,
// which may be a page.
std::string_view ContentTypeOfName(std::string_view path);

// Whether a page of that type is laid out: HTML, XML as if it were HTML, plain text
// (plain_text_page.h), and what has no type. InvalidArgument: "application/pdf is not shown".
absl::Status CheckPageType(std::string_view type);

inline bool IsPlainText(std::string_view type) { return type == "text/plain"; }

// As many bytes as IsImageSignature looks at.
inline constexpr size_t kSignatureBytes = 12;
// Whether a file that begins so is a PNG, a JPEG, a WebP or a GIF, whatever its header says.
bool IsImageSignature(std::string_view first);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_CONTENT_TYPE_H_
