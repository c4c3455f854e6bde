// Pages as a test has them: painted in one go, and asked for their pixels.
//
//     Painted page = Paint("<p>text");
//     ASSERT_TRUE(page.status.ok()) << page.status;
//     EXPECT_EQ(page.At(10, 10), 0xffffffff);
#ifndef TESTS_EXAMPLES_PAINT_PAINTED_H_
#define TESTS_EXAMPLES_PAINT_PAINTED_H_

#include <gtest/gtest.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/paint/painter.h"

namespace browser_host {

inline constexpr uint32_t kWhite = 0xffffffff;

struct Painted {
  absl::Status status;
  std::unique_ptr<PagePainter> page;
  int width = 0;
  int height = 0;
  std::vector<uint32_t> pixels;

  uint32_t At(int x, int y) const {
    if (x < 0 || y < 0 || x >= width || y >= height) return 0;
    return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }

  // Pixels of that rectangle of which `is_one` holds.
  size_t Count(const PageRect& rect, const std::function<bool(uint32_t pixel)>& is_one) const {
    size_t count = 0;
    for (int y = rect.y; y < rect.y + rect.height; ++y) {
      for (int x = rect.x; x < rect.x + rect.width; ++x) count += is_one(At(x, y)) ? 1 : 0;
    }
    return count;
  }
};

// Lays out, has `supply` answer what is needed, until nothing is, and paints.
inline Painted Paint(
    std::string_view html, const PaintOptions& options = {.width = 400},
    const PaintBounds& bounds = {},
    const std::function<void(PagePainter& page, const NeededResource& needed)>& supply = {}) {
  Painted painted;
  absl::StatusOr<std::unique_ptr<PagePainter>> page =
      PagePainter::Create({.html = html, .url = "https://a.test/docs/page.html"}, options, bounds);
  painted.status = page.status();
  if (!page.ok()) return painted;
  painted.page = *std::move(page);
  for (;;) {
    painted.status = painted.page->Layout();
    if (!painted.status.ok()) return painted;
    const std::vector<NeededResource> needed = painted.page->TakeNeeded();
    if (needed.empty() || !supply) break;
    for (const NeededResource& one : needed) supply(*painted.page, one);
  }
  painted.width = painted.page->pixel_width();
  painted.height = painted.page->pixel_height();
  painted.pixels.resize(static_cast<size_t>(painted.width) * static_cast<size_t>(painted.height));
  painted.status = painted.page->PaintInto({.argb = painted.pixels.data(),
                                            .width = painted.width,
                                            .height = painted.height,
                                            .stride = static_cast<size_t>(painted.width) * 4});
  return painted;
}

}  // namespace browser_host

#endif  // TESTS_EXAMPLES_PAINT_PAINTED_H_
