// Web content is never loaded in the parent process. Whoever is about to load something there asks
// here first, and so does the selection before it answers.
//
//     CheckParentMayLoad(url);      // returns, or ends the program
//
// Ends it by a line on stderr and abort(): that web content got so far is a bug of this program,
// and every step further would be a page with all its rights. Any thread.
#ifndef FORKSERVER_MODEL_WEB_CONTENT_CHECK_H_
#define FORKSERVER_MODEL_WEB_CONTENT_CHECK_H_

#include "forkserver/model/url.h"

namespace forkserver {

// The program's own: chrome:, resource:, the parent's about: pages (about_pages.h), and the empty
// documents about:blank and about:srcdoc, which are whose document they are in.
bool MayBeInParent(const Url& url);

void CheckParentMayLoad(const Url& url);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_WEB_CONTENT_CHECK_H_
