// What a data: URL says (RFC 2397): the bytes are in it.
//
//     DataUrlBytes("data:image/png;base64,iVBORw0KGgo=")    // the eight bytes
//     DataUrlBytes("data:text/css,p%7Bcolor:red%7D")        // "p{color:red}"
#ifndef EXAMPLES_BROWSER_HOST_DATA_URL_H_
#define EXAMPLES_BROWSER_HOST_DATA_URL_H_

#include <string>

#include "absl/status/statusor.h"

namespace browser_host {

bool IsDataUrl(const std::string& url);

// "text/html": lower case, without parameters. One that says none is plain text (RFC 2397).
std::string DataUrlType(const std::string& url);

// InvalidArgument: it is none, or its base64 is none.
absl::StatusOr<std::string> DataUrlBytes(const std::string& url);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DATA_URL_H_
