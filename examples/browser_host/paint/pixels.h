// Pictures in memory: decoded images, and what a page is painted into.
//
// A pixel is 32 bits in the machine's byte order, alpha in the highest, then red, green and blue,
// each multiplied by alpha (cairo's ARGB32).
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PIXELS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PIXELS_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace browser_host {

inline constexpr int kMostPixelsOfASide = 32'000;

struct Pixels {
  int width = 0;
  int height = 0;
  std::vector<uint32_t> argb;  // row by row, width times height
};

// Memory of somebody else.
struct Canvas {
  uint32_t* argb = nullptr;
  int width = 0;
  int height = 0;
  size_t stride = 0;      // bytes from one row to the next, a multiple of 4
  bool is_white = false;  // all of it already
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PIXELS_H_
