// Preallocated content processes, before the first page is opened.
#ifndef EXAMPLES_BROWSER_HOST_PREALLOCATE_H_
#define EXAMPLES_BROWSER_HOST_PREALLOCATE_H_

#include "absl/status/status.h"
#include "forkserver/model/parent_process.h"
#include "forkserver/model/preallocation.h"

namespace browser_host {

// Starts the content template, and gives its blanks a second to be there: a user would have taken
// longer to type an address. That some are missing is no error, pages can do without, and so they
// can without the template. Where every launch is an exec there is nothing to do.
absl::Status Preallocate(forkserver::ParentProcess& parent,
                         forkserver::Preallocation& preallocation);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PREALLOCATE_H_
