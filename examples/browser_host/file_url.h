// The files that file: URLs name.
#ifndef EXAMPLES_BROWSER_HOST_FILE_URL_H_
#define EXAMPLES_BROWSER_HOST_FILE_URL_H_

#include <optional>
#include <string>
#include <string_view>

namespace browser_host {

// Absolute and without `.` and `..`; nothing for what is no file: URL.
std::optional<std::string> PathOfFileUrl(std::string_view url);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_FILE_URL_H_
