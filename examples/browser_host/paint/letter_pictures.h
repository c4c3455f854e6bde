// Pictures of letters: what is drawn of a font, at a size, in one piece of memory that drawing only
// reads.
//
//     LetterPictures& letters = strikes[{face, size}];
//     if (!letters.Draw(cairo, font, glyphs)) cairo_show_glyphs(...);
//
// cairo keeps such pictures too, each in blocks of its own, and relinks a letter's block each time
// that it is drawn: a child of a fork copies a page of its template's for every letter or two,
// keeps it, and pays as much for that as for all else that it draws. These are cairo's own
// pictures, placed as cairo places them (at whole pixels) and laid over what is there with its
// rounding; but where two letters of a word overlap, cairo may add what they cover.
//
// Not for several threads at once.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_LETTER_PICTURES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_LETTER_PICTURES_H_

#include <cairo/cairo.h>
#include <stddef.h>
#include <stdint.h>

#include <span>
#include <vector>

namespace browser_host {

class LetterPictures {
 public:
  // Larger letters have no pictures here.
  static constexpr double kLargestSize = 64;
  static constexpr size_t kMostLetters = 1024;
  // Pixels that are drawn at once.
  static constexpr int kRowUnit = 4;

  // Draws glyphs, which are in pixels, in the solid colour that `cairo` has. `font` makes those
  // pictures that are not there yet. False, and nothing is drawn: `cairo` is at something else than
  // laying a colour over the pixels of an image, unscaled, in a rectangle of whole pixels; or there
  // are more letters than are kept.
  bool Draw(cairo_t* cairo, cairo_scaled_font_t* font, std::span<const cairo_glyph_t> glyphs);

 private:
  // Of one letter: `coverage_` from `at` on, row by row, 0 to 255; a row ends with up to three
  // zeros.
  struct Picture {
    uint32_t glyph;
    uint32_t at;
    int16_t left;  // from the letter's origin
    int16_t top;
    uint16_t row_bytes;  // some units
    uint16_t height;
  };

  // Null: it cannot be made, or not kept.
  const Picture* Find(cairo_scaled_font_t* font, unsigned long glyph);
  const Picture* Make(cairo_scaled_font_t* font, uint32_t glyph);
  // Of what cairo has drawn, cut to where there is something.
  void KeepWhatIsCovered(const uint8_t* rows, int width, int stride, Picture& picture);

  std::vector<Picture> pictures_;  // by their glyphs
  std::vector<Picture> found_;     // those that are being drawn
  std::vector<uint8_t> coverage_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_LETTER_PICTURES_H_
