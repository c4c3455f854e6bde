// The fonts of a process that paints: measures text and draws it.
//
//     absl::StatusOr<Fonts*> fonts = Fonts::OfThisProcess();
//     const size_t face = (*fonts)->FaceFor("Georgia", FontWeight::kBold, FontSlant::kUpright);
//     const ShapedText text = (*fonts)->Shape(face, "Hello");  // text.width in ems
//     (*fonts)->Draw(cairo, text, 16, x, baseline);
//
// What there is: regular, bold, italic and bold italic of the machine's sans-serif, serif and
// monospace, as fontconfig has them, and one font each for scripts that those lack, where the
// machine has one. All are opened when they are loaded and stay open for the life of the process;
// after that nothing here opens a file, starts a thread or waits for one, so that it works in a
// sandbox and in a child of a fork. (What pango and cairo do without this care is in
// docs/warming-up-real-libraries.md.) Other families are replaced by that of these which fontconfig
// finds nearest; characters that no font has are drawn as an empty box.
//
// Text is measured at one size and scaled: there are no hints, and a word has the same shape in
// every size. It is shaped by harfbuzz, in fonts of pango's, in runs of one font and one script,
// each from its own side; there is no reordering of words from right to left, since litehtml has
// none.
//
// Not for several threads at once.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_FONTS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_FONTS_H_

#include <cairo/cairo.h>
#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/paint/font_face.h"

namespace browser_host {

enum class FontWeight : uint8_t { kRegular, kBold };
enum class FontSlant : uint8_t { kUpright, kItalic };

// Sizes are in ems.
struct ShapedText {
  struct Run {
    size_t face = 0;
    std::vector<cairo_glyph_t> glyphs = {};  // from the text's left end, on its baseline
  };
  std::vector<Run> runs;
  double width = 0;
};

class Fonts {
 public:
  // Loads them at the first call, which takes milliseconds, opens files, and starts threads of
  // pango's that have ended when it returns. They live as long as the process: pango's and
  // fontconfig's own state, which they are, has no other end. NotFound: the machine has no font.
  static absl::StatusOr<Fonts*> OfThisProcess();

  ~Fonts();
  Fonts(const Fonts&) = delete;
  Fonts& operator=(const Fonts&) = delete;

  // `families`: as in CSS, well-formed UTF-8; of a longer list the first 256 bytes count.
  size_t FaceFor(std::string_view families, FontWeight weight, FontSlant slant) const;
  FaceMetrics MetricsOf(size_t face) const;

  // `utf8`: well-formed. Of a text of more than 4096 bytes the rest is left out: no word is as
  // long.
  ShapedText Shape(size_t face, std::string_view utf8) const;

  // With the source that `cairo` has.
  void Draw(cairo_t* cairo, const ShapedText& text, double size, double x, double baseline) const;

  size_t faces() const;

  // Measures how its faces for text shape plain words, so that Shape need not ask harfbuzz for
  // them: the same shapes, sooner (plain_shapes.h). Takes tens of milliseconds, the first time.
  void MeasurePlainShapes() const;

 private:
  struct State;
  explicit Fonts(std::unique_ptr<State> state);
  static absl::StatusOr<Fonts*> Load();

  std::unique_ptr<State> state_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_FONTS_H_
