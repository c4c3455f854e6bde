#include "examples/browser_host/paint/clean_css.h"

#include <gtest/gtest.h>

#include <string>

namespace browser_host {
namespace {

std::string Clean(const std::string& css) {
  PageStyles styles;
  return CleanCss(css, styles);
}

TEST(CleanCss, TakesOutCommentsAndLeavesThoseInStrings) {
  EXPECT_EQ(Clean("p/* a */{ color:/**/red } q { background: url(\"/* b */\") }"),
            "p{color:red;}\nq{background:url(\"/* b */\");}\n");
  EXPECT_EQ(Clean("p { color: red } /* never closed } q { color: blue }"), "p{color:red;}\n");
}

// A string goes on behind a backslash at its line's end (CSS 2.1, 4.3.7), and ends without.
TEST(CleanCss, GoesOnBehindLinesThatEndWithABackslash) {
  PageStyles styles;
  EXPECT_EQ(CleanCss("a { background: url('x\\\ny') }\n#b { color: red }", styles),
            "a{background:url('xy');}\n#b{color:red;}\n");
  EXPECT_EQ(CleanCss("a { background: url('x\ny) }\nb { color: red }", styles),
            "a{background:url('x'\ny);}\nb{color:red;}\n");
}

TEST(CleanCss, ReplacesTheRootsCustomPropertiesWhereverTheyAreDefined) {
  EXPECT_EQ(Clean("p { color: var(--a) } :root { --a: var( --b ); --b: red }"),
            "p{color:red;}\n:root{}\n");
  EXPECT_EQ(Clean("p { color: var(--none, var(--b, 1px solid)) }"), "p{color:1px solid;}\n");
  EXPECT_EQ(Clean("html { --a: 1px } .b { --a: 2px } p { top: var(--a) }"),
            "html{}\n.b{}\np{top:1px;}\n");
}

TEST(CleanCss, DropsDeclarationsOfUnknownAndEndlessCustomProperties) {
  EXPECT_EQ(Clean("p { color: red; color: var(--none) }"), "p{color:red;}\n");
  EXPECT_EQ(Clean(":root { --a: var(--a); --b: var(--c); --c: var(--b) }"
                  "p { color: var(--a); top: var(--b) }"),
            ":root{}\np{}\n");
  // Each one twice as long as the one before.
  std::string css = ":root { --a0: aaaa; ";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "var(--a" + std::to_string(i - 1) + ")";
    css += "--a" + std::to_string(i) + ": " + before + before + ";";
  }
  EXPECT_EQ(Clean(css + "} p { color: var(--a59); top: var(--a1) }"),
            ":root{}\np{top:aaaaaaaa;}\n");
}

TEST(CleanCss, DropsWhatLitehtmlWouldTakeForSomethingElse) {
  EXPECT_EQ(
      Clean("p { width: 10px; width: calc(1px + 2px); background: linear-gradient(red, blue) }"),
      "p{width:10px;}\n");
  EXPECT_EQ(Clean("p { background: url(min.png) }"), "p{background:url(min.png);}\n");
  EXPECT_EQ(Clean("p { display: flex; position: sticky } q { display: inline-grid }"),
            "p{display:block;position:relative;}\nq{display:inline-block;}\n");
}

TEST(CleanCss, LeavesMediaThatLitehtmlCanAnswer) {
  EXPECT_EQ(Clean("@media (prefers-color-scheme: dark) { p { color: white } } q { top: 0 }"),
            "q{top:0;}\n");
  EXPECT_EQ(Clean("@media print, screen and (min-width: 9px), (hover) { p { color: red } }"),
            "@media print,screen and (min-width: 9px){\np{color:red;}\n}\n");
}

// The value of `content` that is left of one.
std::string Content(const std::string& value) {
  const std::string begin = "p{content:", clean = Clean("p { content: " + value + " }");
  return clean.starts_with(begin) ? clean.substr(begin.size(), clean.size() - begin.size() - 3)
                                  : "";
}

TEST(CleanCss, HasContentInDoubleQuotesThatHoldNone) {
  EXPECT_EQ(Content("'x'"), "\"x\"");
  EXPECT_EQ(Content("\"x\" 'y'"), "\"x\" \"y\"");
  EXPECT_EQ(Content("'\"'"), "\"\\22 \"");
  EXPECT_EQ(Content("\"it's \\\"it\\\"\""), "\"it\\27 s \\22 it\\22 \"");
  EXPECT_EQ(Content("'};!/* */'"), "\"\\7d \\3b \\21 \\2f \\2a  \\2a \\2f \"");
  // Whose escapes are as long as they are in CSS, not up to the next space.
  EXPECT_EQ(Content("'\\2014'"), "\"\u2014\"");
  EXPECT_EQ(Content("'\\2014 x\\00201cyz'"), "\"\u2014x\u201cyz\"");
  EXPECT_EQ(Content("'\\e9t\\1f600'"), "\"\u00e9t\U0001f600\"");
  EXPECT_EQ(Content("'\\0\\d800\\110000'"), "\"\ufffd\ufffd\ufffd\"");
  EXPECT_EQ(Content("'\\a'"), "\" \"");
  EXPECT_EQ(Content("'\\'"), "");
}

TEST(CleanCss, HasLengthsThatLitehtmlKnows) {
  EXPECT_EQ(Clean("p { margin: 5ex -3EX .5ch 2pc; width: 10ex}"),
            "p{margin:2.5em -1.5em 0.25em 32px;width:5em;}\n");
  EXPECT_EQ(Clean("p { margin: 5px 1.5em 0 10%; font: bold 12pt/1.5 ex, pc5, 'Five 5ex' }"),
            "p{margin:5px 1.5em 0 10%;font:bold 12pt/1.5 ex, pc5, 'Five 5ex';}\n");
  EXPECT_EQ(Clean("p { background: url(4ex.png) url( '5ex' ) #4ec }"),
            "p{background:url(4ex.png) url( '5ex' ) #4ec;}\n");
  EXPECT_EQ(Clean("p { margin: ex - . -ex 5exa 5.5.5ex }"), "p{margin:ex - . -ex 5exa 5.5.5ex;}\n");
}

// What is not known is black, also where the same rule has what is.
TEST(CleanCss, HasColorsThatLitehtmlKnows) {
  EXPECT_EQ(Clean("p { color: red; color: hsl(1 2% 3%); color: oklch(1 2 3) }"), "p{color:red;}\n");
  EXPECT_EQ(Clean("p { color: rgb(0 128 0 / 50%); color: RGB(0%, 50%, 0%) }"), "p{}\n");
  EXPECT_EQ(Clean("p { color: rgba(0, 128, 0, 50%); background: url(lab(1).png) }"),
            "p{color:rgba(0, 128, 0, 50%);}\n");
  EXPECT_EQ(Clean("p { border: 1px solid #ff000080; color: #F00F; background: #abc }"),
            "p{border:1px solid #ff0000;color:#F00;background:#abc;}\n");
  EXPECT_EQ(Clean("a { background: url(x.svg#deadbeef) }"), "a{background:url(x.svg#deadbeef);}\n");
}

TEST(CleanCss, KeepsWhatElseContentMayBe) {
  EXPECT_EQ(Content("attr(title)"), "attr(title)");
  EXPECT_EQ(Content("' (' attr(href) ')'"), "\" \\28 \" attr(href) \"\\29 \"");
  EXPECT_EQ(Content("url('A b.png') 'c'"), "url('A b.png') \"c\"");
  EXPECT_EQ(Content("OPEN-quote"), "\"\u201c\"");
  EXPECT_EQ(Clean("p { content: var(--d) } :root { --d: '\\2014' }"),
            "p{content:\"\u2014\";}\n:root{}\n");
  // Of other properties litehtml would make something else of it.
  EXPECT_EQ(Clean("p { width: attr(width) }"), "p{}\n");
}

TEST(CleanCss, DropsOtherAtRulesAndKeepsImports) {
  EXPECT_EQ(Clean("@charset 'x'; @import url(a.css); @font-face { src: url(x) } p { top: 0 }"
                  "@supports (a) { q { top: 0 } }"),
            "@import url(a.css);\np{top:0;}\n");
  EXPECT_EQ(Clean("@import 'a.css' screen; @import url( \"b.css\" ) print,(hover); @import '; p {}"
                  " @import 'late.css';"),
            "@import url(a.css) screen;\n@import url(b.css) print;\n");
  EXPECT_EQ(Clean("@import\"a.css\";p{top:0}@import 'late.css';"),
            "@import url(a.css);\np{top:0;}\n");
}

TEST(CleanCss, DropsWhatIsNestedTooDeepAndSelectorsThatAreTooLong) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "@media screen{";
  EXPECT_EQ(Clean(deep), "");
  for (int i = 0; i < 100'000; ++i) deep += "}";
  EXPECT_LT(Clean(deep).size(), 1000u);
  std::string selector = "a";
  while (selector.size() < 1000) selector += " a";
  EXPECT_EQ(Clean(selector + ", b { top: 0 }"), "b{top:0;}\n");
}

TEST(CleanCss, BoundsTheDeclarationsOfManySelectors) {
  std::string selectors = "a0";
  for (int i = 1; i < 10'000; ++i) selectors += ",a" + std::to_string(i);
  std::string declarations;
  while (declarations.size() < 100'000) declarations += "color:red;";
  EXPECT_EQ(Clean(selectors + "{" + declarations + "} p { top: 0 }"), "p{top:0;}\n");
}

TEST(CleanCss, TakesTimeInProportionToItsSize) {
  std::string comments;
  while (comments.size() < 4'000'000) comments += "/**/";
  EXPECT_EQ(Clean(comments + "p{top:0}"), "p{top:0;}\n");
  EXPECT_EQ(Clean(std::string(4'000'000, '{')), "");
  EXPECT_EQ(Clean(std::string(4'000'000, '}')), "");
  EXPECT_EQ(Clean(std::string(4'000'000, '"')), "");
}

TEST(CleanDeclarations, AreThoseOfAStyleAttribute) {
  EXPECT_EQ(CleanDeclarations(" COLOR : Red ; ; x ; --a: b; top:0", {}), "color:Red;top:0;");
}

}  // namespace
}  // namespace browser_host
