#include "tests/examples/paint/hostile_pages.h"

#include <random>
#include <string_view>

namespace browser_host {
namespace {

using std::string_view_literals::operator""sv;

std::string Times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

std::vector<HostilePage> HostilePages() {
  const std::string number = "99999999999999999999";
  return {
      {"nested blocks", Times(390, "<div>") + "x"},
      {"nested lists", Times(195, "<ul><li>") + "x"},
      {"nested tables", Times(100, "<table><tr><td>") + "x"},
      {"nested floats", Times(300, "<div style='float: left'>x")},
      {"nested inline blocks", Times(300, "<span style='display: inline-block; padding: 1%'>x")},
      {"nested boxes that are placed", Times(300, "<div style='position: absolute; right: 1%'>x")},
      {"formatting that is opened again",
       Times(500, "<b x=1><i y=2><font z=3>") + Times(500, "<p>x")},
      {"many floats", Times(4000, "<div style='float: left; width: 10px; height: 3px'></div>")},
      {"many cells", "<table>" + Times(200, "<tr>" + Times(200, "<td>x"))},
      {"spans", "<table>" + Times(30, "<tr><td colspan=" + number + " rowspan=" + number + ">x")},
      {"spans that overlap",
       "<table>" + Times(100, "<tr><td rowspan=90 colspan=3>x<td rowspan=7>")},
      {"a root that is a cell",
       "<style>html { display: table-cell } body { display: table-row }</style>x"},
      {"everything is a row", "<style>* { display: table-row }</style><p>a<b>b<table><td>c"},
      {"everything is a caption",
       "<style>* { display: table-caption }</style><p>a<b>b<table><td>c"},
      {"everything floats",
       "<style>* { float: right; display: inline-table }</style><p>a<b>b<li>c"},
      {"everything is fixed",
       "<style>* { position: fixed; left: 1%; right: 1% }</style><p>a<b>b<li>c"},
      {"huge lengths", "<div style='width: " + number + "px; height: " + number + "em; margin: -" +
                           number + "px; padding: 1e38in; border: " + number +
                           "px dashed red; border-radius: " + number +
                           "px'>x<img src=a width=" + number + " height=" + number + ">"},
      {"numbers that are none",
       "<p style='width: NaNpx; font-size: infpx; margin: 1e999px; "
       "line-height: -1e30; z-index: " +
           number + "; letter-spacing: nan'>x"},
      {"huge fonts", "<p style='font-size: " + number +
                         "px'>x<p style='font-size: 1e30%'>y"
                         "<p style='font-size: -5px'>z" +
                         Times(100, "<big style='font-size: 1000%'>") + "w"},
      {"many fonts",
       [] {
         std::string html;
         for (int i = 0; i < 3000; ++i)
           html += "<p style='font: " + std::to_string(i) + "px f" + std::to_string(i) + "'>x";
         return html;
       }()},
      {"a word without end", std::string(1'000'000, 'w')},
      {"marks on one letter", "e" + Times(50'000, "\u0301")},
      {"directions", Times(5000, "\u05d0a\u0627 \u202e\u2067")},
      {"a selector without end",
       "<style>" + Times(100'000, "a ") + "{} " + Times(20'000, "p,") + "p {}</style><p>x"},
      {"selectors that look up", "<style>" +
                                     Times(200, "div div div div div div div div b{top:0}") +
                                     "</style>" + Times(300, "<div>") + "<b>x"},
      {"selectors that count",
       "<style>" +
           Times(100, "p:nth-child(2n+1):nth-last-of-type(3) ~ p:not(:first-child){top:0}") +
           "</style>" + Times(2000, "<p>")},
      {"variables",
       "<style>:root{--a:var(--a);--b:var(--a,var(--b))}p{color:var(--a);top:var(--b)}</style><p "
       "style='--c:var(--c);color:var(--c)'>x"},
      {"imports in a ring", "<link rel=stylesheet href=a.css><style>@import 'b.css';</style>x"},
      {"style that is cut", "<style>@media screen { p { color: red; } @import url("},
      {"at-rules that are cut",
       "<style>@</style><style>@import</style><style>@import ;@media{}</style><style>@media "
       "(</style><p style=':'><p style=';;:;'><p style='a:url('>"},
      {"images of all sizes",
       "<img src=a width=0 height=0><img src=b width=-1><img src=c "
       "style='width:1e9px;height:1px'><p style='background:url(d) repeat;background-size:1px "
       "100000px;height:400px'>x<p style='background:url(e) 1e9px -1e9px;height:400px'>"},
      {"frames", Times(500, "<iframe src=x width=99999999 height=-5>")},
      {"generated content",
       "<style>*:before{content:'x';display:table}*:after{content:counter(a) attr(b) open-quote "
       "'\\ffffff \\0';float:left}</style>" +
           Times(300, "<p>")},
      {"markers", "<ol start=-5>" +
                      Times(400, "<li value=99999999999 style='list-style-type:lower-roman'>") +
                      "<li list_index=0 style='list-style-type:lower-alpha'>"},
      {"NUL and bytes that are no text", std::string("<p>\0\xff\xfe\xc0\x80<\0/p><\xff\xff>"sv)},
      {"attributes without end",
       "<p " + Times(50'000, "a=b ") + ">x<p class='" + Times(50'000, "c ") + "'>"},
      {"a title without end", "<title>" + std::string(100'000, 't')},
      {"a base that is none",
       "<base href='javascript:x'><base href='//'><a href='\x01'>x</a><img src='::'>"},
  };
}

std::string RandomPage(uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](const std::vector<std::string>& from) {
    return from[random() % from.size()];
  };
  static const std::vector<std::string> kTags = {
      "div",  "p",     "b",      "i",        "a",        "table",  "tr",     "td",
      "th",   "tbody", "thead",  "caption",  "ul",       "ol",     "li",     "img",
      "br",   "hr",    "span",   "iframe",   "font",     "center", "pre",    "body",
      "h1",   "dl",    "dt",     "dd",       "svg",      "form",   "input",  "select",
      "html", "head",  "title",  "colgroup", "col",      "q",      "button", "style",
      "base", "link",  "script", "template", "textarea", "x-y"};
  static const std::vector<std::string> kProperties = {"display",
                                                       "position",
                                                       "float",
                                                       "clear",
                                                       "width",
                                                       "height",
                                                       "min-width",
                                                       "max-width",
                                                       "min-height",
                                                       "max-height",
                                                       "margin",
                                                       "margin-left",
                                                       "padding",
                                                       "border",
                                                       "border-radius",
                                                       "border-spacing",
                                                       "border-collapse",
                                                       "top",
                                                       "left",
                                                       "right",
                                                       "bottom",
                                                       "overflow",
                                                       "white-space",
                                                       "font-size",
                                                       "font",
                                                       "line-height",
                                                       "vertical-align",
                                                       "text-align",
                                                       "text-indent",
                                                       "text-transform",
                                                       "z-index",
                                                       "visibility",
                                                       "background",
                                                       "background-size",
                                                       "list-style",
                                                       "list-style-type",
                                                       "content",
                                                       "box-sizing",
                                                       "--a",
                                                       "color",
                                                       "background-position"};
  static const std::vector<std::string> kValues = {"none",
                                                   "block",
                                                   "inline",
                                                   "inline-block",
                                                   "table",
                                                   "inline-table",
                                                   "table-row",
                                                   "table-cell",
                                                   "table-row-group",
                                                   "table-caption",
                                                   "table-column",
                                                   "list-item",
                                                   "flex",
                                                   "absolute",
                                                   "fixed",
                                                   "relative",
                                                   "left",
                                                   "right",
                                                   "both",
                                                   "hidden",
                                                   "auto",
                                                   "scroll",
                                                   "0",
                                                   "1px",
                                                   "-7px",
                                                   "50%",
                                                   "-300%",
                                                   "3em",
                                                   "1e9px",
                                                   "99999999999px",
                                                   "100vw",
                                                   "2rem",
                                                   "1px solid red",
                                                   "9px double #abc",
                                                   "pre",
                                                   "pre-wrap",
                                                   "nowrap",
                                                   "middle",
                                                   "sub",
                                                   "justify",
                                                   "center",
                                                   "uppercase",
                                                   "inherit",
                                                   "url(a.png)",
                                                   "cover",
                                                   "contain",
                                                   "decimal",
                                                   "square inside",
                                                   "'x'",
                                                   "attr(a)",
                                                   "border-box",
                                                   "collapse",
                                                   "var(--a)",
                                                   "rgba(1,2,3,.4)",
                                                   "bold 9px/2 serif",
                                                   "",
                                                   "!important",
                                                   "\\",
                                                   "\"",
                                                   "("};
  static const std::vector<std::string> kText = {"word",
                                                 " ",
                                                 "\n",
                                                 "a b  c",
                                                 "&amp;",
                                                 "&#0;",
                                                 "&#x10ffff;",
                                                 "\u4e2d\u6587",
                                                 "\u05d0\u05d1",
                                                 "e\u0301",
                                                 "\xff",
                                                 "<",
                                                 "</",
                                                 "<!--",
                                                 "-->",
                                                 "<![CDATA[",
                                                 "&",
                                                 std::string(1, '\0'),
                                                 "\u200d\U0001f468"};
  const auto declarations = [&] {
    std::string css;
    for (uint32_t i = random() % 5; i > 0; --i)
      css += pick(kProperties) + ":" + pick(kValues) + ";";
    return css;
  };
  std::string html = "<style>";
  for (uint32_t i = random() % 6; i > 0; --i) {
    html +=
        pick({"*", "p", "td", "div > b", "a:before", "li:after", "tr:first-child", "html", "body",
              "[a]", "p + p", "i ~ b", ":not(p)", "@media screen{p", "td:nth-child(-n)", "}"}) +
        "{" + declarations() + "}";
  }
  html += "</style>";
  for (uint32_t i = 5 + random() % 60; i > 0; --i) {
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
      case 3:
        html += "<" + pick(kTags);
        if (random() % 2 == 0) html += " style='" + declarations() + "'";
        if (random() % 4 == 0) {
          html += " " +
                  pick({"width", "height", "colspan", "rowspan", "align", "href", "src", "rel",
                        "class", "border", "cellspacing", "size", "type", "start", "face"}) +
                  "=" +
                  pick({"1", "0", "-1", "50%", "99999999999", "x", "stylesheet", "a.css", "right"});
        }
        html += ">";
        break;
      case 4:
      case 5:
        html += "</" + pick(kTags) + ">";
        break;
      default:
        html += pick(kText);
    }
  }
  if (random() % 4 == 0) {
    for (int i = 0; i < 20; ++i) html[random() % html.size()] = static_cast<char>(random());
  }
  return html;
}

}  // namespace browser_host
