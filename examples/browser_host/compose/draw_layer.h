// Draws one layer over a picture: the work of the compositor, without its process.
//
//     const PixelRect part = VisiblePart(place, layer.width(), layer.height(), canvas);
//     if (!part.is_empty()) DrawLayer(canvas, layer.argb(), layer.width(), place.x, place.y, part);
//
// A layer's upper left corner is at its place's; what it has outside of its place or of the picture
// is not drawn, and where it is smaller than its place, what is below it is seen. Nothing is
// scaled. Places are anybody's numbers: none of them overflows anything.
//
// Threads: any.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_DRAW_LAYER_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_DRAW_LAYER_H_

#include <stdint.h>

#include <span>

#include "absl/status/status.h"

namespace browser_host {

struct PixelRect {
  int32_t x = 0;
  int32_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;

  bool is_empty() const { return width == 0 || height == 0; }
  friend bool operator==(const PixelRect&, const PixelRect&) = default;
};

// What is drawn into: rows without gaps.
struct PixelCanvas {
  std::span<uint32_t> argb = {};
  uint32_t width = 0;
  uint32_t height = 0;
};

// What is seen of a layer of that size at `place`, in the picture's coordinates; an empty one where
// nothing is. The sizes are within kMostPictureWidth and kMostPictureHeight.
PixelRect VisiblePart(const PixelRect& place, uint32_t layer_width, uint32_t layer_height,
                      const PixelCanvas& canvas);

// `part` is VisiblePart's and not empty; `layer` has rows of `layer_width` pixels, and its corner
// at `x`, `y`. Values that no picture has (a colour above its alpha) come out as some other ones.
// Fails as cairo does, for want of memory.
absl::Status DrawLayer(const PixelCanvas& canvas, std::span<const uint32_t> layer,
                       uint32_t layer_width, int32_t x, int32_t y, const PixelRect& part);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_DRAW_LAYER_H_
