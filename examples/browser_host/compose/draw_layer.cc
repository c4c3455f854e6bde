#include "examples/browser_host/compose/draw_layer.h"

#include <cairo/cairo.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace browser_host {
namespace {

struct Range {
  int64_t begin;
  int64_t end;
};

// In 64 bits: a corner near the end of the numbers, and as large a size.
Range Seen(int32_t corner, uint32_t place, uint32_t layer, uint32_t canvas) {
  return {.begin = std::max<int64_t>(corner, 0),
          .end = std::min<int64_t>(int64_t{corner} + std::min(place, layer), canvas)};
}

// Rows from `row` on, of which cairo is to see `height`.
cairo_surface_t* SurfaceOf(const uint32_t* argb, uint32_t width, uint32_t row, uint32_t height) {
  // Of a source surface cairo writes nothing, but has no type that says so.
  auto* const bytes = const_cast<unsigned char*>(
      reinterpret_cast<const unsigned char*>(argb + size_t{width} * row));
  return cairo_image_surface_create_for_data(bytes, CAIRO_FORMAT_ARGB32, static_cast<int>(width),
                                             static_cast<int>(height), static_cast<int>(width * 4));
}

}  // namespace

PixelRect VisiblePart(const PixelRect& place, uint32_t layer_width, uint32_t layer_height,
                      const PixelCanvas& canvas) {
  const Range across = Seen(place.x, place.width, layer_width, canvas.width);
  const Range down = Seen(place.y, place.height, layer_height, canvas.height);
  if (across.begin >= across.end || down.begin >= down.end) return {};
  return {.x = static_cast<int32_t>(across.begin),
          .y = static_cast<int32_t>(down.begin),
          .width = static_cast<uint32_t>(across.end - across.begin),
          .height = static_cast<uint32_t>(down.end - down.begin)};
}

absl::Status DrawLayer(const PixelCanvas& canvas, std::span<const uint32_t> layer,
                       uint32_t layer_width, int32_t x, int32_t y, const PixelRect& part) {
  cairo_surface_t* const target = SurfaceOf(canvas.argb.data(), canvas.width, 0, canvas.height);
  // The rows that are seen and no others: their memory is there.
  cairo_surface_t* const source =
      SurfaceOf(layer.data(), layer_width, static_cast<uint32_t>(part.y - y), part.height);
  cairo_t* const cairo = cairo_create(target);
  cairo_rectangle(cairo, part.x, part.y, part.width, part.height);
  cairo_set_source_surface(cairo, source, x, part.y);
  // One pixel is one pixel.
  cairo_pattern_set_filter(cairo_get_source(cairo), CAIRO_FILTER_NEAREST);
  cairo_set_antialias(cairo, CAIRO_ANTIALIAS_NONE);
  cairo_fill(cairo);
  const cairo_status_t status = cairo_status(cairo);
  cairo_destroy(cairo);
  cairo_surface_destroy(source);
  cairo_surface_finish(target);
  cairo_surface_destroy(target);
  if (status == CAIRO_STATUS_SUCCESS) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("cairo: ", cairo_status_to_string(status)));
}

}  // namespace browser_host
