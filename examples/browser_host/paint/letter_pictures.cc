#include "examples/browser_host/paint/letter_pictures.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <cmath>
#include <optional>

namespace browser_host {
namespace {

constexpr int kMostPixelsOfALetter = 512;  // a side
// Pictures reach a little farther than the extents say.
constexpr int kBesides = 1;
constexpr double kFar = 1 << 20;
constexpr int kAhead = 32;  // pixels

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

// The same of four pixels at once: two of a pixel's bytes, each in 16 bits, so that their products
// have room.
constexpr int kPixels = LetterPictures::kRowUnit;
using Pixels = uint32_t __attribute__((vector_size(16)));
using Halves = uint16_t __attribute__((vector_size(16)));
constexpr Pixels kPair = {0xff00ff, 0xff00ff, 0xff00ff, 0xff00ff};

Halves Times(Halves pairs, Halves bytes) {
  const Halves product = pairs * bytes + 128;
  return (product + (product >> 8)) >> 8;
}

// Each of four bytes, in both halves of its pixel. (The compiler makes forty instructions of what
// converts or shuffles vectors of bytes.)
Halves Spread(const uint8_t* four) {
  uint32_t bytes;
  memcpy(&bytes, four, sizeof(bytes));
#ifdef __SSE2__
  const __m128i each = _mm_cvtsi32_si128(static_cast<int>(bytes));
  const __m128i pixels =
      _mm_unpacklo_epi16(_mm_unpacklo_epi8(each, _mm_setzero_si128()), _mm_setzero_si128());
  const Pixels spread = reinterpret_cast<Pixels>(pixels);
#else
  const Pixels spread = {four[0], four[1], four[2], four[3]};
#endif
  return reinterpret_cast<Halves>(spread | spread << 16);
}

struct Color {
  explicit Color(uint32_t color)
      : one(color), even(Of(color)), odd(Of(color >> 8)), is_opaque(color >> 24 == 255) {}
  static Halves Of(uint32_t color) {
    return reinterpret_cast<Halves>(Pixels{color, color, color, color} & kPair);
  }

