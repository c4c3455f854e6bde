// What a content process makes of a page to look at.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_PICTURE_H_
#define EXAMPLES_BROWSER_HOST_PAGE_PICTURE_H_

#include <stdint.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct PagePicture {
  uint32_t width = 0;
  uint32_t height = 0;
  forkserver::UniqueFd pixels = {};  // a sealed memfd
  uint64_t nanos = 0;                // that it took
};

// Parses, lays out and paints it. Style sheets and images that it names elsewhere are left out.
// Fails as PagePainter does, and where there is no memory for it.
absl::StatusOr<PagePicture> PaintPicture(std::string_view html, std::string url, uint32_t width);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_PICTURE_H_
