#include "examples/browser_host/paint/plain_shapes.h"

#include <string>

namespace browser_host {

// What harfbuzz makes of one text, in a buffer that is used for all.
class PlainShapes::Shaper {
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
    return IsAlone(i, glyph, static_cast<uint32_t>(i));
  }
  bool IsAlone(size_t i, uint32_t glyph, uint32_t character) const {
    return infos_[i].codepoint == glyph && infos_[i].cluster == character &&
           positions_[i].x_offset == 0 && positions_[i].y_offset == 0 &&
           positions_[i].y_advance == 0;
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

PlainShapes PlainShapes::Measure(hb_font_t* font, hb_script_t script, hb_language_t language) {
  PlainShapes shapes;
  Shaper shaper(font, script, language);
  for (size_t one = 0; one < kCharacters; ++one) {
    const char character = static_cast<char>(kFirst + one);
    shaper.Shape({&character, 1});
    if (shaper.count() != 1 || shaper.info(0).codepoint == 0) continue;
    shapes.glyphs_[one] = {shaper.info(0).codepoint, shaper.position(0).x_advance};
    shapes.is_plain_[one] = shaper.IsAlone(0, shaper.info(0).codepoint);
  }
  // Each pair is in two of these texts, with others around it: "abacad...", and "babcbd...".
  constexpr int32_t kUnknown = INT32_MAX, kRefused = INT32_MIN, kJoined = INT32_MIN + 1;
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
      int32_t moved = kRefused;
      size_t at = i;
      if (!is_whole) {
        shaper.Shape(std::string_view(text).substr(i, 2));
        at = 0;
      }
      const bool has_both = is_whole || shaper.count() == 2;
      if (has_both && shapes.is_plain_[first] && shapes.is_plain_[second] &&
          shaper.IsAlone(at, shapes.glyphs_[first].index) &&
          shaper.IsAlone(at + 1, shapes.glyphs_[second].index)) {
        moved = shaper.position(at).x_advance - shapes.glyphs_[first].advance;
      }
      int32_t& known = kerning[first * kCharacters + second];
      if (!is_whole && shaper.count() == 1) {
        known = kJoined;
      } else if (known != kJoined) {
        known = known == kUnknown || known == moved ? moved : kRefused;
      }
    }
  }
  shapes.kerning_.assign(kerning.size(), kNotPlain);
  for (size_t pair = 0; pair < kerning.size(); ++pair) {
    if (kerning[pair] == kJoined) {
      shapes.MeasureLigature(shaper, pair);
    } else if (kerning[pair] > kFar && kerning[pair] <= INT16_MAX) {
      shapes.kerning_[pair] = static_cast<int16_t>(kerning[pair]);
    } else if (kerning[pair] != kRefused) {
      shapes.kerning_[pair] = kFar;
      shapes.far_kerning_[pair] = kerning[pair];
    }
  }
  return shapes;
}

void PlainShapes::MeasureLigature(Shaper& shaper, size_t pair) {
  const std::string text = {static_cast<char>(kFirst + pair / kCharacters),
                            static_cast<char>(kFirst + pair % kCharacters)};
  shaper.Shape(text);
  if (ligatures_.size() == kMostLigatures || !shaper.IsAlone(0, shaper.info(0).codepoint)) return;
  Ligature ligature = {.first = text[0],
                       .second = text[1],
                       .glyph = {shaper.info(0).codepoint, shaper.position(0).x_advance}};
  // Whether these two were shaped, the second of so many characters on; and how far it was moved.
  const auto moved = [&shaper](const Glyph& first, const Glyph& second, uint32_t characters) {
    const bool are_they = shaper.count() == 2 && shaper.IsAlone(0, first.index) &&
                          shaper.IsAlone(1, second.index, characters) &&
                          shaper.position(1).x_advance == second.advance;
    return are_they ? shaper.position(0).x_advance - first.advance : int32_t{kNotPlain};
  };
  ligature.before.fill(kNotPlain);
  ligature.after.fill(kNotPlain);
  for (char c = 'a'; c <= 'z'; ++c) {
    if (!is_plain_[IndexOf(c)]) continue;
    const Glyph& other = glyphs_[IndexOf(c)];
    shaper.Shape(c + text);
    ligature.before[IndexOf(c)] = moved(other, ligature.glyph, 1);
    shaper.Shape(text + c);
    ligature.after[IndexOf(c)] = moved(ligature.glyph, other, 2);
  }
  kerning_[pair] = kLigature;
  ligatures_.push_back(ligature);
}

const PlainShapes::Ligature* PlainShapes::LigatureAt(std::string_view text, size_t i) const {
  if (i + 1 >= text.size()) return nullptr;
  if (kerning_[IndexOf(text[i]) * kCharacters + IndexOf(text[i + 1])] != kLigature) return nullptr;
  for (const Ligature& ligature : ligatures_) {
    if (ligature.first == text[i] && ligature.second == text[i + 1]) return &ligature;
  }
  return nullptr;
}

int32_t PlainShapes::KerningAt(std::string_view text, size_t i) const {
  const size_t one = IndexOf(text[i]);
  if (const Ligature* const next = LigatureAt(text, i + 1)) return next->before[one];
  const size_t pair = one * kCharacters + IndexOf(text[i + 1]);
  return kerning_[pair] == kFar ? far_kerning_.at(pair) : kerning_[pair];
}

bool PlainShapes::IsPlain(std::string_view text) const {
  if (kerning_.empty() || text.empty()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t one = IndexOf(text[i]);
    if (one >= kCharacters || !is_plain_[one]) return false;
    if (i > 1 && text[i] == text[i - 1] && text[i] == text[i - 2]) return false;
  }
  for (size_t i = 0; i + 1 < text.size();) {
    const Ligature* const ligature = LigatureAt(text, i);
    if (ligature == nullptr) {
      if (KerningAt(text, i) == kNotPlain) return false;
      ++i;
      continue;
    }
    // "ffi", and "fifi".
    if (LigatureAt(text, i + 1) != nullptr || LigatureAt(text, i + 2) != nullptr) return false;
    i += 2;
    if (i < text.size() && ligature->after[IndexOf(text[i])] == kNotPlain) return false;
  }
  return true;
}

}  // namespace browser_host
