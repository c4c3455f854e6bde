// The bytes of a page, as a content process gets them.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_READER_H_
#define EXAMPLES_BROWSER_HOST_PAGE_READER_H_

#include <stddef.h>

#include <string>

#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

// Never waits: what looks like a page may be a pipe that nobody writes. That, and a device, is an
// InvalidArgument: "open /dev/null: not a file".
absl::StatusOr<forkserver::UniqueFd> OpenPage(const std::string& path);

inline constexpr size_t kMaxPageBytes = 64 * 1024 * 1024;

// From its beginning, wherever it was read to. At most kMaxPageBytes; more is an error. Errors name
// the file so.
absl::StatusOr<std::string> ReadPage(int fd, const std::string& name);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_READER_H_
