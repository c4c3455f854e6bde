#include "examples/browser_host/paint/master_style.h"

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"

namespace browser_host {
namespace {

// After the suggestions of html.spec.whatwg.org, "Rendering", as far as litehtml 0.6 knows the
// properties. A break is one for litehtml where it is an inline block. Heads and feet of tables are
// groups like others, where they are written: of table-header-group and table-footer-group litehtml
// lays out no row. A table's text does not inherit what is centred around it, as in browsers.
constexpr char kSheet[] = R"css(
html, body, address, article, aside, blockquote, center, details, dd, dir, div, dl, dt, fieldset,
figcaption, figure, footer, form, h1, h2, h3, h4, h5, h6, header, hgroup, hr, legend, listing, main,
menu, nav, ol, optgroup, p, plaintext, pre, search, section, summary, ul, xmp { display: block }
head, link, meta, script, style, title, base, template, noframes, area, datalist, param, rp, source,
track, dialog, svg, math, audio, canvas, video, object, embed, map, colgroup, col { display: none }
body { margin: 8px }
address, cite, dfn, em, i, var { font-style: italic }
b, strong, th { font-weight: bold }
code, kbd, samp, tt, pre, listing, plaintext, xmp { font-family: monospace }
pre, listing, plaintext, xmp { white-space: pre; margin-top: 1em; margin-bottom: 1em }
code, kbd, samp, tt, pre, listing { font-size: 13px }
h1 code, h2 code, h3 code, h1 tt, h2 tt, h3 tt { font-size: 1em }
big { font-size: 1.2em }
small { font-size: 0.83em }
sub { vertical-align: sub; font-size: 0.83em }
sup { vertical-align: super; font-size: 0.83em }
u, ins { text-decoration: underline }
s, strike, del { text-decoration: line-through }
mark { background-color: #ffff00; color: #000000 }
a:link { color: #0000ee; text-decoration: underline }
abbr[title], acronym[title] { border-bottom: 1px dotted #666666 }
nobr { white-space: nowrap }
center { text-align: center }
p, dl { margin-top: 1em; margin-bottom: 1em }
blockquote, figure { margin-top: 1em; margin-bottom: 1em; margin-left: 40px; margin-right: 40px }
dd { margin-left: 40px }
h1 { font-size: 2em; font-weight: bold; margin-top: 0.67em; margin-bottom: 0.67em }
h2 { font-size: 1.5em; font-weight: bold; margin-top: 0.83em; margin-bottom: 0.83em }
h3 { font-size: 1.17em; font-weight: bold; margin-top: 1em; margin-bottom: 1em }
h4 { font-weight: bold; margin-top: 1.33em; margin-bottom: 1.33em }
h5 { font-size: 0.83em; font-weight: bold; margin-top: 1.67em; margin-bottom: 1.67em }
h6 { font-size: 0.67em; font-weight: bold; margin-top: 2.33em; margin-bottom: 2.33em }
ul, ol, menu, dir { margin-top: 1em; margin-bottom: 1em; padding-left: 40px }
ul ul, ul ol, ol ul, ol ol { margin-top: 0; margin-bottom: 0 }
li { display: list-item }
ul, menu, dir { list-style-type: disc }
ul ul, ol ul { list-style-type: circle }
ol ul ul, ul ul ul, ol ol ul, ul ol ul { list-style-type: square }
ol { list-style-type: decimal }
hr { border: 1px solid #909090; margin-top: 0.5em; margin-bottom: 0.5em }
table { display: table; border-spacing: 2px; border-collapse: separate; text-align: left }
thead { display: table-row-group }
tbody { display: table-row-group }
tfoot { display: table-row-group }
tr { display: table-row }
td, th { display: table-cell; padding: 1px; vertical-align: middle }
th { text-align: center }
caption { display: table-caption; text-align: center }
fieldset { border: 2px solid #c0c0c0; margin-left: 2px; margin-right: 2px; padding: 5px 12px }
legend { padding-left: 2px; padding-right: 2px }
br, img, iframe { display: inline-block }
iframe { border: 2px solid #c0c0c0; width: 300px; height: 150px }
input, select, button, textarea, meter, progress {
  display: inline-block; border: 1px solid #767676; padding: 1px 4px; font-size: 13px }
input { width: 12em; height: 15px; overflow: hidden; white-space: pre }
input[type=submit], input[type=reset], input[type=button] { width: auto; text-align: center }
select { width: 8em; height: 15px }
textarea { width: 20em; height: 3em; font-family: monospace }
button, input[type=submit], input[type=reset], input[type=button] { background-color: #efefef }
input[type=checkbox], input[type=radio] { width: 10px; height: 10px; padding: 0 }
input[type=hidden], select option, [hidden] { display: none }
details summary { display: list-item; list-style-type: disc; list-style-position: inside }
)css";

// Elements that litehtml makes itself (elements.cc): they are not asked which part is theirs, and
// have that of the element around them.
constexpr std::string_view kInEachPart[] = {"script", "title"};

struct Master {
  litehtml::context context;
  std::map<std::string, size_t, std::less<>> part_of;  // by tags
  std::vector<litehtml::css> parts;                    // the first is that of all others
  absl::node_hash_map<std::string, ParsedRule> rules;
};

bool IsOneOf(std::string_view tag, std::span<const std::string_view> tags) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

Master& TheMaster() {
  static Master* const master = [] {
    auto* made = new Master;
    made->context.load_master_stylesheet(kSheet);
    // Their counts are beside each other.
    litehtml::css_selector::vector all;
    for (const litehtml::css_selector::ptr& one : made->context.master_css().selectors()) {
      all.emplace_back(one.get(), [](litehtml::css_selector*) {});
    }
    for (const litehtml::css_selector::ptr& one : all) {
      made->part_of.try_emplace(one->m_right.m_tag, made->part_of.size() + 1);
      made->rules.try_emplace(one->m_style, one->m_style, "");
    }
    made->parts.resize(made->part_of.size() + 1);
    for (const litehtml::css_selector::ptr& one : all) {
      const std::string& tag = one->m_right.m_tag;
      const bool is_for_all = tag.empty() || tag == "*" || IsOneOf(tag, kInEachPart);
      for (size_t part = 0; part < made->parts.size(); ++part) {
        if (!is_for_all && part != made->part_of.at(tag)) continue;
        // In their order; the class has no function for it.
        const_cast<litehtml::css_selector::vector&>(made->parts[part].selectors()).push_back(one);
      }
    }
    return made;
  }();
  return *master;
}

}  // namespace

litehtml::context& MasterStyle() { return TheMaster().context; }

const litehtml::css& MasterStyleFor(std::string_view tag) {
  const Master& master = TheMaster();
  const auto found = master.part_of.find(tag);
  return master.parts[found != master.part_of.end() ? found->second : 0];
}

const ParsedRule* MasterRule(const std::string& declarations) {
  const Master& master = TheMaster();
  const auto found = master.rules.find(declarations);
  return found != master.rules.end() ? &found->second : nullptr;
}

bool IsOfMasterStyle(const litehtml::css& sheet) {
  const Master& master = TheMaster();
  if (&sheet == &MasterStyle().master_css()) return true;
  // Of one array.
  return std::less_equal<>()(master.parts.data(), &sheet) &&
         std::less<>()(&sheet, master.parts.data() + master.parts.size());
}

}  // namespace browser_host
