// What litehtml makes of a rule's declarations: of "margin: 0 2px" four properties.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PARSED_RULE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PARSED_RULE_H_

#include <litehtml/litehtml.h>
#include <stddef.h>

#include <string>

namespace browser_host {

struct ParsedRule {
  // The declarations hold no var(): which property it means would depend on the element.
  ParsedRule(const std::string& declarations, const std::string& base_url);

  litehtml::style style;
  size_t properties;  // as they are written
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PARSED_RULE_H_
