// A page as gumbo has parsed it, once, for whoever wants to know what is in it: what it says
// (page_summary.h), and whether it may be given to litehtml.
//
//     absl::StatusOr<ParsedPage> page = ParsedPage::Parse(bytes, bounds);
//     // RESOURCE_EXHAUSTED: "page needs more than 536870912 bytes to be parsed"
//     PageSummary summary = SummarizePage(*page);
//     absl::Status checked = page->Check(bounds);
//     // RESOURCE_EXHAUSTED: "page nests more than 400 elements"
//     LentTree lent(*page);                                // and litehtml lays out that same tree
//
// gumbo and litehtml know no bounds: they recurse as deep as a page nests, and take the memory that
// its tree needs. So the page is parsed in memory that is counted and given back at once, and its
// tree is walked without recursion.
//
// Ownership: move-only. Threads: one at a time.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PARSED_PAGE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PARSED_PAGE_H_

#include <gumbo.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/paint/paint_bounds.h"

namespace browser_host {

class ParsedPage {
 public:
  // Any bytes; what is not UTF-8 is replaced (well_formed.h). Of `bounds` html_bytes, as they come,
  // parse_bytes and time.
  static absl::StatusOr<ParsedPage> Parse(std::string_view bytes, const PaintBounds& bounds);
  ParsedPage(ParsedPage&&) noexcept;
  ParsedPage& operator=(ParsedPage&&) noexcept;
  ~ParsedPage();

  const GumboNode& document() const;

  // Whether litehtml may have it: html_bytes of the text, elements, depth, words.
  absl::Status Check(const PaintBounds& bounds) const;

  // For litehtml (lent_tree.h): what was parsed, and what came of it.
  const std::string& html() const;
  GumboOutput& output();
  // Its memory is free again. From here on there is its text only.
  void DropTree();

 private:
  struct Tree;
  explicit ParsedPage(std::unique_ptr<Tree> tree);

  std::unique_ptr<Tree> tree_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PARSED_PAGE_H_
