// Paints a page to look at: paint_page FILE.html FILE.png [WIDTH [SCALE]]
//
// For developers: it reads the page's style sheets and PNG images itself, from beside it, which no
// content process does.
#include <cairo/cairo.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/paint/painter.h"
#include "examples/browser_host/paint/warm_up.h"
#include "examples/browser_host/percent.h"

namespace browser_host {
namespace {

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<std::string> PathOf(std::string url) {
  constexpr std::string_view kScheme = "file://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url = url.substr(0, url.find('?'));
  return PercentDecode(std::string_view(url).substr(kScheme.size()));
}

std::optional<Pixels> ReadPng(const std::string& path) {
  cairo_surface_t* png = cairo_image_surface_create_from_png(path.c_str());
  std::optional<Pixels> pixels;
  if (cairo_surface_status(png) == CAIRO_STATUS_SUCCESS) {
    const int width = cairo_image_surface_get_width(png);
    const int height = cairo_image_surface_get_height(png);
    pixels = Pixels{.width = width,
                    .height = height,
                    .argb = std::vector<uint32_t>(static_cast<size_t>(width) * height)};
    cairo_surface_t* copy =
        cairo_image_surface_create_for_data(reinterpret_cast<unsigned char*>(pixels->argb.data()),
                                            CAIRO_FORMAT_ARGB32, width, height, width * 4);
    cairo_t* cairo = cairo_create(copy);
    cairo_set_source_surface(cairo, png, 0, 0);
    cairo_paint(cairo);
    cairo_destroy(cairo);
    cairo_surface_destroy(copy);
  }
  cairo_surface_destroy(png);
  return pixels;
}

absl::Status Supply(PagePainter& page, const NeededResource& needed) {
  const std::optional<std::string> path = PathOf(needed.url);
  if (!path) return absl::OkStatus();
  if (needed.kind == ResourceKind::kStyleSheet) {
    const std::optional<std::string> css = ReadFile(*path);
    return css ? page.SupplyStyleSheet(needed.url, *css) : absl::OkStatus();
  }
  std::optional<Pixels> pixels = ReadPng(*path);
  return pixels ? page.SupplyImage(needed.url, *std::move(pixels)) : absl::OkStatus();
}

double Milliseconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since)
      .count();
}

absl::Status PaintPage(const std::string& from, const std::string& to,
                       const PaintOptions& options) {
  const std::optional<std::string> html = ReadFile(from);
  if (!html) return absl::NotFoundError("cannot read " + from);
  auto begin = std::chrono::steady_clock::now();
  if (absl::Status warm = WarmUpPainter(); !warm.ok()) return warm;
  printf("warm-up %.1f ms", Milliseconds(begin));

  begin = std::chrono::steady_clock::now();
  const std::string url =
      "file://" + PercentEncode(std::filesystem::absolute(from).lexically_normal().string());
  absl::StatusOr<std::unique_ptr<PagePainter>> page =
      PagePainter::Create({.html = *html, .url = url}, options);
  if (!page.ok()) return page.status();
  printf(", check %.1f ms", Milliseconds(begin));
  size_t resources = 0;
  for (;;) {
    if (absl::Status laid_out = (*page)->Layout(); !laid_out.ok()) return laid_out;
    const std::vector<NeededResource> needed = (*page)->TakeNeeded();
    if (needed.empty()) break;
    resources += needed.size();
    for (const NeededResource& one : needed) {
      if (absl::Status supplied = Supply(**page, one); !supplied.ok()) {
        fprintf(stderr, "paint_page: %s\n", std::string(supplied.message()).c_str());
      }
    }
  }
  printf(", laid out %.1f ms", Milliseconds(begin));
  const int width = (*page)->pixel_width(), height = (*page)->pixel_height();
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
  absl::Status painted = (*page)->PaintInto(
      {.argb = reinterpret_cast<uint32_t*>(cairo_image_surface_get_data(surface)),
       .width = width,
       .height = height,
       .stride = static_cast<size_t>(cairo_image_surface_get_stride(surface))});
  printf(", painted %.1f ms; %d by %d pixels, %zu resources, %zu links, %zu frames: %s\n",
         Milliseconds(begin), width, height, resources, (*page)->links().size(),
         (*page)->frames().size(), (*page)->title().c_str());
  cairo_surface_mark_dirty(surface);
  const cairo_status_t written = cairo_surface_write_to_png(surface, to.c_str());
  cairo_surface_destroy(surface);
  if (painted.ok() && written != CAIRO_STATUS_SUCCESS) {
    painted = absl::InternalError("write " + to + ": " + cairo_status_to_string(written));
  }
  return painted;
}

}  // namespace
}  // namespace browser_host

int main(int argc, char** argv) {
  if (argc < 3 || argc > 6) {
    fprintf(stderr, "usage: paint_page FILE.html FILE.png [WIDTH [SCALE [MOST_HEIGHT]]]\n");
    return 2;
  }
  browser_host::PaintOptions options;
  if (argc > 3) options.width = atoi(argv[3]);
  if (argc > 4) options.scale = atof(argv[4]);
  if (argc > 5) options.most_height = atoi(argv[5]);
  const absl::Status painted = browser_host::PaintPage(argv[1], argv[2], options);
  if (!painted.ok()) {
    fprintf(stderr, "paint_page: %s\n", std::string(painted.message()).c_str());
    return 1;
  }
  return 0;
}
