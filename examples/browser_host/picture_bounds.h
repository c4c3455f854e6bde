// How large the picture of a page, or of a frame in it, may be. Larger pages are cut.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_BOUNDS_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_BOUNDS_H_

#include <stdint.h>

namespace browser_host {

inline constexpr uint32_t kMostPictureWidth = 10'000;
inline constexpr uint32_t kMostPictureHeight = 10'000;
// Of the page, as far as it is looked at.
inline constexpr uint32_t kMostPageHeight = 32'000;

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_BOUNDS_H_
