#include "examples/browser_host/paint/warm_up.h"

#include <stdint.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/paint/fonts.h"
#include "examples/browser_host/paint/master_style.h"
#include "examples/browser_host/paint/painter.h"

namespace browser_host {
namespace {

// One of everything that takes time at its first time.
constexpr char kPage[] = R"html(<!DOCTYPE html><html><head><title>Warm</title><style>
p { color: #333; border: 1px dashed red; border-radius: 4px }
@media (min-width: 10px) { .a > b:first-child, #c ~ p { margin: 0 auto } }
</style></head><body><h1>Heading <i>one</i></h1><p class="a"><b>Bold</b> and <i>italic</i>, <u>line</u>,
<code>code <b>bold</b> <i>italic</i></code> and <a href="x">link</a></p><ul><li>one<ul><li>two</ul></ul>
<ol><li>first</ol><table border=1 style="border-collapse: collapse"><tr><th>A<td>B</table>
<div style="float: left; overflow: hidden; background: #eee">float</div><iframe src="f"></iframe>
<p style="font: bold 12px 'DejaVu Sans', Arial, sans-serif">&eacute;&alpha;&#1078;</p><hr></body></html>)html";

// What pages ask for most, beside what they have when they ask for nothing.
constexpr const char* kFamilies[] = {
    "sans-serif", "serif",   "monospace", "system-ui",       "Arial",   "Helvetica",  "Verdana",
    "Tahoma",     "Georgia", "Times",     "Times New Roman", "Courier", "Courier New"};

// The sizes of text and of headings, in the master style sheet.
constexpr double kSizes[] = {13, 16};
constexpr double kHeadingSizes[] = {18, 24, 32};

// With the ligatures that fonts have for Latin.
constexpr char kLetters[] =
    " fi fl ff ffi ffl "
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?-()[]{}<>/\\\"'"
    "#$%&*+=@^_`|~\u00a0\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026";

// Shapes, and has cairo make pictures of, what most pages are written with.
void DrawLetters(const Fonts& fonts) {
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, 64, 64);
  cairo_t* cairo = cairo_create(surface);
  cairo_set_source_rgb(cairo, 0, 0, 0);
  for (size_t face = 0; face < fonts.faces(); ++face) {
    const ShapedText text = fonts.Shape(face, kLetters);
    for (const double size : kSizes) fonts.Draw(cairo, text, size, 0, 20);
  }
  for (const char* family : {"sans-serif", "serif"}) {
    const size_t face = fonts.FaceFor(family, FontWeight::kBold, FontSlant::kUpright);
    const ShapedText text = fonts.Shape(face, kLetters);
    for (const double size : kHeadingSizes) fonts.Draw(cairo, text, size, 0, 40);
  }
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
}

}  // namespace

absl::Status WarmUpPainter() {
  // Before the heap has holes: each page has all of its selectors looked at, which are in a few
  // pages of memory so.
  MasterStyle();
  const absl::StatusOr<Fonts*> fonts = Fonts::OfThisProcess();
  if (!fonts.ok()) return fonts.status();
  for (const char* family : kFamilies) {
    (*fonts)->FaceFor(family, FontWeight::kRegular, FontSlant::kUpright);
  }
  (*fonts)->MeasurePlainShapes();
  DrawLetters(**fonts);
  absl::StatusOr<std::unique_ptr<PagePainter>> page =
      PagePainter::Create({.html = kPage, .url = "about:warm"}, {.width = 320});
  if (!page.ok()) return page.status();
  if (absl::Status laid_out = (*page)->Layout(); !laid_out.ok()) return laid_out;
  const int width = (*page)->pixel_width(), height = (*page)->pixel_height();
  std::vector<uint32_t> memory(static_cast<size_t>(width) * height);
  return (*page)->PaintInto({.argb = memory.data(),
                             .width = width,
                             .height = height,
                             .stride = static_cast<size_t>(width) * 4});
}

}  // namespace browser_host
