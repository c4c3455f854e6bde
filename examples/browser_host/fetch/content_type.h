// What a response says that its body is, and what the body itself says.
//
// Pure. Threads: any.
#ifndef EXAMPLES_BROWSER_HOST_FETCH_CONTENT_TYPE_H_
#define EXAMPLES_BROWSER_HOST_FETCH_CONTENT_TYPE_H_

#include <stddef.h>

#include <string>
#include <string_view>

namespace browser_host {

struct ContentType {
  std::string type = {};     // "text/html": lower case, without parameters
  std::string charset = {};  // "utf-8": lower case
};

// Of a Content-Type header. What is malformed, or over the bounds of socket_messages.h, is empty.
ContentType ParseContentType(std::string_view header);

// As many bytes as IsImageSignature looks at.
inline constexpr size_t kSignatureBytes = 12;
// Whether a file that begins so is a PNG, a JPEG, a WebP or a GIF, whatever its header says.
bool IsImageSignature(std::string_view first);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FETCH_CONTENT_TYPE_H_
