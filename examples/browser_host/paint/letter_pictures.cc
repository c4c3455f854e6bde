#include "examples/browser_host/paint/letter_pictures.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace browser_host {
namespace {

constexpr int kMostPixelsOfALetter = 512;  // a side
// Pictures reach a little farther than the extents say.
constexpr int kBesides = 1;
constexpr double kFar = 1 << 20;

// What is to be drawn on: an image's pixels, in a rectangle.
struct Ground {
  cairo_surface_t* surface;
  uint32_t* pixels;
  int stride;  // in pixels
  int left, top, right, bottom;
  uint32_t color;  // premultiplied
};

uint32_t ByteOf(double part) { return static_cast<uint32_t>(std::lround(part * 255)); }

// a * b / 255, rounded, as pixman does it; of two bytes of a pixel at once.
uint32_t TimesByte(uint32_t pair, uint32_t byte) {
  const uint32_t product = (pair & 0xff00ff) * byte + 0x800080;
  return ((product + ((product >> 8) & 0xff00ff)) >> 8) & 0xff00ff;
}

uint32_t Times(uint32_t pixel, uint32_t byte) {
  return TimesByte(pixel, byte) | TimesByte(pixel >> 8, byte) << 8;
}

bool IsWhole(double value) { return std::abs(value) < kFar && value == std::floor(value); }

// Nothing: it is not as the header says. An empty rectangle where nothing is seen.
std::optional<Ground> GroundOf(cairo_t* cairo) {
  cairo_surface_t* surface = cairo_get_group_target(cairo);
  if (cairo_surface_get_type(surface) != CAIRO_SURFACE_TYPE_IMAGE ||
      cairo_image_surface_get_format(surface) != CAIRO_FORMAT_ARGB32 ||
      cairo_get_operator(cairo) != CAIRO_OPERATOR_OVER || surface != cairo_get_target(cairo)) {
    return std::nullopt;
  }
  cairo_matrix_t matrix;
  cairo_get_matrix(cairo, &matrix);
  if (matrix.xx != 1 || matrix.yy != 1 || matrix.xy != 0 || matrix.yx != 0 || matrix.x0 != 0 ||
      matrix.y0 != 0) {
    return std::nullopt;
  }
  double red, green, blue, alpha;
  if (cairo_pattern_get_rgba(cairo_get_source(cairo), &red, &green, &blue, &alpha) !=
      CAIRO_STATUS_SUCCESS) {
    return std::nullopt;
  }
  cairo_rectangle_list_t* clip = cairo_copy_clip_rectangle_list(cairo);
  const bool is_one = clip->status == CAIRO_STATUS_SUCCESS && clip->num_rectangles <= 1;
  const cairo_rectangle_t box = is_one && clip->num_rectangles == 1
                                    ? clip->rectangles[0]
                                    : cairo_rectangle_t{.x = 0, .y = 0, .width = 0, .height = 0};
  cairo_rectangle_list_destroy(clip);
  if (!is_one || !IsWhole(box.x) || !IsWhole(box.y) || !IsWhole(box.width) ||
      !IsWhole(box.height)) {
    return std::nullopt;
  }
  cairo_surface_flush(surface);
  Ground ground = {.surface = surface,
                   .pixels = reinterpret_cast<uint32_t*>(cairo_image_surface_get_data(surface)),
                   .stride = cairo_image_surface_get_stride(surface) / 4,
                   .left = std::max(0, static_cast<int>(box.x)),
                   .top = std::max(0, static_cast<int>(box.y)),
                   .right = std::min(cairo_image_surface_get_width(surface),
                                     static_cast<int>(box.x + box.width)),
                   .bottom = std::min(cairo_image_surface_get_height(surface),
                                      static_cast<int>(box.y + box.height)),
                   .color = ByteOf(alpha) << 24 | ByteOf(red * alpha) << 16 |
                            ByteOf(green * alpha) << 8 | ByteOf(blue * alpha)};
  if (ground.pixels == nullptr) return std::nullopt;
  return ground;
}

// The same of two pixels, a channel in each lane: blue, green, red and alpha, as a little-endian
// machine has them in memory.
using Channels = uint16_t __attribute__((vector_size(16)));
using Bytes = uint8_t __attribute__((vector_size(8)));

Channels Times(Channels channels, Channels by) {
  const Channels product = channels * by + 128;
  return (product + (product >> 8)) >> 8;
}

Channels ChannelsOf(const void* two_pixels) {
  Bytes bytes;
  memcpy(&bytes, two_pixels, sizeof(bytes));
  return __builtin_convertvector(bytes, Channels);
}

// Lays `ground.color` over a rectangle, as far as it is covered.
void LayOver(const Ground& ground, const uint8_t* coverage, int left, int top, int width,
             int height) {
  const int from_x = std::max(left, ground.left);
  const int to_x = std::min(left + width, ground.right);
  const int to_y = std::min(top + height, ground.bottom);
  const uint32_t color_twice[] = {ground.color, ground.color};
  const Channels color = ChannelsOf(color_twice);
  for (int y = std::max(top, ground.top); y < to_y; ++y) {
    const uint8_t* covered = coverage + static_cast<ptrdiff_t>(y - top) * width - left;
    uint32_t* row = ground.pixels + static_cast<ptrdiff_t>(y) * ground.stride;
    int x = from_x;
    // Most pixels of a letter are covered in part: to ask first takes longer than to reckon.
    for (; x + 1 < to_x; x += 2) {
      const uint16_t a = covered[x], b = covered[x + 1];
      const Channels above = Times(color, Channels{a, a, a, a, b, b, b, b});
      const Channels alpha = __builtin_shufflevector(above, above, 3, 3, 3, 3, 7, 7, 7, 7);
      const Bytes bytes =
          __builtin_convertvector(above + Times(ChannelsOf(row + x), 255 - alpha), Bytes);
      memcpy(row + x, &bytes, sizeof(bytes));
    }
    if (x < to_x) {
      const uint32_t above = Times(ground.color, covered[x]);
      row[x] = above + Times(row[x], 255 - (above >> 24));
    }
  }
}

}  // namespace

