// How elements look that no style sheet of the page speaks of: our own master style sheet (litehtml
// has none in its package), parsed.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_MASTER_STYLE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_MASTER_STYLE_H_

#include <litehtml/litehtml.h>

#include <string>
#include <string_view>

#include "examples/browser_host/paint/parsed_rule.h"

namespace browser_host {

// Parsed at the first call and kept for the life of the process. Nothing writes it later.
litehtml::context& MasterStyle();

// What of it may match an element of that name, and no more than a few selectors beside: litehtml
// tries all of a sheet on each element. The selectors are counted apart from what they say, since
// an element holds those that match it: a child of a template copies the counts alone.
const litehtml::css& MasterStyleFor(std::string_view tag);

// One of its rules' declarations. Null: it has no such rule.
const ParsedRule* MasterRule(const std::string& declarations);

// Whether it is the sheet, or one of its parts.
bool IsOfMasterStyle(const litehtml::css& sheet);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_MASTER_STYLE_H_
