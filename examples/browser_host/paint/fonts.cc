#include "examples/browser_host/paint/fonts.h"

// Before cairo's header for it: FT_ macros name other headers.
#include <ft2build.h>
#include FT_FREETYPE_H
#include <cairo/cairo-ft.h>
#include <fontconfig/fontconfig.h>
#include <hb.h>
#include <pango/pangocairo.h>
#include <pango/pangofc-font.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/paint/font_face.h"
#include "examples/browser_host/paint/font_families.h"
#include "examples/browser_host/paint/letter_pictures.h"
#include "examples/browser_host/paint/plain_shapes.h"
#include "examples/browser_host/paint/well_formed.h"
#include "preload/single_thread.h"

namespace browser_host {
namespace {

constexpr size_t kMostTextBytes = 4096;
constexpr size_t kMostStrikes = 64;
// Three families in four styles: the first faces.
constexpr size_t kFacesForText = FontFamilies::kFaces;

// A character of each script that the machine may have a font of its own for: Hebrew, Arabic,
// Devanagari, Bengali, Tamil, Thai, Georgian, Armenian, Ethiopic, Hangul, Hiragana, Han, a
// mathematical letter, an arrow, an emoji.
constexpr char32_t kSamples[] = {0x05d0, 0x0627, 0x0905, 0x0985, 0x0b85,  0x0e01, 0x10d0, 0x0531,
                                 0x1200, 0xac00, 0x3042, 0x4e00, 0x1d400, 0x2192, 0x1f600};

// Joins what is beside it, and is drawn in its font.
bool IsJoined(char32_t character) {
  const GUnicodeType type = g_unichar_type(character);
  return type == G_UNICODE_NON_SPACING_MARK || type == G_UNICODE_SPACING_MARK ||
         type == G_UNICODE_ENCLOSING_MARK || type == G_UNICODE_FORMAT;
}

// pango matches and sorts fonts in threads that end when they are done, which is soon after the
// answer that they were started for; nobody is told.
absl::Status WaitForPangosThreads() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  absl::Status single = forkserver::CheckSingleThreaded();
  while (absl::IsFailedPrecondition(single) && std::chrono::steady_clock::now() < end) {
    sched_yield();
    single = forkserver::CheckSingleThreaded();
  }
  return single;
}

}  // namespace

// One face at one size.
struct Strike {
  cairo_scaled_font_t* font = nullptr;
  LetterPictures letters;
};

struct Fonts::State {
  FT_Library freetype = nullptr;
  PangoFontMap* map = nullptr;
  PangoContext* context = nullptr;
  hb_language_t language = nullptr;
  FontFamilies families;    // of the first faces
  std::vector<Face> faces;  // three families in four styles, then those of other scripts
  cairo_font_options_t* options = nullptr;
  std::map<std::pair<size_t, double>, Strike> strikes;
  // Of the first faces; none: not measured. Texts with a letter are Latin, others of no script.
  struct Plain {
    PlainShapes latin;
    PlainShapes common;
  };
  std::vector<Plain> plain;

  absl::Status Add(PangoFont* font);
  cairo_matrix_t MatrixOf(size_t face, double size) const;
  // Null: of that none are kept.
  Strike* StrikeOf(size_t face, double size);
  size_t FaceWith(char32_t character, size_t wanted) const;
  // False, and nothing is done: it is not measured, or not plain.
  bool ShapePlain(size_t face, std::string_view text, ShapedText& shaped) const;
};

absl::Status Fonts::State::Add(PangoFont* font) {
  absl::StatusOr<Face> face = OpenFace(freetype, font);
  if (face.ok()) faces.push_back(*std::move(face));
  return face.status();
}

size_t Fonts::State::FaceWith(char32_t character, size_t wanted) const {
  if (faces[wanted].Has(character)) return wanted;
  for (size_t face = 0; face < faces.size(); ++face) {
    // Of those for text the ones in the same style.
    if (face < kFacesForText && wanted < kFacesForText &&
        face % FontFamilies::kStyles != wanted % FontFamilies::kStyles) {
      continue;
    }
    if (faces[face].Has(character)) return face;
  }
  return wanted;
}

cairo_matrix_t Fonts::State::MatrixOf(size_t face, double size) const {
  cairo_matrix_t matrix;
  cairo_matrix_t scale;
  cairo_matrix_init_scale(&scale, size, size);
  cairo_matrix_multiply(&matrix, &faces[face].shape, &scale);
  return matrix;
}

