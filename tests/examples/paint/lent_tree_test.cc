// litehtml gets the tree that a page was checked on, and nobody else does.
#include "examples/browser_host/paint/lent_tree.h"

#include <gtest/gtest.h>
#include <gumbo.h>

#include <string>

#include "absl/status/statusor.h"
#include "examples/browser_host/paint/painter.h"
#include "tests/examples/paint/painted.h"

namespace browser_host {
namespace {

TEST(LentTree, IsWhatGumboSaysOfThatText) {
  absl::StatusOr<ParsedPage> page = ParsedPage::Parse("<p>text", {});
  ASSERT_TRUE(page.ok()) << page.status();
  const std::string same = page->html();
  {
    const LentTree lent(*page);
    GumboOutput* const output = gumbo_parse(page->html().c_str());
    EXPECT_EQ(output, &page->output());
    gumbo_destroy_output(&kGumboDefaultOptions, output);
    // It is there still.
    EXPECT_EQ(page->document().type, GUMBO_NODE_DOCUMENT);
    GumboOutput* const another = gumbo_parse(same.c_str());
    EXPECT_NE(another, &page->output());
    gumbo_destroy_output(&kGumboDefaultOptions, another);
  }
  GumboOutput* const own = gumbo_parse(page->html().c_str());
  EXPECT_NE(own, &page->output());
  gumbo_destroy_output(&kGumboDefaultOptions, own);
}

// litehtml cuts their names out of the tree: what was cut once is no tag (gumbo asserts that).
TEST(LentTree, IsAnotherOneWhenAStyleSheetHasThePageLaidOutAgain) {
  const std::string html = "<link rel=stylesheet href=s.css><x-box>box</x-box><unknown>text";
  const Painted page =
      Paint(html, {.width = 400}, {}, [](PagePainter& painter, const NeededResource& needed) {
        const absl::Status supplied =
            painter.SupplyStyleSheet(needed.url, "x-box { display: block; background: red }");
        EXPECT_TRUE(supplied.ok()) << supplied;
      });
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.At(390, 12), 0xffff0000u);
}

}  // namespace
}  // namespace browser_host
