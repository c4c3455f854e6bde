// What a page may cost the process that paints it. The defaults let most manuals through that
// Debian's packages install, but not those that have a whole one in one page (all.html of
// nodejs-doc, of 182,000 elements); a page beyond one of them is refused with an error that names
// it.
//
//     PaintBounds bounds;
//     bounds.elements = 100;       // "page has more than 100 elements"
//
// Why each is there:
//   html_bytes   gumbo needs up to a hundred times as much memory.
//   parse_bytes  of gumbo's tree at one time. A tag that is never closed (<b>, <font>) is opened
//                again in each paragraph after it: a few KiB of HTML can make gigabytes of tree.
//   depth        gumbo and litehtml recurse, by 800 bytes of stack an element: of a stack of 1 MiB
//                1300 nested <div> overflowed it, of 512 KiB 700. Deep ones take long besides: 2000
//                <div> 1.6 s.
//   elements     litehtml takes about 4 KiB for each.
//   words        each word and each space between words is an object of 330 bytes.
//   css_bytes    of all style sheets that are supplied; each element is held against each selector.
//   table_cells  of one table's grid, rows times columns: one row of 50,000 cells and 50,000 of one
//                cell are 2.5 billion.
//   resources    different URLs that one page may ask for. More are not asked for, which is no
//                error.
//   image_pixels of all images of a page together.
//   fonts        different fonts, sizes counted; what comes after has the page's default font.
//   time         of each of ParsedPage::Parse, Layout and PaintInto; or, where `since` says from
//                when on, of all of them together. A table in a table is laid out several times a
//                level, so twenty levels take for ever. litehtml is asked what it does often enough
//                that the limit holds within about a second. What takes less than it takes to look
//                at the clock once is done also when the time is over.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PAINT_BOUNDS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PAINT_BOUNDS_H_

#include <stddef.h>
#include <stdint.h>

#include <chrono>
#include <optional>

namespace browser_host {

struct PaintBounds {
  size_t html_bytes = 16 * 1024 * 1024;
  size_t parse_bytes = 512 * 1024 * 1024;
  size_t depth = 400;
  size_t elements = 150'000;
  size_t words = 2'000'000;
  size_t css_bytes = 4 * 1024 * 1024;
  size_t table_cells = 200'000;
  size_t resources = 1000;
  uint64_t image_pixels = 64 * 1024 * 1024;
  size_t fonts = 500;
  std::chrono::milliseconds time = std::chrono::seconds(10);
  std::optional<std::chrono::steady_clock::time_point> since = {};
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PAINT_BOUNDS_H_