Strike* Fonts::State::StrikeOf(size_t face, double size) {
  if (const auto found = strikes.find({face, size}); found != strikes.end()) return &found->second;
  // A letter of several colours is no coverage.
  if (size > LetterPictures::kLargestSize || strikes.size() >= kMostStrikes ||
      faces[face].has_colors) {
    return nullptr;
  }
  cairo_matrix_t unscaled;
  cairo_matrix_init_identity(&unscaled);
  const cairo_matrix_t matrix = MatrixOf(face, size);
  cairo_scaled_font_t* font =
      cairo_scaled_font_create(faces[face].cairo, &matrix, &unscaled, options);
  if (cairo_scaled_font_status(font) != CAIRO_STATUS_SUCCESS) {
    cairo_scaled_font_destroy(font);
    return nullptr;
  }
  return &strikes.try_emplace({face, size}, Strike{.font = font, .letters = {}}).first->second;
}

Fonts::Fonts(std::unique_ptr<State> state) : state_(std::move(state)) {}
Fonts::~Fonts() = default;

absl::StatusOr<Fonts*> Fonts::Load() {
  auto state = std::make_unique<State>();
  if (FcInit() == FcFalse) return absl::NotFoundError("fontconfig has no configuration");
  // Or each half minute it looks whether its folders have changed. In a sandbox it cannot see them,
  // and would take that for a change.
  FcConfigSetRescanInterval(FcConfigGetCurrent(), 0);
  if (FT_Init_FreeType(&state->freetype) != 0)
    return absl::InternalError("FT_Init_FreeType failed");

  state->map = pango_cairo_font_map_new();
  state->context = pango_font_map_create_context(state->map);
  state->language = hb_language_from_string("en", -1);
  state->options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(state->options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(state->options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias(state->options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options(state->context, state->options);

  PangoFontset* last = nullptr;
  for (const char* family : {"sans-serif", "serif", "monospace"}) {
    for (const PangoStyle style : {PANGO_STYLE_NORMAL, PANGO_STYLE_ITALIC}) {
      for (const PangoWeight weight : {PANGO_WEIGHT_NORMAL, PANGO_WEIGHT_BOLD}) {
        PangoFontDescription* description = pango_font_description_new();
        pango_font_description_set_family(description, family);
        pango_font_description_set_style(description, style);
        pango_font_description_set_weight(description, weight);
        pango_font_description_set_absolute_size(description, kShapingSize * PANGO_SCALE);
        PangoFontset* fontset = pango_font_map_load_fontset(state->map, state->context, description,
                                                            pango_language_from_string("en"));
        pango_font_description_free(description);
        PangoFont* font = fontset != nullptr ? pango_fontset_get_font(fontset, 'x') : nullptr;
        if (font == nullptr) return absl::NotFoundError(absl::StrCat("no font for ", family));
        if (absl::Status added = state->Add(font); !added.ok()) return added;
        state->families.Add(pango_fc_font_get_pattern(PANGO_FC_FONT(font)));
        if (last != nullptr) g_object_unref(last);
        last = fontset;
      }
    }
  }
  for (const char32_t sample : kSamples) {
    if (state->faces[state->FaceWith(sample, 0)].Has(sample)) continue;
    // The nearest font that has it, or else any.
    PangoFont* font = pango_fontset_get_font(last, sample);
    hb_codepoint_t glyph = 0;
    if (font != nullptr &&
        hb_font_get_nominal_glyph(pango_font_get_hb_font(font), sample, &glyph) != 0 &&
        state->Add(font).ok()) {
      continue;
    }
    if (font != nullptr) g_object_unref(font);
  }
  if (last != nullptr) g_object_unref(last);
  if (absl::Status single = WaitForPangosThreads(); absl::IsUnknown(single)) return single;
  return new Fonts(std::move(state));
}

absl::StatusOr<Fonts*> Fonts::OfThisProcess() {
  static const absl::StatusOr<Fonts*> fonts = Load();
  return fonts;
}

size_t Fonts::faces() const { return state_->faces.size(); }

FaceMetrics Fonts::MetricsOf(size_t face) const { return state_->faces[face].metrics; }

size_t Fonts::FaceFor(std::string_view families, FontWeight weight, FontSlant slant) const {
  const size_t style =
      (slant == FontSlant::kItalic ? 2 : 0) + (weight == FontWeight::kBold ? 1 : 0);
  return state_->families.Find(families) + style;
}

void Fonts::MeasurePlainShapes() const {
  if (!state_->plain.empty()) return;
  for (size_t face = 0; face < kFacesForText; ++face) {
    hb_font_t* const font = state_->faces[face].harfbuzz;
    state_->plain.push_back(
        {.latin = PlainShapes::Measure(font, HB_SCRIPT_LATIN, state_->language),
         .common = PlainShapes::Measure(font, HB_SCRIPT_COMMON, state_->language)});
  }
}

bool Fonts::State::ShapePlain(size_t face, std::string_view text, ShapedText& shaped) const {
  if (face >= plain.size()) return false;
  const PlainShapes& shapes = std::any_of(text.begin(), text.end(), absl::ascii_isalpha)
                                  ? plain[face].latin
                                  : plain[face].common;
  const double em = faces[face].em;
  ShapedText::Run run = {.face = face};
  run.glyphs.reserve(text.size());
  double width = 0;
  const bool is_plain = shapes.Shape(text, [&](uint32_t glyph, int32_t advance) {
    run.glyphs.push_back({.index = glyph, .x = width, .y = 0});
    width += advance / em;
  });
  if (!is_plain) return false;
  shaped.width = width;
  shaped.runs.push_back(std::move(run));
  return true;
}

ShapedText Fonts::Shape(size_t face, std::string_view utf8) const {
  utf8 = utf8.substr(0, kMostTextBytes);
  ShapedText shaped;
  if (state_->ShapePlain(face, utf8, shaped)) return shaped;
  const auto shape_run = [&](size_t begin, size_t end, size_t run_face, GUnicodeScript script) {
    // By harfbuzz itself. pango would ask cairo for extents of glyphs, which opens the font's file
    // once more (and beside ten others, again and again).
    const Face& with = state_->faces[run_face];
    hb_buffer_t* buffer = hb_buffer_create();
    hb_buffer_add_utf8(buffer, utf8.data() + begin, static_cast<int>(end - begin), 0,
                       static_cast<int>(end - begin));
    hb_buffer_set_script(buffer, hb_script_from_iso15924_tag(g_unicode_script_to_iso15924(script)));
    hb_buffer_set_language(buffer, state_->language);
    hb_buffer_guess_segment_properties(buffer);
    hb_shape(with.harfbuzz, buffer, nullptr, 0);
    unsigned count = 0;
    const hb_glyph_info_t* infos = hb_buffer_get_glyph_infos(buffer, &count);
    const hb_glyph_position_t* positions = hb_buffer_get_glyph_positions(buffer, &count);
    ShapedText::Run run = {.face = run_face};
    for (unsigned i = 0; i < count; ++i) {
      run.glyphs.push_back({.index = infos[i].codepoint,
                            .x = shaped.width + positions[i].x_offset / with.em,
                            .y = -positions[i].y_offset / with.em});
      shaped.width += positions[i].x_advance / with.em;
    }
    hb_buffer_destroy(buffer);
    if (!run.glyphs.empty()) shaped.runs.push_back(std::move(run));
  };

  size_t begin = 0;
  size_t run_face = face;
  GUnicodeScript script = G_UNICODE_SCRIPT_COMMON;
  for (size_t at = 0; at < utf8.size();) {
    const size_t here = at;
    const char32_t character = NextCharacter(utf8, at);
    if (here > begin && IsJoined(character)) continue;
    size_t wanted_face = state_->FaceWith(character, face);
    // A space or a stop between two words of another font stays in it, if it can.
    if (here > begin && character < 0x80 && !g_unichar_isalnum(character) &&
        state_->faces[run_face].Has(character)) {
      wanted_face = run_face;
    }
    const GUnicodeScript own = g_unichar_get_script(character);
    const bool is_common = own == G_UNICODE_SCRIPT_COMMON || own == G_UNICODE_SCRIPT_INHERITED;
    const bool script_fits = is_common || script == G_UNICODE_SCRIPT_COMMON || own == script;
    if (here > begin && (wanted_face != run_face || !script_fits)) {
      shape_run(begin, here, run_face, script);
      begin = here;
      script = G_UNICODE_SCRIPT_COMMON;
    }
    run_face = wanted_face;
    if (!is_common) script = own;
  }
  if (begin < utf8.size()) shape_run(begin, utf8.size(), run_face, script);
  return shaped;
}

void Fonts::Draw(cairo_t* cairo, const ShapedText& text, double size, double x,
                 double baseline) const {
  std::vector<cairo_glyph_t> glyphs;
  for (const ShapedText::Run& run : text.runs) {
    glyphs = run.glyphs;
    for (cairo_glyph_t& glyph : glyphs) {
      glyph.x = x + glyph.x * size;
      glyph.y = baseline + glyph.y * size;
    }
    Strike* const strike = state_->StrikeOf(run.face, size);
    if (strike != nullptr && strike->letters.Draw(cairo, strike->font, glyphs)) continue;
    cairo_save(cairo);
    cairo_set_font_options(cairo, state_->options);
    cairo_set_font_face(cairo, state_->faces[run.face].cairo);
    const cairo_matrix_t matrix = state_->MatrixOf(run.face, size);
    cairo_set_font_matrix(cairo, &matrix);
    cairo_show_glyphs(cairo, glyphs.data(), static_cast<int>(glyphs.size()));
    cairo_restore(cairo);
  }
}

}  // namespace browser_host
