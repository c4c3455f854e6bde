#include "examples/browser_host/plain_text_page.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/examples/paint/painted.h"

namespace browser_host {
namespace {

bool IsInk(uint32_t pixel) { return pixel != kWhite; }

TEST(PlainTextPage, HasNoTagsOfTheText) {
  const std::string page = PlainTextPage("<script>a && b</script>");
  EXPECT_NE(page.find("&lt;script>a &amp;&amp; b&lt;/script>"), std::string::npos);
  const Painted painted =
      Paint(PlainTextPage("<title>read</title><body style='background:#f00'>&lt;</pre><a href=x>"));
  ASSERT_TRUE(painted.status.ok()) << painted.status;
  EXPECT_EQ(painted.page->title(), "");
  EXPECT_TRUE(painted.page->links().empty());
  EXPECT_EQ(painted.At(0, 0), kWhite);
  EXPECT_GT(painted.Count({.x = 0, .y = 0, .width = 400, .height = painted.height}, IsInk), 100u);
}

TEST(PlainTextPage, KeepsLinesAndSpaces) {
  const auto height = [](const std::string& text) { return Paint(PlainTextPage(text)).height; };
  const int line = height("a\nb") - height("a");
  EXPECT_GT(line, 10);
  EXPECT_EQ(height("a\r\nb"), height("a\nb"));
  EXPECT_EQ(height("a\nb\n\n\nc"), height("a") + 4 * line);
  EXPECT_EQ(height("\na"), height("a") + line);
  EXPECT_EQ(height("\n\na"), height("a") + 2 * line);
  EXPECT_EQ(height("a\n"), height("a"));
  // Longer lines than the page is wide are folded.
  std::string words = "a";
  for (int i = 0; i < 100; ++i) words += " word";
  EXPECT_GT(height(words), height("a") + line);
  const auto left_end = [](const std::string& text) {
    const Painted page = Paint(PlainTextPage(text));
    int x = 0;
    while (x < page.width &&
           page.Count({.x = x, .y = 0, .width = 1, .height = page.height}, IsInk) == 0) {
      ++x;
    }
    return x;
  };
  EXPECT_EQ(left_end("    x") - left_end("  x"), left_end("  x") - left_end("x"));
  EXPECT_GT(left_end("  x"), left_end("x"));
  EXPECT_GT(left_end("\tx"), left_end("x"));
}

}  // namespace
}  // namespace browser_host
