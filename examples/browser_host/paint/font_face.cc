#include "examples/browser_host/paint/font_face.h"

// Before cairo's header for it: FT_ macros name other headers.
#include <ft2build.h>
#include FT_FREETYPE_H
#include <cairo/cairo-ft.h>
#include <fontconfig/fcfreetype.h>
#include <fontconfig/fontconfig.h>
#include <hb.h>
#include <pango/pangofc-font.h>

#include "absl/strings/str_cat.h"

namespace browser_host {

bool Face::Has(char32_t character) const {
  hb_codepoint_t glyph = 0;
  return hb_font_get_nominal_glyph(harfbuzz, character, &glyph) != 0;
}

absl::StatusOr<Face> OpenFace(FT_Library freetype, PangoFont* font) {
  FcPattern* pattern = pango_fc_font_get_pattern(PANGO_FC_FONT(font));
  FcChar8* file = nullptr;
  int index = 0;
  if (FcPatternGetString(pattern, FC_FILE, 0, &file) != FcResultMatch) {
    return absl::NotFoundError("fontconfig names a font without a file");
  }
  FcPatternGetInteger(pattern, FC_INDEX, 0, &index);
  Face face;
  face.file = reinterpret_cast<const char*>(file);
  // cairo keeps ten files open and closes one of them, any, for the next: what was warmed would be
  // opened again, in a sandbox. A face that it was given it does not close.
  FT_Face freetype_face = nullptr;
  if (FT_New_Face(freetype, face.file.c_str(), index, &freetype_face) != 0) {
    return absl::NotFoundError(absl::StrCat("font ", face.file, " cannot be opened"));
  }
  face.has_colors = FT_HAS_COLOR(freetype_face);
  FcPattern* with_face = FcPatternDuplicate(pattern);
  FcPatternAddFTFace(with_face, FC_FT_FACE, freetype_face);
  face.cairo = cairo_ft_font_face_create_for_pattern(with_face);
  FcPatternDestroy(with_face);
  // What cairo does by itself for faces that it opens.
  FcMatrix* lean = nullptr;
  if (FcPatternGetMatrix(pattern, FC_MATRIX, 0, &lean) == FcResultMatch) {
    face.shape = {
        .xx = lean->xx, .yx = -lean->yx, .xy = -lean->xy, .yy = lean->yy, .x0 = 0, .y0 = 0};
  }
  FcBool is_emboldened = FcFalse;
  FcPatternGetBool(pattern, FC_EMBOLDEN, 0, &is_emboldened);
  if (is_emboldened == FcTrue) {
    cairo_ft_font_face_set_synthesize(face.cairo, CAIRO_FT_SYNTHESIZE_BOLD);
  }
  face.harfbuzz = pango_font_get_hb_font(font);

  hb_font_extents_t extents = {};
  hb_font_get_h_extents(face.harfbuzz, &extents);
  int scale_x = 0, scale_y = 0;
  hb_font_get_scale(face.harfbuzz, &scale_x, &scale_y);
  const double em = scale_y != 0 ? scale_y : kShapingSize * PANGO_SCALE;
  face.em = em;
  face.metrics = {.ascent = extents.ascender / em, .descent = -extents.descender / em};
  hb_codepoint_t x = 0;
  hb_glyph_extents_t of_x = {};
  face.metrics.x_height = 0.5;
  if (hb_font_get_nominal_glyph(face.harfbuzz, 'x', &x) != 0 &&
      hb_font_get_glyph_extents(face.harfbuzz, x, &of_x) != 0) {
    face.metrics.x_height = of_x.y_bearing / em;
  }
  return face;
}

}  // namespace browser_host
