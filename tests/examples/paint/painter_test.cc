#include "examples/browser_host/paint/painter.h"

#include <gtest/gtest.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/examples/paint/painted.h"

namespace browser_host {
namespace {

constexpr uint32_t kRed = 0xffff0000;
constexpr uint32_t kBlue = 0xff0000ff;
constexpr uint32_t kLime = 0xff00ff00;

bool IsDark(uint32_t pixel) {
  return ((pixel >> 16) & 0xff) < 100 && ((pixel >> 8) & 0xff) < 100 && (pixel & 0xff) < 100;
}

// A page without margins, so that a box is where its numbers say.
std::string Page(const std::string& css, const std::string& body) {
  return "<!DOCTYPE html><style>body { margin: 0 } " + css + "</style><body>" + body;
}

Pixels Square(int size, uint32_t argb) {
  return {
      .width = size,
      .height = size,
      .argb = std::vector<uint32_t>(static_cast<size_t>(size) * static_cast<size_t>(size), argb)};
}

TEST(Painter, FillsABoxAndNothingBesideIt) {
  const Painted page =
      Paint(Page("div { width: 50px; height: 30px; margin: 10px 0 0 20px;"
                 "background: red } ",
                 "<div></div><p>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.width, 400);
  const auto is_red = [](uint32_t pixel) { return pixel == kRed; };
  EXPECT_EQ(page.Count({.x = 20, .y = 10, .width = 50, .height = 30}, is_red), 50u * 30);
  EXPECT_EQ(page.Count({.x = 0, .y = 0, .width = 400, .height = page.height}, is_red), 50u * 30);
  EXPECT_EQ(page.At(19, 10), kWhite);
  EXPECT_EQ(page.At(70, 39), kWhite);
}

TEST(Painter, PaintsAtItsScale) {
  const Painted page = Paint(Page("div { width: 50px; height: 30px; background: red }", "<div>"),
                             {.width = 400, .scale = 2});
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.width, 800);
  EXPECT_EQ(page.height, 60);
  EXPECT_EQ(page.At(99, 59), kRed);
  EXPECT_EQ(page.At(100, 59), kWhite);
}

TEST(Painter, CutsAPageAtItsMostHeight) {
  const Painted page =
      Paint(Page("div { height: 100000px }", "<div>"), {.width = 100, .most_height = 300});
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.height, 300);
}

TEST(Painter, MakesTextDarkWithinItsLine) {
  const Painted page =
      Paint(Page("p { margin: 20px 0 0 0; font: 20px sans-serif; line-height: 30px }",
                 "<p>Hamburg</p><p id=x></p>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_GT(page.Count({.x = 0, .y = 20, .width = 100, .height = 30}, IsDark), 100u);
  EXPECT_EQ(page.Count({.x = 0, .y = 0, .width = 400, .height = 20}, IsDark), 0u);
  EXPECT_EQ(page.Count({.x = 0, .y = 50, .width = 400, .height = page.height - 50}, IsDark), 0u);
  EXPECT_EQ(page.Count({.x = 150, .y = 0, .width = 250, .height = page.height}, IsDark), 0u);
}

TEST(Painter, HasFontsOfEachKindAndDecorations) {
  const auto ink = [](const std::string& css) {
    const Painted page = Paint(Page("p { margin: 0; font-size: 40px; " + css + " }", "<p>illi"));
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.Count({.x = 0, .y = 0, .width = 400, .height = page.height}, IsDark);
  };
  const size_t regular = ink("font-family: sans-serif");
  EXPECT_GT(ink("font-family: sans-serif; font-weight: bold"), regular * 5 / 4);
  EXPECT_GT(ink("font-family: serif"), regular);
  EXPECT_GT(ink("font-family: monospace"), regular);
  EXPECT_GT(ink("font-family: sans-serif; text-decoration: underline"), regular);
  EXPECT_GT(ink("font-family: sans-serif; text-decoration: line-through"), regular);
  EXPECT_GT(ink("font-family: sans-serif; text-transform: uppercase"), regular);
  // Nobody has it: fontconfig's nearest.
  EXPECT_EQ(ink("font-family: 'No Such Font', sans-serif"), regular);
}

TEST(Painter, LeansItalics) {
  for (const char* family : {"sans-serif", "serif", "monospace"}) {
    const auto letter = [&](const std::string& style) {
      return Paint(Page("p { margin: 0 9px; font-size: 80px; font-family: " + std::string(family) +
                            "; font-style: " + style + " }",
                        "<p>l"))
          .pixels;
    };
    EXPECT_NE(letter("italic"), letter("normal")) << family;
  }
}

TEST(Painter, WidthOfTextGrowsWithItsFont) {
  const auto right_end = [](int size) {
    const Painted page =
        Paint(Page("p { margin: 0; font: " + std::to_string(size) + "px serif }", "<p>wwwwwwwwww"));
    int last = 0;
    for (int x = 0; x < page.width; ++x) {
      if (page.Count({.x = x, .y = 0, .width = 1, .height = page.height}, IsDark) > 0) last = x;
    }
    return last;
  };
  EXPECT_NEAR(right_end(40), 2 * right_end(20), 3);
}

TEST(Painter, DrawsBordersOfEachStyle) {
  const auto painted = [](const std::string& style) {
    return Paint(
        Page("div { width: 60px; height: 60px; border: 12px " + style + " blue }", "<div>"));
  };
  const Painted solid = painted("solid");
  EXPECT_EQ(solid.At(0, 0), kBlue);
  EXPECT_EQ(solid.At(11, 40), kBlue);
  EXPECT_EQ(solid.At(12, 40), kWhite);
  EXPECT_EQ(solid.At(83, 83), kBlue);
  EXPECT_EQ(solid.At(84, 83), kWhite);
  const Painted twice = painted("double");
  EXPECT_EQ(twice.At(1, 40), kBlue);
  EXPECT_EQ(twice.At(6, 40), kWhite);
  EXPECT_EQ(twice.At(10, 40), kBlue);
  const auto is_blue = [](uint32_t pixel) { return pixel == kBlue; };
  const PageRect all = {.x = 0, .y = 0, .width = 84, .height = 84};
  const size_t whole = solid.Count(all, is_blue);
  for (const char* style : {"dashed", "dotted"}) {
    const size_t part = painted(style).Count(all, is_blue);
    EXPECT_GT(part, whole / 5) << style;
    EXPECT_LT(part, whole * 4 / 5) << style;
  }
  EXPECT_EQ(painted("none").Count(all, is_blue), 0u);
  EXPECT_NE(painted("groove").At(1, 40), painted("ridge").At(1, 40));
}

TEST(Painter, RoundsCorners) {
  const Painted page = Paint(
      Page("div { width: 60px; height: 60px; background: red; border-radius: 30px }", "<div>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.At(2, 2), kWhite);
  EXPECT_EQ(page.At(57, 57), kWhite);
  EXPECT_EQ(page.At(30, 1), kRed);
  EXPECT_EQ(page.At(30, 30), kRed);
}

TEST(Painter, HeadsAndFeetOfTablesAreRowsLikeOthers) {
  const auto table = [](const std::string& head, const std::string& body, const std::string& foot) {
    return Paint(Page("", "<table>" + head + "<tr><th>A<th>B" + body + "<tr><td>1<td>2" + foot +
                              "<tr><td>3<td>4</table>"));
  };
  const Painted plain = table("", "", "");
  const Painted grouped = table("<thead>", "<tbody>", "<tfoot>");
  EXPECT_EQ(grouped.height, plain.height);
  EXPECT_EQ(grouped.pixels, plain.pixels);
}

TEST(Painter, ClipsWhatOverflows) {
  const Painted page =
      Paint(Page("#o { width: 40px; height: 40px; overflow: hidden }"
                 "#i { width: 90px; height: 90px; background: red }",
                 "<div id=o><div id=i></div></div><div style='height: 90px'>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.At(39, 39), kRed);
  EXPECT_EQ(page.At(40, 39), kWhite);
  EXPECT_EQ(page.At(39, 40), kWhite);
}

TEST(Painter, MarksListItems) {
  for (const char* type : {"disc", "circle", "square", "decimal", "upper-roman", "lower-alpha"}) {
    const Painted page = Paint(
        Page(std::string("ul { margin: 0; padding-left: 40px; list-style-type: ") + type + " }",
             "<ul><li></ul><ul><li>x</ul>"));
    ASSERT_TRUE(page.status.ok()) << page.status;
    EXPECT_GT(page.Count({.x = 0, .y = 0, .width = 40, .height = page.height}, IsDark), 3u) << type;
  }
  const Painted none = Paint(Page("ul { margin: 0; list-style-type: none }", "<ul><li>x</ul>"));
  EXPECT_EQ(none.Count({.x = 0, .y = 0, .width = 39, .height = none.height}, IsDark), 0u);
}

// What is in the column of a list's markers.
std::vector<uint32_t> Markers(const std::string& list) {
  const Painted page = Paint(Page("ol { margin: 0; padding-left: 90px }", list));
  EXPECT_TRUE(page.status.ok()) << page.status;
  std::vector<uint32_t> markers;
  for (int y = 0; y < page.height; ++y) {
    for (int x = 0; x < 90; ++x) markers.push_back(page.At(x, y));
  }
  return markers;
}

TEST(Painter, HasNoBoxForWhatIsHiddenNorForWhatIsInIt) {
  const Painted page = Paint(
      Page(".x { display: none } p { margin: 0 }",
           "<div class=x><p style='display: block; height: 500px; background: red'>a<table><tr>"
           "<td>b</table><img src=i.png></div><p>c"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_LT(page.height, 40);
  EXPECT_EQ(page.page->TakeNeeded(), std::vector<NeededResource>());
}

TEST(Painter, ShowsWhatIsHiddenByAStyleSheetAndShownByItsOwnStyle) {
  const Painted page = Paint(
      Page(".x { display: none; height: 70px; background: red }",
           "<div class=x style='display: block'></div><div class=x style='width: 3px'></div>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.height, 70);
  EXPECT_EQ(page.At(5, 5), kRed);
}

TEST(Painter, NumbersListItems) {
  EXPECT_EQ(Markers("<ol start=7><li>x<li>x</ol>"), Markers("<ol><li value=7>x<li value=8>x</ol>"));
  EXPECT_NE(Markers("<ol start=7><li>x<li>x</ol>"), Markers("<ol start=8><li>x<li>x</ol>"));
  // A number goes on from the one before, past what is no item, and is not of lists inside.
  EXPECT_EQ(Markers("<ol><li value=3>x<div></div><li>x</ol>"),
            Markers("<ol><li value=3>x<div></div><li value=4>x</ol>"));
  EXPECT_EQ(Markers("<ol><li>x<ol type=none start=9 style='list-style: none'><li>y</ol><li>x</ol>"),
            Markers("<ol><li>x<ol style='list-style: none'><li>y</ol><li value=2>x</ol>"));
  EXPECT_EQ(Markers("<ol start=x><li value=y>x</ol>"), Markers("<ol><li>x</ol>"));
  EXPECT_NE(Markers("<ol start=2147483647><li>x<li>x</ol>"), Markers("<ol><li>x<li>x</ol>"));
}

TEST(Painter, NumbersInDigitsWhatHasNoLetters) {
  const std::string roman = "style='list-style-type: lower-roman'";
  const std::string letters = "style='list-style-type: lower-alpha'";
  EXPECT_NE(Markers("<ol start=3999 " + roman + "><li>x</ol>"),
            Markers("<ol start=3999><li>x</ol>"));
  EXPECT_EQ(Markers("<ol start=4000 " + roman + "><li>x</ol>"),
            Markers("<ol start=4000><li>x</ol>"));
  EXPECT_EQ(Markers("<ol start=2000000000 " + roman + "><li>x</ol>"),
            Markers("<ol start=2000000000><li>x</ol>"));
  EXPECT_EQ(Markers("<ol start=0 " + letters + "><li>x</ol>"), Markers("<ol start=0><li>x</ol>"));
  EXPECT_EQ(Markers("<ol start=-3 " + letters + "><li>x</ol>"), Markers("<ol start=-3><li>x</ol>"));
}

// How many pixels high a page is whose lines are 20.
int HeightOf(const std::string& body, const std::string& css = "") {
  const Painted page =
      Paint(Page("body { font: 16px sans-serif; line-height: 20px } " + css, body));
  EXPECT_TRUE(page.status.ok()) << page.status;
  return page.height;
}

TEST(Painter, BreaksLines) {
  EXPECT_EQ(HeightOf("one two"), 20);
  EXPECT_EQ(HeightOf("one<br>two"), 40);
  EXPECT_EQ(HeightOf("one<br><br>\n<br>two"), 80);
  EXPECT_EQ(HeightOf("<b>one<br>two</b>"), 40);
  // A break at the end ends the last line, and none that was not begun is lost.
  EXPECT_EQ(HeightOf("<div>one<br></div>"), 20);
  EXPECT_EQ(HeightOf("<div>one<br><br></div>"), 40);
  EXPECT_EQ(HeightOf("<div><br></div>"), 20);
  EXPECT_EQ(HeightOf("\n<br>two"), 40);
  EXPECT_EQ(HeightOf("<div>one</div><br>two"), 60);
  EXPECT_EQ(HeightOf("one<br>\n<div>two</div>"), 40);
  EXPECT_EQ(HeightOf("one<br><br><div>two</div>"), 60);
  EXPECT_EQ(HeightOf("<div>one</div><br><div>two</div>"), 60);
  const std::string bare = "table { border-spacing: 0 } td { padding: 0 }";
  EXPECT_EQ(HeightOf("<table><tr><td>one<br>two<td>three</table>", bare), 40);
  EXPECT_EQ(HeightOf("<table><tr><td>one<br><br>two<br><td>three</table>", bare), 60);
}

TEST(Painter, BreaksClearFloats) {
  const std::string css = "i { float: left; width: 50px; height: 70px }";
  EXPECT_EQ(HeightOf("<i></i>one<br>two<br>three<br>four", css), 80);
  for (const char* clearing : {"<br clear=all>", "<br clear=LEFT>", "<br style='clear: both'>"}) {
    EXPECT_EQ(HeightOf(std::string("<i></i>one") + clearing + "two", css), 90) << clearing;
    EXPECT_EQ(HeightOf(std::string("<i></i>one") + clearing + "<div>two</div>", css), 90)
        << clearing;
    EXPECT_EQ(HeightOf(std::string("<i></i>") + clearing + "two", css), 90) << clearing;
  }
  EXPECT_EQ(HeightOf("<i></i>one<br clear=right>two<br>three<br>four", css), 80);
  EXPECT_EQ(HeightOf("one<br clear=all>two", css), 40);
}

TEST(Painter, PadsALinkOnceWhateverIsInIt) {
  const auto width = [](const std::string& padding, const std::string& inside) {
    const Painted page = Paint(Page("a { text-decoration: none; color: black; " + padding + " }",
                                    "<p>x <a href=y>" + inside + "</a> <b>z</b>"));
    EXPECT_TRUE(page.status.ok()) << page.status;
    int last = 0;
    for (int x = 0; x < page.width; ++x) {
      if (page.Count({.x = x, .y = 0, .width = 1, .height = page.height}, IsDark) > 0) last = x;
    }
    return last;
  };
  for (const char* inside : {"one two three", "<b>one two three</b>", "<b>one <i>two</i> three</b>",
                             "one <b>two three</b>", "<b>one two</b> three <b>four five</b>"}) {
    EXPECT_EQ(width("padding: 0 10px", inside), width("", inside) + 20) << inside;
    EXPECT_EQ(width("margin: 0 10px 0 5px", inside), width("", inside) + 15) << inside;
  }
}

// The rows in which something red is; of a page whose red things are letters or boxes.
PageRect RedRows(const std::string& body) {
  const Painted page =
      Paint(Page("body { font: 30px sans-serif; line-height: 80px } sup, sub, .r { color: red }"
                 "i { display: inline-block; width: 10px; height: 10px; background: red }",
                 "<div>" + body + "</div>"));
  EXPECT_TRUE(page.status.ok()) << page.status;
  PageRect rows = {.y = -1};
  for (int y = 0; y < page.height; ++y) {
    const size_t red = page.Count({.x = 0, .y = y, .width = 400, .height = 1}, [](uint32_t pixel) {
      return ((pixel >> 16) & 0xff) > ((pixel >> 8) & 0xff) + 60;
    });
    if (red > 0 && rows.y < 0) rows.y = y;
    if (red > 0) rows.height = y + 1 - rows.y;
  }
  return rows;
}

TEST(Painter, RaisesAndLowersText) {
  const int base = RedRows("x<span class=r style='font-size: 25px'>2</span>").y;
  // A third of the 30 pixels of the font around it, and a pixel; a fifth, and a pixel.
  const PageRect super = RedRows("x<sup style='font-size: 25px; line-height: 1'>2</sup>");
  const PageRect sub = RedRows("x<sub style='font-size: 25px; line-height: 1'>2</sub>");
  EXPECT_EQ(base - super.y, 11);
  EXPECT_EQ(sub.y - base, 7);
  const std::string style = "<span class=r style='font-size: 25px; line-height: 1; vertical-align:";
  EXPECT_EQ(RedRows("x" + style + "super'>2</span>"), super);
  EXPECT_EQ(RedRows("x" + style + "sub'>2</span>"), sub);
  EXPECT_EQ(RedRows("x" + style + "11px'>2</span>"), super);
  EXPECT_EQ(RedRows("x" + style + "-7px'>2</span>"), sub);
  EXPECT_EQ(RedRows("x" + style + "0.44em'><b>2</b></span>").y, super.y);
}

TEST(Painter, RaisesWhatIsInATallLine) {
  const std::string tall = "x<img src=none width=10 height=100>";
  const std::string box = "<i style='vertical-align: ";
  const int base = RedRows(tall + "<i></i>").y;
  EXPECT_EQ(RedRows(tall + box + "super'></i>").y, base - 11);
  EXPECT_EQ(RedRows(tall + box + "sub'></i>").y, base + 7);
  EXPECT_EQ(RedRows(tall + box + "50%'></i>").y, base - 40);
  EXPECT_EQ(RedRows(tall + "<b style='vertical-align: super'><i></i></b>").y, base - 11);
  // Not inherited, by boxes in a cell neither.
  const std::string cell = "<table><tr><td style='vertical-align: ";
  EXPECT_EQ(RedRows(cell + "middle'>" + tall + "<i></i></table>"),
            RedRows(cell + "baseline'>" + tall + "<i></i></table>"));
}

TEST(Painter, ShowsContentBeforeAndAfter) {
  const auto picture = [](const std::string& css, const std::string& body) {
    const Painted page = Paint(Page("p { margin: 0 } i { font-style: normal }" + css, body));
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.pixels;
  };
  const auto plain = [&](const std::string& text) { return picture("", "<p>" + text + "</p>"); };
  EXPECT_EQ(picture("p:before { content: 'x' }", "<p>a</p>"), plain("<i>x</i>a"));
  EXPECT_EQ(picture("p:before { content: '\\2014' }", "<p>a</p>"), plain("<i>\u2014</i>a"));
  EXPECT_EQ(picture("p:after { content: \"\\201c\\\"}!\" }", "<p>a</p>"),
            plain("a<i>\u201c&quot;}!</i>"));
  EXPECT_EQ(picture("p:after { content: ' (' attr(title) ')' }", "<p title='b c'>a</p>"),
            plain("a<i> (</i><i>b c</i><i>)</i>"));
  EXPECT_EQ(picture("p:before { content: 'x' } p.n:before { content: none }", "<p class=n>a</p>"),
            plain("a"));
  EXPECT_EQ(picture("p:after { content: 'x' } p.n:after { content: '' }", "<p class=n>a</p>"),
            plain("a"));
  EXPECT_NE(plain("<i>x</i>a"), plain("a"));
}

TEST(Painter, MarksQuotations) {
  const auto picture = [](const std::string& body, const std::string& css = "") {
    const Painted page = Paint(Page("p { margin: 0 }" + css, "<p>" + body));
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.pixels;
  };
  EXPECT_EQ(picture("<q>a <q>b</q> <q>c</q></q>"),
            picture("<b style='font-weight: normal'>\u201c</b>a "
                    "<span>\u2018</span>b<span>\u2019</span> "
                    "<span>\u2018</span>c<span>\u2019</span><span>\u201d</span>"));
  EXPECT_EQ(picture("<q>a</q>", "q:before, q:after { content: '|' }"),
            picture("<span>|</span>a<span>|</span>"));
  EXPECT_EQ(picture("<q>a</q>", "q:before, q:after { content: none }"), picture("a"));
}

bool IsGrey(uint32_t pixel) {
  const uint32_t red = (pixel >> 16) & 0xff;
  return red > 40 && red < 255 && red == ((pixel >> 8) & 0xff) && red == (pixel & 0xff);
}

TEST(Painter, DrawsBordersOfTablesAndTheirCells) {
  const auto grey = [](const std::string& table, const std::string& css = "") {
    const Painted page = Paint(Page(
        "table { border-spacing: 2px; } td { padding: 0 } div { height: 20px; width: 20px }" + css,
        table));
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.Count({.x = 0, .y = 0, .width = 400, .height = page.height}, IsGrey);
  };
  const std::string cells = "><tr><td><div></div><td><div></div></table>";
  // 1 pixel around 50 by 26, and around two cells of 20 by 20.
  const size_t table = 2 * (52 + 28) - 4, cell = 2 * (22 + 22) - 4;
  EXPECT_EQ(grey("<table" + cells), 0u);
  EXPECT_EQ(grey("<table border=0" + cells), 0u);
  EXPECT_EQ(grey("<table border=1" + cells), table + 2 * cell);
  EXPECT_EQ(grey("<table border" + cells), table + 2 * cell);
  EXPECT_EQ(grey("<table border=1" + cells + "<table" + cells), table + 2 * cell);
  EXPECT_GT(grey("<table border=3" + cells), table + 2 * cell + 2 * table);
  EXPECT_EQ(grey("<table border=1" + cells, "table { border: none }"), 2 * cell);
  EXPECT_EQ(grey("<table border=1" + cells, "td { border: 0 }"), 2u * (48 + 26) - 4);
  // A table in a cell has none for it.
  EXPECT_EQ(grey("<table border=1><tr><td><table" + cells + "</table>"),
            grey("<table border=1><tr>"
                 "<td><div style='width: 46px; height: 24px'></div></table>"));
}

TEST(Painter, PadsCellsAsTheirTableSays) {
  const std::string cells = "<tr><td style='width: 30px; height: 20px'></table>";
  EXPECT_EQ(HeightOf("<table cellspacing=0 cellpadding=7>" + cells), 34);
  EXPECT_EQ(HeightOf("<table cellspacing=0>" + cells), 22);
  EXPECT_EQ(HeightOf("<table cellspacing=0 cellpadding=7>" + cells, "td { padding: 0 }"), 20);
}

TEST(Painter, ShowsWhatIsInFields) {
  const auto ink = [](const std::string& attributes) {
    const Painted page = Paint(
        Page("input { border: 0; background: white; color: black }", "<input " + attributes + ">"));
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.Count({.x = 0, .y = 0, .width = 400, .height = page.height}, IsDark);
  };
  EXPECT_EQ(ink("size=3"), 0u);
  EXPECT_GT(ink("value=hi"), 10u);
  EXPECT_GT(ink("type=Submit value=Go"), 10u);
  EXPECT_GT(ink("type=submit"), ink("type=submit value=Go"));
  EXPECT_GT(ink("placeholder=hi"), 10u);
  EXPECT_EQ(ink("value=hi placeholder=other"), ink("value=hi"));
  EXPECT_GT(ink("type=password value=abc"), 10u);
  EXPECT_EQ(ink("type=password value=abc"), ink("type=password value=xyz"));
  EXPECT_EQ(ink("type=hidden value=hi"), 0u);
  EXPECT_EQ(ink("type=checkbox value=hi"), 0u);
  // What is longer than a field is cut, and a button is as wide as its label.
  const std::string text(500, 'w');
  const auto right_end = [](const std::string& attributes) {
    const Painted page = Paint(Page("input { width: 100px }", "<input " + attributes + ">"));
    int last = 0;
    for (int x = 0; x < page.width; ++x) {
      if (page.Count({.x = x, .y = 0, .width = 1, .height = page.height}, IsDark) > 0) last = x;
    }
    return last;
  };
  EXPECT_LT(right_end("value=" + text), 110);
}

TEST(Painter, HidesWhatIsInClosedDetails) {
  const std::string inside = "<summary>one</summary>two<p>three</p><summary>four</summary>";
  const std::string css = "p { margin: 0 }";
  EXPECT_EQ(HeightOf("<details>" + inside + "</details>", css), 20);
  EXPECT_EQ(HeightOf("<details open>" + inside + "</details>", css), 80);
  EXPECT_EQ(HeightOf("<details><style>div { height: 70px }</style></details><div></div>"), 70);
  const Painted page = Paint(Page("", "<details><a href=x>y</a><iframe src=z></iframe>"));
  EXPECT_TRUE(page.page->links().empty());
  EXPECT_TRUE(page.page->frames().empty());
}

TEST(Painter, ShowsWhatStandsForAnImage) {
  const auto painted = [](const std::string& image, bool is_there) {
    return Paint(Page("body { font: 16px sans-serif; line-height: 20px }", image), {.width = 400},
                 {}, [&](PagePainter& one, const NeededResource& needed) {
                   if (!is_there) return;
                   EXPECT_TRUE(one.SupplyImage(needed.url, Square(10, kLime)).ok());
                 });
  };
  const auto ink = [](const Painted& page) {
    return page.Count({.x = 0, .y = 0, .width = 400, .height = page.height}, IsDark);
  };
  // As text of its line.
  EXPECT_EQ(painted("a <img src=i alt=word> b", false).pixels,
            painted("a <span>word</span> b", false).pixels);
  EXPECT_EQ(ink(painted("a <img src=i alt=word> b", true)), ink(painted("a <img src=i> b", true)));
  EXPECT_EQ(ink(painted("<img src=i alt=''>", false)), 0u);
  EXPECT_GT(ink(painted("<img alt=word>", false)), 10u);
  // In its box, and not beside.
  const Painted box =
      painted("<img src=i alt='word word word word' style='width: 60px; height: 30px'>", false);
  EXPECT_GT(box.Count({.x = 0, .y = 0, .width = 60, .height = 30}, IsDark), 20u);
  EXPECT_EQ(ink(box), box.Count({.x = 0, .y = 0, .width = 60, .height = 30}, IsDark));
  EXPECT_GT(box.Count({.x = 0, .y = 18, .width = 60, .height = 12}, IsDark), 0u);
  EXPECT_EQ(ink(painted("<img src=i alt=word width=1 height=1>", false)), 0u);
  // More than a line of it is several.
  std::string many = "<img src=i alt='";
  for (int i = 0; i < 100; ++i) many += "word ";
  EXPECT_GT(painted(many + "'>", false).height, 60);
}

TEST(Painter, PaintsNoWhiteOnACanvasThatIsWhite) {
  auto page = PagePainter::Create({.html = "<p>text", .url = ""}, {.width = 100});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE((*page)->Layout().ok());
  const auto corner = [&](bool is_white) {
    std::vector<uint32_t> pixels(100 * 100, kLime);
    EXPECT_TRUE((*page)
                    ->PaintInto({.argb = pixels.data(),
                                 .width = 100,
                                 .height = 100,
                                 .stride = 400,
                                 .is_white = is_white})
                    .ok());
    return pixels.front();
  };
  EXPECT_EQ(corner(false), kWhite);
  EXPECT_EQ(corner(true), kLime);
}

TEST(Painter, SaysWhatItNeedsAndUsesItWhenItComes) {
  const std::string html =
      Page("body { background: url(../b.png) no-repeat 100px 50px }",
           "<link rel=stylesheet href=s.css><img src='/i.png'><p style='height:90px'>");
  auto page =
      PagePainter::Create({.html = html, .url = "https://a.test/docs/page.html"}, {.width = 400});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE((*page)->Layout().ok());
  const std::vector<NeededResource> needed = (*page)->TakeNeeded();
  EXPECT_EQ(needed, (std::vector<NeededResource>{
                        {ResourceKind::kStyleSheet, "https://a.test/docs/s.css"},
                        {ResourceKind::kImage, "https://a.test/b.png"},
                        {ResourceKind::kImage, "https://a.test/i.png"},
                    }));
  EXPECT_TRUE((*page)->TakeNeeded().empty());

  const Painted painted =
      Paint(html, {.width = 400}, {}, [](PagePainter& one, const NeededResource& what) {
        if (what.url.ends_with("s.css")) {
          EXPECT_TRUE(one.SupplyStyleSheet(what.url, "img { padding: 7px } @import 't.css';").ok());
        } else if (what.url.ends_with("t.css")) {
          ADD_FAILURE() << "an @import behind a rule";
        } else if (what.url.ends_with("i.png")) {
          EXPECT_TRUE(one.SupplyImage(what.url, Square(10, kLime)).ok());
        } else {
          EXPECT_TRUE(one.SupplyImage(what.url, Square(20, kRed)).ok());
        }
      });
  ASSERT_TRUE(painted.status.ok()) << painted.status;
  const auto is = [](uint32_t argb) { return [argb](uint32_t pixel) { return pixel == argb; }; };
  const PageRect all = {.x = 0, .y = 0, .width = 400, .height = painted.height};
  EXPECT_EQ(painted.Count(all, is(kLime)), 100u);
  EXPECT_EQ(painted.Count({.x = 7, .y = 0, .width = 10, .height = painted.height}, is(kLime)),
            100u);
  EXPECT_EQ(painted.Count({.x = 100, .y = 50, .width = 20, .height = 20}, is(kRed)), 400u);
  EXPECT_EQ(painted.Count(all, is(kRed)), 400u);
}

TEST(Painter, RepeatsBackgrounds) {
  const auto red_of = [](const std::string& repeat) {
    const Painted page = Paint(
        Page("div { width: 100px; height: 100px; background: url(b) " + repeat + " }", "<div>"),
        {.width = 400}, {}, [](PagePainter& one, const NeededResource& what) {
          Pixels pixels = Square(10, kWhite);
          pixels.argb[0] = kRed;
          EXPECT_TRUE(one.SupplyImage(what.url, std::move(pixels)).ok());
        });
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.Count({.x = 0, .y = 0, .width = 400, .height = page.height},
                      [](uint32_t pixel) { return pixel == kRed; });
  };
  EXPECT_EQ(red_of("repeat"), 100u);
  EXPECT_EQ(red_of("repeat-x"), 10u);
  EXPECT_EQ(red_of("repeat-y"), 10u);
  EXPECT_EQ(red_of("no-repeat"), 1u);
}

TEST(Painter, TellsLinksAndWhereTheyAre) {
  const Painted page =
      Paint(Page("p { margin: 0; font: 20px sans-serif } a[href] { color: red;"
                 "text-decoration: none }",
                 "<p>y<br>x <a href='../other.html#part'>iiii</a> <a name=x>none</a>"
                 "<a href=gone style='display: none'>gone</a>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  const std::vector<PageLink> links = page.page->links();
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0].url, "https://a.test/other.html");
  ASSERT_EQ(links[0].rects.size(), 1u);
  // Where its text is: all that is reddish.
  const auto is_reddish = [](uint32_t pixel) {
    return ((pixel >> 16) & 0xff) > (pixel & 0xff) + 60;
  };
  const size_t all = page.Count({.x = 0, .y = 0, .width = 400, .height = page.height}, is_reddish);
  EXPECT_GT(all, 10u);
  EXPECT_EQ(page.Count(links[0].rects[0], is_reddish), all);
  EXPECT_LT(links[0].rects[0].width, 60);
}

TEST(Painter, LeavesABoxForEachFrame) {
  const Painted page = Paint(
      Page("iframe { border: 5px solid red; display: block }",
           "<iframe src='//b.test/f' width=100 height=50>text</iframe><iframe srcdoc=x></iframe>"
           "<iframe src=gone style='display: none'></iframe>"
           "<div style='position: absolute; left: 200px; top: 10px'>"
           "<iframe src=c style='width: 50px; height: 20px'></iframe></div>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  const std::vector<PageFrame> frames = page.page->frames();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].url, "https://b.test/f");
  EXPECT_EQ(frames[0].rect, (PageRect{.x = 5, .y = 5, .width = 100, .height = 50}));
  EXPECT_EQ(frames[1].url, "");
  EXPECT_EQ(frames[1].rect, (PageRect{.x = 5, .y = 65, .width = 300, .height = 150}));
  EXPECT_EQ(frames[2].rect, (PageRect{.x = 205, .y = 15, .width = 50, .height = 20}));
  EXPECT_EQ(page.At(4, 20), kRed);
  const auto is_white = [](uint32_t pixel) { return pixel == kWhite; };
  EXPECT_EQ(page.Count(frames[0].rect, is_white), 100u * 50);
  EXPECT_EQ(page.At(105, 20), kRed);
}

// litehtml drops what is in a script, and the element was gone when it was told.
TEST(Painter, TellsNoFramesAndLinksThatLitehtmlDropped) {
  const Painted page = Paint("<svg><script><iframe src=x></iframe><a href=y>z</a></script></svg>");
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_TRUE(page.page->frames().empty());
  EXPECT_TRUE(page.page->links().empty());
}

TEST(Painter, TellsThePagesTitle) {
  EXPECT_EQ(Paint("<title> A \n page </title><title>B</title>").page->title(), "A page");
  EXPECT_EQ(Paint("<p>x").page->title(), "");
}

TEST(Painter, ResolvesByThePagesBase) {
  const Painted page = Paint("<base href='https://b.test/x/'><a href=y>z</a>");
  ASSERT_EQ(page.page->links().size(), 1u);
  EXPECT_EQ(page.page->links()[0].url, "https://b.test/x/y");
}

TEST(Painter, AppliesMediaThatAreTrue) {
  const auto color = [](const std::string& css) {
    return Paint(Page("div { height: 9px; background: red }" + css, "<div>")).At(1, 1);
  };
  EXPECT_EQ(color("@media screen { div { background: blue } }"), kBlue);
  EXPECT_EQ(color("@media print { div { background: blue } }"), kRed);
  EXPECT_EQ(color("@media (min-width: 300px) { div { background: blue } }"), kBlue);
  EXPECT_EQ(color("@media (max-width: 300px) { div { background: blue } }"), kRed);
  EXPECT_EQ(color("</style><style media=print>div { background: blue }"), kRed);
}

TEST(Painter, CountsPercentOfWhatIsAround) {
  const Painted page =
      Paint(Page("#o { width: 200px } #i { width: 25%; height: 10px; background: red;"
                 "margin: 0 auto }",
                 "<div id=o><div id=i>"));
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_EQ(page.At(74, 5), kWhite);
  EXPECT_EQ(page.At(75, 5), kRed);
  EXPECT_EQ(page.At(124, 5), kRed);
  EXPECT_EQ(page.At(125, 5), kWhite);
}

TEST(Painter, PaintsIntoAPartOfLargerMemory) {
  auto page = PagePainter::Create(
      {.html = "<body style='background: red; margin: 0'><p style='height: 100px'>", .url = ""},
      {.width = 100});
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_TRUE((*page)->Layout().ok());
  std::vector<uint32_t> memory(20 * 10, 0x12345678);
  ASSERT_TRUE(
      (*page)->PaintInto({.argb = memory.data(), .width = 8, .height = 9, .stride = 80}).ok());
  EXPECT_EQ(memory[0], kRed);
  EXPECT_EQ(memory[8 * 20 + 7], kRed);
  EXPECT_EQ(memory[8], 0x12345678u);
  EXPECT_EQ(memory[9 * 20], 0x12345678u);
}

TEST(Painter, RefusesACanvasThatIsNone) {
  auto page = PagePainter::Create({.html = "x", .url = ""}, {});
  ASSERT_TRUE(page.ok()) << page.status();
  uint32_t pixel = 0;
  EXPECT_EQ((*page)->PaintInto({.argb = &pixel, .width = 1, .height = 1, .stride = 4}).message(),
            "page is not laid out");
  ASSERT_TRUE((*page)->Layout().ok());
  EXPECT_EQ((*page)->PaintInto({.argb = &pixel, .width = 2, .height = 1, .stride = 4}).message(),
            "canvas of 2 by 1 pixels, 4 bytes a row");
  EXPECT_FALSE((*page)->PaintInto({.argb = nullptr, .width = 1, .height = 1, .stride = 4}).ok());
  EXPECT_FALSE((*page)->PaintInto({.argb = &pixel, .width = 0, .height = 1, .stride = 4}).ok());
  EXPECT_TRUE((*page)->PaintInto({.argb = &pixel, .width = 1, .height = 1, .stride = 4}).ok());
}

}  // namespace
}  // namespace browser_host
