#include "examples/browser_host/paint/plain_shapes.h"

#include <string>

namespace browser_host {
namespace {

// What harfbuzz makes of one text, in a buffer that is used for all.
class Shaper {
 public:
  Shaper(hb_font_t* font, hb_script_t script, hb_language_t language)
      : font_(font), script_(script), language_(language), buffer_(hb_buffer_create()) {}
  ~Shaper() { hb_buffer_destroy(buffer_); }
  Shaper(const Shaper&) = delete;
  Shaper& operator=(const Shaper&) = delete;

  void Shape(std::string_view text) {
    hb_buffer_clear_contents(buffer_);
    hb_buffer_add_utf8(buffer_, text.data(), static_cast<int>(text.size()), 0,
                       static_cast<int>(text.size()));
    hb_buffer_set_script(buffer_, script_);
    hb_buffer_set_language(buffer_, language_);
    hb_buffer_guess_segment_properties(buffer_);
    hb_shape(font_, buffer_, nullptr, 0);
    infos_ = hb_buffer_get_glyph_infos(buffer_, &count_);
    positions_ = hb_buffer_get_glyph_positions(buffer_, &count_);
  }

  unsigned count() const { return count_; }
  const hb_glyph_info_t& info(size_t i) const { return infos_[i]; }
  const hb_glyph_position_t& position(size_t i) const { return positions_[i]; }
  // Whether the i-th glyph is that of the i-th character, on the baseline.
  bool IsAlone(size_t i, uint32_t glyph) const {
    return infos_[i].codepoint == glyph && infos_[i].cluster == i && positions_[i].x_offset == 0 &&
           positions_[i].y_offset == 0 && positions_[i].y_advance == 0;
  }

 private:
  hb_font_t* const font_;
  const hb_script_t script_;
  const hb_language_t language_;
  hb_buffer_t* const buffer_;
  unsigned count_ = 0;
  const hb_glyph_info_t* infos_ = nullptr;
  const hb_glyph_position_t* positions_ = nullptr;
};

}  // namespace

PlainShapes PlainShapes::Measure(hb_font_t* font, hb_script_t script, hb_language_t language) {
  PlainShapes shapes;
  Shaper shaper(font, script, language);
  for (size_t one = 0; one < kCharacters; ++one) {
    const char character = static_cast<char>(kFirst + one);
    shaper.Shape({&character, 1});
    if (shaper.count() != 1 || shaper.info(0).codepoint == 0) continue;
    shapes.glyphs_[one] = shaper.info(0).codepoint;
    shapes.advances_[one] = shaper.position(0).x_advance;
    shapes.is_plain_[one] = shaper.IsAlone(0, shaper.info(0).codepoint);
  }
  // Each pair is in two of these texts, with others around it: "abacad...", and "babcbd...".
  constexpr int32_t kUnknown = INT32_MAX;
  std::vector<int32_t> kerning(kCharacters * kCharacters, kUnknown);
  for (size_t one = 0; one < kCharacters; ++one) {
    std::string text;
    for (size_t other = 0; other < kCharacters; ++other) {
      text += {static_cast<char>(kFirst + one), static_cast<char>(kFirst + other)};
    }
    shaper.Shape(text);
    // Of a text with a ligature in it glyphs and characters are counted differently: two by two.
    const bool is_whole = shaper.count() == text.size();
    for (size_t i = 0; i + 1 < text.size(); ++i) {
      const size_t first = IndexOf(text[i]);
      const size_t second = IndexOf(text[i + 1]);
      int32_t moved = kNotPlain;
      size_t at = i;
      if (!is_whole) {
        shaper.Shape(std::string_view(text).substr(i, 2));
        at = 0;
      }
      const bool has_both = is_whole || shaper.count() == 2;
      if (has_both && shapes.is_plain_[first] && shapes.is_plain_[second] &&
          shaper.IsAlone(at, shapes.glyphs_[first]) &&
          shaper.IsAlone(at + 1, shapes.glyphs_[second])) {
        moved = shaper.position(at).x_advance - shapes.advances_[first];
      }
      int32_t& known = kerning[first * kCharacters + second];
      const bool fits = moved > INT16_MIN && moved <= INT16_MAX;
      known = fits && (known == kUnknown || known == moved) ? moved : kNotPlain;
    }
  }
  shapes.kerning_.assign(kerning.begin(), kerning.end());
  return shapes;
}

bool PlainShapes::IsPlain(std::string_view text) const {
  if (kerning_.empty() || text.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t one = IndexOf(text[i]);
    if (one >= kCharacters || !is_plain_[one]) return false;
    if (i == 0) continue;
    if (i > 1 && text[i] == text[i - 1] && text[i] == text[i - 2]) return false;
    if (kerning_[IndexOf(text[i - 1]) * kCharacters + one] == kNotPlain) return false;
  }
  return true;
}

}  // namespace browser_host
