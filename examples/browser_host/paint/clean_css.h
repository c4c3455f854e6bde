// A style sheet as litehtml 0.6 can take it, whoever wrote it.
//
//     PageStyles styles;
//     CleanCss(":root { --a: red } p { /* x */ color: var(--a) }", styles)  // ":root{}
//     p{color:red;}"
//
// What goes or is changed, and why:
//   - comments: litehtml takes them out one by one and moves the rest of the sheet each time, which
//     for 512 KiB of them takes 0.3 s, and for 4 MiB by that 20 s;
//   - var(): litehtml replaces it while there is one, so one that means itself never ends. Here it
//     is replaced by what :root, html, body or * say in this sheet or one before it (outside of
//     @media), or by its own second part. Custom properties of other elements are not known;
//   - declarations with an unknown var(), or a function that litehtml takes for a zero or a colour:
//     calc(), min(), max(), clamp(), gradients, attr() but in `content`;
//   - strings of `content` (css_content.h), lengths and colours (css_values.h);
//   - `display` and `position` of which it makes inline and fixed boxes: flex and grid become
//     blocks, sticky becomes relative;
//   - @media with a feature that it does not know (prefers-color-scheme, hover) and takes for true;
//   - at-rules other than @media, and @import before all rules, with their blocks;
//   - what is nested more than eight blocks deep, and selectors of more than 512 bytes: it
//     recurses;
//   - what comes after a brace that is never closed (a string ends at its line's end).
//
// Without effect, and harmless: transforms, opacity, shadows, columns, animations.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_CLEAN_CSS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_CLEAN_CSS_H_

#include <string>
#include <string_view>

#include "examples/browser_host/paint/page_styles.h"

namespace browser_host {

std::string CleanCss(std::string_view css, PageStyles& styles);

// The same for the value of a style attribute: declarations, and no rules.
std::string CleanDeclarations(std::string_view css, const PageStyles& styles);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_CLEAN_CSS_H_
