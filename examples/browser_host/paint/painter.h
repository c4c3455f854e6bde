// One HTML page, parsed, laid out and painted with litehtml, cairo and pango.
//
//     auto page = PagePainter::Create({.html = bytes, .url = "https://a.test/"}, {.width = 800});
//     absl::Status laid_out = (*page)->Layout();
//     for (const NeededResource& needed : (*page)->TakeNeeded()) Fetch(needed);
//     ...
//     (*page)->SupplyStyleSheet(url, css);             // as answers come, if they come
//     (*page)->SupplyImage(url, std::move(pixels));    // decoded by somebody else
//     laid_out = (*page)->Layout();                    // with what there is; may need more
//     ...
//     std::vector<uint32_t> memory((*page)->pixel_width() * (*page)->pixel_height());
//     (*page)->PaintInto({memory.data(), ...});
//
// Opens nothing, sends nothing, starts nothing: whoever has it fetches and decodes. A page can be
// painted at any time after its first Layout; what has not come is a box without a picture, or a
// page without a style. Rounds end: a URL is needed once, and a page needs PaintBounds::resources
// at most.
//
// Frames (<iframe>) are boxes of their size that somebody else paints; frames() says where.
//
// Errors are those of pages that are beyond the bounds (paint_bounds.h), one line each: "page nests
// more than 400 elements". After an error of Layout or PaintInto the page is done for, and says so
// again. No page is meant to end the process. What a page may still take: `time` three times, by
// the defaults 30 s, or once where `since` is set, and what a library does between two looks at the
// clock; and memory: the largest of the pages that were tried, of 140,000 elements or a million
// words, took 630 MiB.
// Where malloc has none left, the process ends, as everywhere.
//
// What litehtml 0.6 cannot do, and nobody does for it, of what pages have:
//   - scripts, SVG, video; forms that are more than boxes with text: no marks in checkboxes, no
//     chosen option; <iframe srcdoc> is an empty box;
//   - flexible boxes, grids, columns, sticky boxes (they are relative ones), transforms, clip-path;
//   - gradients, opacity, shadows, outlines, filters, object-fit; web fonts, small capitals;
//   - calc(), counters, custom properties of elements that are not the root, or that are the root
//   by
//     a class; ::first-letter and ::first-line; @supports, @layer, nested rules, :is(), :where();
//   - colours other than names, #rgb and rgb() with commas: their declarations are left out, and an
//     alpha of #rrggbbaa;
//   - letter-spacing, word-spacing, `text-align: justify`, ellipses, breaks inside of long words;
//     right-to-left order and vertical writing; captions below tables;
//   - vertical-align of middle, top and bottom, of text (of images and inline blocks it can);
//   - half pixels: its lengths are whole ones; borders wider than their box (triangles);
//   - `overflow: auto` and `scroll` of boxes with a height: what is behind their edge is on the
//   page;
//   - <frameset>; of the old attributes align of headings and of tables, <center> around tables,
//     <body> and <font> with colours and faces, `type` of lists, sizes of <hr>.
// What is right of the page's width is cut, and cannot be scrolled to.
//
// Not for several threads at once, nor two painters in two threads: the fonts are the process's.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PAINTER_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PAINTER_H_

#include <litehtml/litehtml.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/paint/container.h"
#include "examples/browser_host/paint/fonts.h"
#include "examples/browser_host/paint/paint_bounds.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "examples/browser_host/paint/pixels.h"
#include "examples/browser_host/paint/resources.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {

struct PageSource {
  std::string_view html = {};  // any bytes; what is not UTF-8 is replaced
  std::string url = {};        // absolute, what the page's references are relative to
};

struct PaintOptions {
  int width = 800;           // of the window, in CSS pixels
  int height = 600;          // of the window: what `vh` and fixed boxes mean
  int most_height = 10'000;  // the page is cut there
  double scale = 1;          // pixels to the CSS pixel, 0.1 to 4
};

// In CSS pixels, from the page's top left corner. Boxes outside of the painted part are there too.
struct PageRect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  friend bool operator==(const PageRect&, const PageRect&) = default;
};

struct PageFrame {
  std::string url;  // absolute; empty: it has none
  PageRect rect;    // inside of its border
};

struct PageLink {
  std::string url;              // absolute
  std::vector<PageRect> rects;  // one for each line that it is on
};

class PagePainter {
 public:
  // InvalidArgument: the options are none ("paint width 0: not 1 to 10000"). NotFound: no fonts.
  // ResourceExhausted: the page is beyond `bounds`.
  static absl::StatusOr<std::unique_ptr<PagePainter>> Create(const PageSource& source,
                                                             const PaintOptions& options,
                                                             const PaintBounds& bounds = {});
  // The same of a page that is parsed already.
  static absl::StatusOr<std::unique_ptr<PagePainter>> Create(ParsedPage page, std::string url,
                                                             const PaintOptions& options,
                                                             const PaintBounds& bounds = {});
  ~PagePainter();
  PagePainter(const PagePainter&) = delete;
  PagePainter& operator=(const PagePainter&) = delete;

  // With what has been supplied. Only style sheets make it parse the page again.
  absl::Status Layout();

  // URLs that Layout found to be needed and that were not told yet.
  std::vector<NeededResource> TakeNeeded() { return resources_.TakeNeeded(); }
  // As Resources (resources.h). They change nothing until the next Layout; what fails, leaves the
  // page as it is.
  absl::Status SupplyStyleSheet(const std::string& url, std::string_view css);
  absl::Status SupplyImage(const std::string& url, Pixels pixels);

  // All of these since the last Layout.
  int pixel_width() const;
  int pixel_height() const;  // 1 at least
  const std::string& title() const { return container_.title(); }
  std::vector<PageFrame> frames() const;
  std::vector<PageLink> links() const;

  // The page's top left part, as far as the canvas goes; the rest of a larger one is white.
  absl::Status PaintInto(const Canvas& canvas);

 private:
  PagePainter(ParsedPage page, std::string url, const PaintOptions& options,
              const PaintBounds& bounds, Fonts& fonts);

  // Calls `work` with the clock running, and makes a Status of what it throws.
  template <typename Work>
  absl::Status Bounded(const Work& work);

  ParsedPage page_;
  const std::string url_;
  const PaintOptions options_;
  const PaintBounds bounds_;
  WorkBudget work_;
  Resources resources_;
  Container container_;
  litehtml::document::ptr document_;  // refers to what is above
  bool has_new_style_sheets_ = false;
  absl::Status refused_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PAINTER_H_
