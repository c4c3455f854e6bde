// One page of HTML with the pictures of all pages, how long each took, and the processes.
//
//     absl::Status written = WriteGallery("/tmp/gallery.html", "gallery.pictures", *result,
//     server);
//
// The pictures are files of `folder`, a path as the page's links are to have it. What pages and
// processes say stands in it as text: nothing of theirs is markup.
#ifndef EXAMPLES_BROWSER_HOST_GALLERY_H_
#define EXAMPLES_BROWSER_HOST_GALLERY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "examples/browser_host/browser.h"
#include "forkserver/host/fork_server.h"

namespace browser_host {

std::string GalleryHtml(std::string_view folder, const BrowserResult& result,
                        const forkserver::ForkServer& server);

// Errors name the call and the file. What was there is replaced when all is written.
absl::Status WriteGallery(const std::string& path, std::string_view folder,
                          const BrowserResult& result, const forkserver::ForkServer& server);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_GALLERY_H_