  uint32_t one;
  Halves even, odd;  // blue and red, green and alpha; of four pixels
  bool is_opaque;
};

void LayOver(const Color& color, uint8_t coverage, uint32_t& pixel) {
  const uint32_t above = Times(color.one, coverage);
  pixel = above + Times(pixel, 255 - (above >> 24));
}

template <bool kIsOpaque>
void LayOverFour(const Color& color, const uint8_t* coverage, uint32_t* pixels) {
  const Halves covered = Spread(coverage);
  const Halves even = Times(color.even, covered);
  const Halves odd = Times(color.odd, covered);
  Halves rest = 255 - covered;  // an opaque colour's alpha is what it covers
  if constexpr (!kIsOpaque) {
    const Pixels alpha = reinterpret_cast<Pixels>(odd) >> 16;
    rest = 255 - reinterpret_cast<Halves>(alpha | alpha << 16);
  }
  Pixels below;
  memcpy(&below, pixels, sizeof(below));
  const Halves even_below = reinterpret_cast<Halves>(below & kPair);
  const Halves odd_below = reinterpret_cast<Halves>((below >> 8) & kPair);
  below = reinterpret_cast<Pixels>(even + Times(even_below, rest)) |
          reinterpret_cast<Pixels>(odd + Times(odd_below, rest)) << 8;
  memcpy(pixels, &below, sizeof(below));
}

// A letter's picture at its place.
struct Letter {
  const uint8_t* coverage;
  int left, top, row_bytes, height;
};

template <bool kIsOpaque>
void LayOverInside(const Ground& ground, const Color& color, const Letter& letter, int from_y,
                   int to_y) {
  const uint8_t* coverage =
      letter.coverage + static_cast<ptrdiff_t>(from_y - letter.top) * letter.row_bytes;
  uint32_t* row = ground.pixels + static_cast<ptrdiff_t>(from_y) * ground.stride + letter.left;
  for (int y = from_y; y < to_y; ++y) {
    // Of what is drawn in a moment, most likely, where nobody has been yet.
    __builtin_prefetch(row + kAhead);
    // Most pixels of a letter are covered in part: to ask first takes longer than to reckon.
    for (int x = 0; x < letter.row_bytes; x += kPixels) {
      LayOverFour<kIsOpaque>(color, coverage + x, row + x);
    }
    coverage += letter.row_bytes;
    row += ground.stride;
  }
}

// Lays `color` over the ground, as far as it is covered.
void LayOver(const Ground& ground, const Color& color, const Letter& letter) {
  const int from_y = std::max(letter.top, ground.top);
  const int to_y = std::min(letter.top + letter.height, ground.bottom);
  const int to_x = letter.left + letter.row_bytes;
  if (letter.left >= ground.left && to_x <= ground.right) {
    return color.is_opaque ? LayOverInside<true>(ground, color, letter, from_y, to_y)
                           : LayOverInside<false>(ground, color, letter, from_y, to_y);
  }
  for (int y = from_y; y < to_y; ++y) {
    const uint8_t* coverage =
        letter.coverage + static_cast<ptrdiff_t>(y - letter.top) * letter.row_bytes - letter.left;
    uint32_t* row = ground.pixels + static_cast<ptrdiff_t>(y) * ground.stride;
    for (int x = std::max(letter.left, ground.left); x < std::min(to_x, ground.right); ++x) {
      LayOver(color, coverage[x], row[x]);
    }
  }
}

}  // namespace

bool LetterPictures::Draw(cairo_t* cairo, cairo_scaled_font_t* font,
                          std::span<const cairo_glyph_t> glyphs) {
  const std::optional<Ground> ground = GroundOf(cairo);
  if (!ground) return false;
  // All of them before any is drawn.
  found_.clear();
  for (const cairo_glyph_t& glyph : glyphs) {
    if (std::abs(glyph.x) > kFar || std::abs(glyph.y) > kFar) return false;
    const Picture* const picture = Find(font, glyph.index);
    if (picture == nullptr) return false;
    found_.push_back(*picture);
  }
  const Color color(ground->color);
  for (size_t i = 0; i < glyphs.size(); ++i) {
    const cairo_glyph_t& glyph = glyphs[i];
    const Picture& picture = found_[i];
    LayOver(*ground, color,
            {.coverage = coverage_.data() + picture.at,
             .left = static_cast<int>(std::floor(glyph.x + 0.5)) + picture.left,
             .top = static_cast<int>(std::floor(glyph.y + 0.5)) + picture.top,
             .row_bytes = picture.row_bytes,
             .height = picture.height});
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

void LetterPictures::KeepWhatIsCovered(const uint8_t* rows, int width, int stride,
                                       Picture& picture) {
  int left = width, right = 0, top = picture.height, bottom = 0;
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (rows[static_cast<ptrdiff_t>(y) * stride + x] == 0) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  }
  const int units = (std::max(0, right - left) + kPixels - 1) / kPixels;
  for (int y = top; y < bottom; ++y) {
    const uint8_t* row = rows + static_cast<ptrdiff_t>(y) * stride;
    coverage_.insert(coverage_.end(), row + left, row + right);
    coverage_.insert(coverage_.end(), units * kPixels - (right - left), 0);
  }
  picture.left = static_cast<int16_t>(picture.left + left);
  picture.top = static_cast<int16_t>(picture.top + top);
  picture.row_bytes = static_cast<uint16_t>(units * kPixels);
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
                     .row_bytes = 0,
                     .height = 0};
  if (extents.width > 0 && extents.height > 0) {
    const int width =
        static_cast<int>(std::ceil(extents.x_bearing + extents.width)) + kBesides - picture.left;
    picture.height = static_cast<uint16_t>(std::ceil(extents.y_bearing + extents.height) +
                                           kBesides - picture.top);
    cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_A8, width, picture.height);
    cairo_t* cairo = cairo_create(surface);
    cairo_set_scaled_font(cairo, font);
    one.x = -picture.left;
    one.y = -picture.top;
    cairo_show_glyphs(cairo, &one, 1);
    const bool is_drawn = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    if (is_drawn) {
      KeepWhatIsCovered(cairo_image_surface_get_data(surface), width,
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
