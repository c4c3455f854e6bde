#include "examples/browser_host/paint/shared_styles.h"

#include "examples/browser_host/paint/master_style.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {

const ParsedRule& SharedStyles::Parsed(const std::string& declarations,
                                       const std::string& base_url) {
  if (const ParsedRule* of_master = MasterRule(declarations)) return *of_master;
  return parsed_[base_url].try_emplace(declarations, declarations, base_url).first->second;
}

void SharedStyles::CountProperties(size_t properties) {
  properties_ += properties;
  if (properties_ <= kMostProperties) return;
  throw PageRefused{"page has more than " + std::to_string(kMostProperties) +
                    " properties of elements"};
}

litehtml::element* SharedStyles::FirstOf(Origin origin, const litehtml::element::ptr& element) {
  return first_.try_emplace(std::move(origin), element).first->second.get();
}

}  // namespace browser_host
