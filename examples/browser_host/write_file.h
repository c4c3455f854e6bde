// A file that is whole or not there: written beside its place and renamed.
#ifndef EXAMPLES_BROWSER_HOST_WRITE_FILE_H_
#define EXAMPLES_BROWSER_HOST_WRITE_FILE_H_

#include <stdio.h>

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace browser_host {

// Whether WriteFile may put a file there: nothing is there by now, or a file. A device, a link, a
// folder or a pipe keeps its place.
absl::Status MayReplace(const std::string& path);

// `write` may leave what fwrite(3) fails with to this; `name` is for its own errors. Those here
// name the call and the file: "open /x/a.png.new: ENOENT". What is no regular file, in its place or
// beside it, is left as it is, and is such an error. A disk that does not answer is waited for.
absl::Status WriteFile(
    const std::string& path,
    const std::function<absl::Status(FILE* file, const std::string& name)>& write);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_WRITE_FILE_H_
