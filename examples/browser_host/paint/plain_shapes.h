// How a font shapes plain text (ASCII), measured once, so that a word of it is a sum.
//
//     const PlainShapes shapes = PlainShapes::Measure(font, HB_SCRIPT_LATIN, language);
//     if (!shapes.Shape(word, [&](uint32_t glyph, int32_t advance) { ... })) // harfbuzz does it
//
// Why: most words of most pages are plain, and harfbuzz takes a microsecond or two for each, and,
// in a process that is new, fifty page faults for its tables, its code and the font's file.
//
// What is plain is not assumed but measured, of each pair of characters, in two contexts (where
// those hold no ligature): harfbuzz
// makes one glyph of each of the two, that which it makes of the character alone, in their order
// and on the baseline, and moves the second by the same (kerning) each time. A text all of whose
// pairs are so has the shape that harfbuzz would give it. A pair of which it makes one glyph (a
// ligature: "fi") is measured with each small letter before and after it. Other texts are refused
// (three letters of which two pairs are ligatures, say), and so is the same character three times
// in a row, of which fonts for programmers make one. What a font makes of other three in a row
// without making it of two would not be noticed.
//
// Constant when it has been measured, and then read by any thread.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PLAIN_SHAPES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PLAIN_SHAPES_H_

#include <hb.h>
#include <stddef.h>
#include <stdint.h>

#include <array>
#include <map>
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
      if (const Ligature* ligature = LigatureAt(text, i)) {
        ++i;
        const int32_t kerning = i + 1 < text.size() ? ligature->after[IndexOf(text[i + 1])] : 0;
        add(ligature->glyph.index, ligature->glyph.advance + kerning);
      } else {
        const int32_t kerning = i + 1 < text.size() ? KerningAt(text, i) : 0;
        add(glyphs_[one].index, glyphs_[one].advance + kerning);
      }
    }
    return true;
  }

 private:
  // From the space to the tilde.
  static constexpr char kFirst = ' ';
  static constexpr size_t kCharacters = '~' - kFirst + 1;
  // In kerning_: what is no distance.
  static constexpr int16_t kNotPlain = INT16_MIN;
  static constexpr int16_t kLigature = INT16_MIN + 1;
  static constexpr int16_t kFar = INT16_MIN + 2;
  // Fonts have a few of them; of one that has more, those are refused.
  static constexpr size_t kMostLigatures = 8;

  struct Glyph {
    uint32_t index = 0;
    int32_t advance = 0;
  };

  struct Ligature {
    char first = 0, second = 0;
    Glyph glyph;
    // Of a character before it, and of itself before a character; kNotPlain.
    std::array<int32_t, kCharacters> before = {}, after = {};
  };

  class Shaper;
  // Of a pair of which one glyph is made.
  void MeasureLigature(Shaper& shaper, size_t pair);

  // Others wrap around to what is no index.
  static size_t IndexOf(char c) {
    return static_cast<unsigned char>(static_cast<unsigned char>(c) - kFirst);
  }
  bool IsPlain(std::string_view text) const;
  // Null: there is none of the i-th character and the next.
  const Ligature* LigatureAt(std::string_view text, size_t i) const;
  // Of the i-th character, before what is next; kNotPlain.
  int32_t KerningAt(std::string_view text, size_t i) const;

  std::array<Glyph, kCharacters> glyphs_ = {};
  std::array<bool, kCharacters> is_plain_ = {};
  std::vector<int16_t> kerning_;           // of a character before another one
  std::map<size_t, int32_t> far_kerning_;  // of those that are kFar there: "Ye"
  std::vector<Ligature> ligatures_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PLAIN_SHAPES_H_