bool LetterPictures::Draw(cairo_t* cairo, cairo_scaled_font_t* font,
                          std::span<const cairo_glyph_t> glyphs) {
  const std::optional<Ground> ground = GroundOf(cairo);
  if (!ground) return false;
  // All of them before any is drawn.
  for (const cairo_glyph_t& glyph : glyphs) {
    if (std::abs(glyph.x) > kFar || std::abs(glyph.y) > kFar) return false;
    if (Find(font, glyph.index) == nullptr) return false;
  }
  for (const cairo_glyph_t& glyph : glyphs) {
    const Picture& picture = *Find(font, glyph.index);
    LayOver(*ground, coverage_.data() + picture.at,
            static_cast<int>(std::floor(glyph.x + 0.5)) + picture.left,
            static_cast<int>(std::floor(glyph.y + 0.5)) + picture.top, picture.width,
            picture.height);
  }
  cairo_surface_mark_dirty(ground->surface);
  return true;
}

const LetterPictures::Picture* LetterPictures::Find(cairo_scaled_font_t* font,
                                                    unsigned long glyph) {
  const auto found =
      std::lower_bound(pictures_.begin(), pictures_.end(), glyph,
                       [](const Picture& one, unsigned long of) { return one.glyph < of; });
  if (found != pictures_.end() && found->glyph == glyph) return &*found;
  if (glyph > UINT32_MAX || pictures_.size() >= kMostLetters) return nullptr;
  return Make(font, static_cast<uint32_t>(glyph));
}

void LetterPictures::KeepWhatIsCovered(const uint8_t* rows, int stride, Picture& picture) {
  int left = picture.width, right = 0, top = picture.height, bottom = 0;
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      if (rows[static_cast<ptrdiff_t>(y) * stride + x] == 0) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  }
  for (int y = top; y < bottom; ++y) {
    const uint8_t* row = rows + static_cast<ptrdiff_t>(y) * stride;
    coverage_.insert(coverage_.end(), row + left, row + right);
  }
  picture.left = static_cast<int16_t>(picture.left + left);
  picture.top = static_cast<int16_t>(picture.top + top);
  picture.width = static_cast<uint16_t>(std::max(0, right - left));
  picture.height = static_cast<uint16_t>(std::max(0, bottom - top));
}

const LetterPictures::Picture* LetterPictures::Make(cairo_scaled_font_t* font, uint32_t glyph) {
  cairo_glyph_t one = {.index = glyph, .x = 0, .y = 0};
  cairo_text_extents_t extents;
  cairo_scaled_font_glyph_extents(font, &one, 1, &extents);
  if (cairo_scaled_font_status(font) != CAIRO_STATUS_SUCCESS || !(extents.width >= 0) ||
      extents.width > kMostPixelsOfALetter || !(extents.height >= 0) ||
      extents.height > kMostPixelsOfALetter || std::abs(extents.x_bearing) > kMostPixelsOfALetter ||
      std::abs(extents.y_bearing) > kMostPixelsOfALetter) {
    return nullptr;
  }
  Picture picture = {.glyph = glyph,
                     .at = static_cast<uint32_t>(coverage_.size()),
                     .left = static_cast<int16_t>(std::floor(extents.x_bearing) - kBesides),
                     .top = static_cast<int16_t>(std::floor(extents.y_bearing) - kBesides),
                     .width = 0,
                     .height = 0};
  if (extents.width > 0 && extents.height > 0) {
    picture.width = static_cast<uint16_t>(std::ceil(extents.x_bearing + extents.width) + kBesides -
                                          picture.left);
    picture.height = static_cast<uint16_t>(std::ceil(extents.y_bearing + extents.height) +
                                           kBesides - picture.top);
    cairo_surface_t* surface =
        cairo_image_surface_create(CAIRO_FORMAT_A8, picture.width, picture.height);
    cairo_t* cairo = cairo_create(surface);
    cairo_set_scaled_font(cairo, font);
    one.x = -picture.left;
    one.y = -picture.top;
    cairo_show_glyphs(cairo, &one, 1);
    const bool is_drawn = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    if (is_drawn) {
      KeepWhatIsCovered(cairo_image_surface_get_data(surface),
                        cairo_image_surface_get_stride(surface), picture);
    }
    cairo_surface_destroy(surface);
    if (!is_drawn) return nullptr;
  }
  const auto place =
      std::lower_bound(pictures_.begin(), pictures_.end(), glyph,
                       [](const Picture& before, uint32_t of) { return before.glyph < of; });
  return &*pictures_.insert(place, picture);
}

}  // namespace browser_host
