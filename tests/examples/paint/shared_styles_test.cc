// Elements that look alike have their style from the first of them, and look as they did.
#include "examples/browser_host/paint/shared_styles.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/examples/paint/painted.h"

namespace browser_host {
namespace {

std::string WithStyle(const std::string& css, const std::string& body) {
  return absl::StrCat("<!DOCTYPE html><style>", css, "</style><body>", body);
}

// What shares no style: of an element with an attribute that nobody knows it is not known whether
// it says how it looks.
std::string Apart(const std::string& html) {
  return std::regex_replace(html, std::regex("<([a-z]+[0-9]?)(?=[ >])"), "<$1 data-apart");
}

size_t Ink(const Painted& page) {
  return page.Count({.x = 0, .y = 0, .width = page.width, .height = page.height},
                    [](uint32_t pixel) { return pixel != kWhite; });
}

class SharedStylesTest : public testing::TestWithParam<std::string> {};

TEST_P(SharedStylesTest, PaintsWhatItPaintsWithout) {
  const Painted shared = Paint(GetParam());
  const Painted apart = Paint(Apart(GetParam()));
  ASSERT_TRUE(shared.status.ok()) << shared.status;
  ASSERT_TRUE(apart.status.ok()) << apart.status;
  EXPECT_GT(Ink(shared), 100u);
  EXPECT_EQ(shared.height, apart.height);
  EXPECT_TRUE(shared.pixels == apart.pixels);
}

const std::string kCells = "<tr><td>one<td>two<td>three</tr>";

INSTANTIATE_TEST_SUITE_P(
    Pages, SharedStylesTest,
    testing::Values(
        // Rows and cells, with what a table of its own adds around them.
        WithStyle("td { border: 1px solid red; padding: 3px } table { border-collapse: collapse }",
                  absl::StrCat("<table>", kCells, kCells, kCells, "</table>")),
        WithStyle("div { display: table-cell; background: #eee } span { display: table-row }",
                  "<p><div>a</div><div>b</div></p><span>c</span><span>d</span>"),
        // The same rules, and another size around them: in em.
        WithStyle("p { font-size: 1.5em; margin: 1em; text-indent: 2em }",
                  "<div style='font-size: 8px'><p>a<p>b</div><div><p>c<p>d</div>"),
        WithStyle("div { font-size: 20px } div div { font-size: 0.5em } b { width: 1em }",
                  "<div>a <b>b</b><div>c <b>d</b></div><div>e <b>f</b><div>g</div></div></div>"),
        // What is inherited, and what is asked for.
        WithStyle("#a { color: red; text-transform: uppercase; text-align: right }"
                  " p { border: 1px solid; background: inherit } #b { background: yellow }",
                  "<div id=a><p>one</p><p>two</p></div><div id=b><p>one</p><p>two</p></div>"),
        // One of a row of elements that look alike is of its own.
        WithStyle("li { color: blue } li:nth-child(2) { color: red } li.x { font-size: 2em }",
                  "<ul><li>1<li>2<li>3<li class=x>4<li style='color: lime'>5<li>6</ul>"),
        WithStyle("p:first-child { background: #ddd } p + p { margin-left: 30px }",
                  "<div><p>a</p><p>b</p><p>c</p></div>"),
        "<table><tr><td>a<td bgcolor=red>b<td width=90>c<td align=right>d</table>",
        "<p>left<p align=right>right<p>left<div align=center>x</div><div>y</div>",
        // Before and after, links, lists in lists.
        WithStyle("p:before { content: \"> \"; color: red } p:after { content: \" <\" }",
                  "<p>one</p><p>two</p>"),
        "<a href=x>link</a> <a>none</a> <a href=y>link</a> <a name=z>none</a>",
        "<ul><li>a<ul><li>b<li>c<ol><li>d<li>e</ol></ul><li>f</ul>",
        // !important, and a rule twice.
        WithStyle("p { color: red !important } p { color: blue; margin: 0 } p { margin: 20px }",
                  "<p>one</p><p>two</p><p style='color: lime'>three</p>"),
        // Floats, positions, overflow: what a page is laid out by is each one's own.
        WithStyle("div { float: left; width: 60px; height: 20px; margin: 3px; background: red }",
                  "<div>a</div><div>b</div><div>c</div><p>text"),
        WithStyle("div { position: relative; top: 4px; z-index: 2; overflow: hidden }",
                  "<div>a</div> <div>b</div> <div>c</div>")));

TEST(SharedStyles, AreNotThoseOfElementsThatSayHowTheyLook) {
  const Painted page = Paint("<table><tr><td>a<td bgcolor=red>b<td>c</table>");
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_GT(page.Count({.x = 0, .y = 0, .width = page.width, .height = page.height},
                       [](uint32_t pixel) { return pixel == 0xffff0000; }),
            50u);
}

// Nor those of what a form's field is made of.
TEST(SharedStyles, AreNotThoseOfFields) {
  const auto frames = [](const std::string& html) {
    const Painted page = Paint(html);
    EXPECT_TRUE(page.status.ok()) << page.status;
    return page.Count({.x = 0, .y = 0, .width = page.width, .height = page.height},
                      [](uint32_t pixel) { return pixel == 0xff767676; });
  };
  const size_t alone = frames("<p><input name=q> hello</p>");
  EXPECT_GT(alone, 100u);
  EXPECT_EQ(frames("<p><input name=q> <span>hello</span></p>"), alone);
  EXPECT_EQ(frames("<p><span>hello</span> <input name=q></p>"), alone);
}

TEST(SharedStyles, RefuseAPageOfTooManyProperties) {
  std::string rule = "i { ";
  for (int i = 0; i < 5000; ++i) rule += absl::StrCat("x", i, ": 1;");
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "<i x=1>i</i>";
  const Painted page = Paint(WithStyle(rule + "}", body));
  EXPECT_EQ(page.status.message(), "page has more than 4000000 properties of elements");
}

TEST(SharedStyles, ParsesDeclarationsOnce) {
  SharedStyles styles;
  const ParsedRule& rule = styles.Parsed("margin: 1px 2px; color: red", "https://a.test/");
  EXPECT_STREQ(rule.style.get_property("margin-left"), "2px");
  EXPECT_STREQ(rule.style.get_property("color"), "red");
  EXPECT_EQ(&styles.Parsed("margin: 1px 2px; color: red", "https://a.test/"), &rule);
}

TEST(SharedStyles, TakesWhatIsInAStyleSheetAsRelativeToIt) {
  SharedStyles styles;
  const std::string background = "background-image: url(x.png)";
  EXPECT_STREQ(
      styles.Parsed(background, "https://a.test/").style.get_property("background-image-baseurl"),
      "https://a.test/");
  EXPECT_STREQ(
      styles.Parsed(background, "https://b.test/").style.get_property("background-image-baseurl"),
      "https://b.test/");
}

TEST(SharedStyles, GivesTheFirstOfAnOrigin) {
  SharedStyles styles;
  const auto one = std::make_shared<litehtml::html_tag>(nullptr);
  const auto two = std::make_shared<litehtml::html_tag>(nullptr);
  const ParsedRule& red = styles.Parsed("color: red", "");
  const ParsedRule& blue = styles.Parsed("color: blue", "");
  const int kind = 0, parent = 0;
  const auto first = [&](std::initializer_list<const ParsedRule*> rules,
                         const litehtml::element::ptr& element) {
    return styles.FirstOf({.kind = &kind, .parent = &parent, .rules = rules}, element);
  };
  EXPECT_EQ(first({&red, &blue}, one), one.get());
  EXPECT_EQ(first({&red, &blue}, two), one.get());
  EXPECT_EQ(first({&blue, &red}, two), two.get());
  EXPECT_EQ(first({}, two), two.get());
}

}  // namespace
}  // namespace browser_host
