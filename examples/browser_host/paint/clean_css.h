// A style sheet as litehtml can take it, whoever wrote it.
//
//     CleanCss("p { /* x */ color: red } :root { --a: var(--a) } @font-face { }")
//         // "p {  color: red } :root {  } "
//
// What goes, and why:
//   - comments: litehtml takes them out one by one and moves the rest of the sheet each time, which
//     for a MiB of them takes minutes;
//   - custom properties whose value has a var() in it: one that means itself never ends;
//   - at-rules other than @import and @media, with their blocks: 0.6 takes their contents for rules
//     or stumbles;
//   - what is nested more than eight blocks deep: it recurses;
//   - what comes after a brace or a quote that is never closed (a string ends at its line's end).
//
// litehtml 0.6 knows no calc(), gradients, flex, grid, transforms, opacity, shadows or @font-face;
// such declarations have no effect.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_CLEAN_CSS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_CLEAN_CSS_H_

#include <string>
#include <string_view>

namespace browser_host {

std::string CleanCss(std::string_view css);

// The same for the value of a style attribute: declarations, and no rules.
std::string CleanDeclarations(std::string_view css);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_CLEAN_CSS_H_
