// What a page needs from elsewhere, and what has come of it: style sheets and images by absolute
// URL. litehtml asks synchronously and these come when they come, so what is not there yet is
// remembered as needed and the page is laid out again when it is.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_RESOURCES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_RESOURCES_H_

#include <cairo/cairo.h>
#include <stddef.h>
#include <stdint.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "examples/browser_host/paint/paint_bounds.h"
#include "examples/browser_host/paint/pixels.h"

namespace browser_host {

enum class ResourceKind : uint8_t { kStyleSheet, kImage };

struct NeededResource {
  ResourceKind kind = ResourceKind::kStyleSheet;
  std::string url;

  friend auto operator<=>(const NeededResource&, const NeededResource&) = default;
};

// An image's pixels as cairo draws them; owns both.
class Image {
 public:
  explicit Image(Pixels pixels);
  ~Image() { cairo_surface_destroy(surface_); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  int width() const { return pixels_.width; }
  int height() const { return pixels_.height; }
  cairo_surface_t* surface() const { return surface_; }

 private:
  Pixels pixels_;
  cairo_surface_t* surface_;
};

class Resources {
 public:
  // `bounds` must outlive it.
  explicit Resources(const PaintBounds& bounds) : bounds_(bounds) {}

  // Null: not there (yet); it is needed from now on. Valid until it is supplied again.
  const std::string* StyleSheet(const std::string& url);
  const Image* FindImage(const std::string& url);

  // What was asked for since the last call.
  std::vector<NeededResource> TakeNeeded() { return std::exchange(new_, {}); }

  // NotFound: nobody asked for it. ResourceExhausted, InvalidArgument: it is beyond the bounds or
  // no picture; the page is as if it had not come.
  absl::Status SupplyStyleSheet(const std::string& url, std::string_view css);
  absl::Status SupplyImage(const std::string& url, Pixels pixels);

 private:
  // Whether it may be asked for.
  void Need(ResourceKind kind, const std::string& url);

  const PaintBounds& bounds_;
  std::map<NeededResource, bool> asked_;
  std::vector<NeededResource> new_;
  std::map<std::string, std::string> style_sheets_;
  std::map<std::string, std::unique_ptr<Image>> images_;
  size_t css_bytes_ = 0;
  uint64_t image_pixels_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_RESOURCES_H_
