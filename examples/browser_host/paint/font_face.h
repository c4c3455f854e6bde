// One face of a font, open for the life of the process.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_FONT_FACE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_FONT_FACE_H_

#include <cairo/cairo.h>

#include <string>

#include "absl/status/statusor.h"

// FreeType's, harfbuzz's and pango's: whoever includes this needs no header of theirs.
struct FT_LibraryRec_;
struct hb_font_t;
struct _PangoFont;

namespace browser_host {

// The size at which text is shaped, in pixels. As large as that, rounding is lost in scaling.
inline constexpr int kShapingSize = 256;

// Sizes are in ems.
struct FaceMetrics {
  double ascent = 0;
  double descent = 0;
  double x_height = 0;
};

struct Face {
  hb_font_t* harfbuzz = nullptr;
  cairo_font_face_t* cairo = nullptr;
  std::string file;
  double em = 1;  // in harfbuzz's units
  bool has_colors = false;
  FaceMetrics metrics;
  // Of an em of 1: slanted where the machine has no italic and fontconfig leans the upright.
  cairo_matrix_t shape = {.xx = 1, .yx = 0, .xy = 0, .yy = 1, .x0 = 0, .y0 = 0};

  bool Has(char32_t character) const;
};

// `font`: of pango's map, at kShapingSize. NotFound: its file cannot be opened.
absl::StatusOr<Face> OpenFace(FT_LibraryRec_* freetype, _PangoFont* font);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_FONT_FACE_H_
