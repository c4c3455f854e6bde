#include "examples/browser_host/paint/paint_bounds.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "tests/examples/paint/painted.h"

namespace browser_host {
namespace {

std::string Times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::string WhyNot(const std::string& html, const PaintBounds& bounds) {
  const Painted page = Paint(html, {}, bounds);
  EXPECT_TRUE(page.status.ok() || absl::IsResourceExhausted(page.status)) << page.status;
  return std::string(page.status.message());
}

TEST(PaintBounds, OfBytes) {
  EXPECT_EQ(WhyNot("<p>1234567", {.html_bytes = 10}), "");
  EXPECT_EQ(WhyNot("<p>12345678", {.html_bytes = 10}), "page is larger than 10 bytes");
  // Each is three bytes when it is replaced.
  EXPECT_EQ(WhyNot(std::string(9, '\xff'), {.html_bytes = 10}), "page is larger than 10 bytes");
}

// What is in it can be said of a page that cannot be painted, if it can be parsed.
TEST(PaintBounds, OfAPageThatIsOnlyRead) {
  const std::string html = "<title>Deep</title>" + Times(10'000, "<div>") + "<h2>down here</h2>";
  const absl::StatusOr<ParsedPage> page = ParsedPage::Parse(html, {});
  ASSERT_TRUE(page.ok()) << page.status();
  const PageSummary summary = SummarizePage(*page);
  EXPECT_EQ(summary.title, "Deep");
  EXPECT_EQ(summary.headings, std::vector<std::string>{"h2 down here"});
  EXPECT_EQ(page->Check({}).message(), "page nests more than 400 elements");
  EXPECT_EQ(page->Check({.html_bytes = 10}).message(), "page is larger than 10 bytes");
  EXPECT_EQ(ParsedPage::Parse(html, {.parse_bytes = 1 << 16}).status().message(),
            "page needs more than 65536 bytes to be parsed");
  EXPECT_EQ(ParsedPage::Parse(html, {.html_bytes = 10}).status().message(),
            "page is larger than 10 bytes");
}

TEST(PaintBounds, OfTheParsersMemory) {
  // Each paragraph opens all that is not closed again.
  std::string html = "<p>";
  for (int i = 0; i < 3000; ++i) html += "<b a" + std::to_string(i) + ">";
  html += Times(3000, "<p>x");
  EXPECT_EQ(WhyNot(html, {.parse_bytes = 64 * 1024 * 1024}),
            "page needs more than 67108864 bytes to be parsed");
}

TEST(PaintBounds, OfTheParsersTime) {
  EXPECT_EQ(WhyNot(Times(200'000, "<b><i>"), {.time = std::chrono::milliseconds(20)}),
            "page takes longer than 20 ms");
}

TEST(PaintBounds, OfDepth) {
  // Inside of <html> and <body>.
  EXPECT_EQ(WhyNot(Times(18, "<div>"), {.depth = 20}), "");
  EXPECT_EQ(WhyNot(Times(19, "<div>"), {.depth = 20}), "page nests more than 20 elements");
  EXPECT_EQ(WhyNot(Times(5000, "<div>"), {}), "page nests more than 400 elements");
  // gumbo looks at all that is open at each tag: its time is gone before.
  EXPECT_EQ(WhyNot(Times(100'000, "<div>"), {.time = std::chrono::milliseconds(100)}),
            "page takes longer than 100 ms");
}

TEST(PaintBounds, OfElements) {
  EXPECT_EQ(WhyNot(Times(97, "<br>"), {.elements = 100}), "");
  EXPECT_EQ(WhyNot(Times(98, "<br>"), {.elements = 100}), "page has more than 100 elements");
}

TEST(PaintBounds, OfWords) {
  EXPECT_EQ(WhyNot(Times(50, "a "), {.words = 100}), "");
  EXPECT_EQ(WhyNot(Times(51, "a "), {.words = 100}), "page has more than 100 words");
  EXPECT_EQ(WhyNot(Times(101, "\u4e00"), {.words = 100}), "page has more than 100 words");
}

TEST(PaintBounds, OfTableCells) {
  const std::string row = "<tr>" + Times(10, "<td>");
  EXPECT_EQ(WhyNot("<table>" + Times(10, row), {.table_cells = 100}), "");
  EXPECT_EQ(WhyNot("<table>" + Times(11, row), {.table_cells = 100}),
            "page has a table of more than 100 cells");
  EXPECT_EQ(WhyNot("<table><tr><td colspan=999999999>" + Times(1000, "<tr><td>"), {}),
            "page has a table of more than 200000 cells");
  // Made by style.
  EXPECT_EQ(WhyNot("<style>i { display: table } b { display: table-row } u { display: table-cell }"
                   "</style><i>" +
                       Times(11, "<b>" + Times(10, "<u></u>") + "</b>"),
                   {.table_cells = 100}),
            "page has a table of more than 100 cells");
}

TEST(PaintBounds, OfTime) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(WhyNot(Times(60, "<table><tr><td>") + "x", {.time = std::chrono::milliseconds(300)}),
            "page takes longer than 300 ms");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(PaintBounds, OfResources) {
  auto page = PagePainter::Create(
      {.html = "<img src=a><img src=b><img src=a><img src=c><img src=d>", .url = "https://a.test/"},
      {}, {.resources = 2});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE((*page)->Layout().ok());
  EXPECT_EQ((*page)->TakeNeeded().size(), 2u);
  ASSERT_TRUE((*page)->Layout().ok());
  EXPECT_TRUE((*page)->TakeNeeded().empty());
}

TEST(PaintBounds, OfWhatIsSupplied) {
  auto page = PagePainter::Create(
      {.html = "<link rel=stylesheet href=a><link rel=stylesheet href=b><img src=a><img src=b>",
       .url = "https://a.test/"},
      {}, {.css_bytes = 20, .image_pixels = 100});
  ASSERT_TRUE(page.ok()) << page.status();
  const std::string a = "https://a.test/a", b = "https://a.test/b";
  EXPECT_EQ((*page)->SupplyStyleSheet(a, "").message(),
            "no page needs style sheet https://a.test/a");
  ASSERT_TRUE((*page)->Layout().ok());
  EXPECT_TRUE((*page)->SupplyStyleSheet(a, "p { color: red }").ok());
  EXPECT_EQ((*page)->SupplyStyleSheet(b, "p { color: red }").message(),
            "style sheet https://a.test/b: more than 20 bytes with those before it");
  const auto image = [](int width, int height, size_t pixels) {
    return Pixels{.width = width, .height = height, .argb = std::vector<uint32_t>(pixels)};
  };
  EXPECT_EQ((*page)->SupplyImage("https://a.test/\n", image(1, 1, 1)).message(),
            "no page needs image https://a.test/\\x0a");
  EXPECT_EQ((*page)->SupplyImage(a, image(2, 3, 5)).message(),
            "image https://a.test/a: 2 by 3 in 5 pixels");
  EXPECT_FALSE((*page)->SupplyImage(a, image(0, 0, 0)).ok());
  EXPECT_FALSE((*page)->SupplyImage(a, image(-1, -1, 1)).ok());
  EXPECT_FALSE((*page)->SupplyImage(a, image(65536, 65536, 0)).ok());
  EXPECT_TRUE((*page)->SupplyImage(a, image(10, 9, 90)).ok());
  EXPECT_EQ((*page)->SupplyImage(b, image(10, 2, 20)).message(),
            "image https://a.test/b: more than 100 pixels with those before it");
  EXPECT_TRUE((*page)->Layout().ok());
}

TEST(PaintBounds, OfFonts) {
  std::string html;
  for (int i = 1; i < 100; ++i) {
    html += "<p style='margin: 0; font-size: " + std::to_string(i) + "px'>x";
  }
  const Painted all = Paint(html);
  const Painted few = Paint(html, {.width = 400}, {.fonts = 10});
  ASSERT_TRUE(few.status.ok()) << few.status;
  EXPECT_LT(few.height, all.height / 2);
}

TEST(PaintBounds, OfOptions) {
  const auto why = [](const PaintOptions& options) {
    return std::string(PagePainter::Create({}, options).status().message());
  };
  EXPECT_EQ(why({.width = 0}), "paint width 0: not 1 to 10000");
  EXPECT_EQ(why({.height = -1}), "paint height -1: not 1 to 10000");
  EXPECT_EQ(why({.most_height = 100'000}), "paint most height 100000: not 1 to 32000");
  EXPECT_EQ(why({.scale = 0}), "paint scale 0: not 0.1 to 4");
}

TEST(PaintBounds, LeaveAPageThatWasRefusedRefused) {
  auto page = PagePainter::Create({.html = Times(60, "<table><tr><td>"), .url = ""}, {},
                                  {.time = std::chrono::milliseconds(300)});
  ASSERT_TRUE(page.ok()) << page.status();
  const absl::Status refused = (*page)->Layout();
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ((*page)->Layout(), refused);
  (*page)->links();
  (*page)->frames();
  EXPECT_GE((*page)->pixel_height(), 1);
}

}  // namespace
}  // namespace browser_host
