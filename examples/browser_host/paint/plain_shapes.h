// How a font shapes plain text (ASCII), measured once, so that a word of it is a sum.
//
//     const PlainShapes shapes = PlainShapes::Measure(font, HB_SCRIPT_LATIN, language);
//     if (!shapes.Shape(word, [&](uint32_t glyph, int32_t advance) { ... })) // harfbuzz does it
//
// Why: most words of most pages are plain, and harfbuzz takes a microsecond or two for each, and,
// in a process that is new, fifty page faults for its tables, its code and the font's file.
//
// What is plain is not assumed but measured, of each pair of characters, in two contexts: harfbuzz
// makes one glyph of each of the two, that which it makes of the character alone, in their order
// and on the baseline, and moves the second by the same (kerning) each time. A text all of whose
// pairs are so has the shape that harfbuzz would give it. Other texts (those with ligatures, say)
// are refused, and so is the same character three times in a row, of which fonts for programmers
// make one. What a font makes of other three in a row without making it of two would not be
// noticed.
//
// Constant when it has been measured, and then read by any thread.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PLAIN_SHAPES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PLAIN_SHAPES_H_

#include <hb.h>
#include <stddef.h>
#include <stdint.h>

#include <array>
#include <string_view>
#include <vector>

namespace browser_host {

class PlainShapes {
 public:
  // Refuses all.
  PlainShapes() = default;
  // Takes milliseconds.
  static PlainShapes Measure(hb_font_t* font, hb_script_t script, hb_language_t language);

  // Calls `add` with each glyph and its advance, in the font's units. False, and nothing is called:
  // it is not plain.
  template <typename Add>
  bool Shape(std::string_view text, const Add& add) const {
    if (!IsPlain(text)) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t one = IndexOf(text[i]);
      const int32_t kerning =
          i + 1 < text.size() ? kerning_[one * kCharacters + IndexOf(text[i + 1])] : 0;
      add(glyphs_[one], advances_[one] + kerning);
    }
    return true;
  }

 private:
  // From the space to the tilde.
  static constexpr char kFirst = ' ';
  static constexpr size_t kCharacters = '~' - kFirst + 1;
  static constexpr int16_t kNotPlain = INT16_MIN;

  // Others wrap around to what is no index.
  static size_t IndexOf(char c) {
    return static_cast<unsigned char>(static_cast<unsigned char>(c) - kFirst);
  }
  bool IsPlain(std::string_view text) const;

  std::array<uint32_t, kCharacters> glyphs_ = {};
  std::array<int32_t, kCharacters> advances_ = {};
  std::array<bool, kCharacters> is_plain_ = {};
  std::vector<int16_t> kerning_;  // of a character before another one; kNotPlain
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PLAIN_SHAPES_H_
