#include "examples/browser_host/paint/shared_styles.h"

#include "examples/browser_host/paint/master_style.h"

namespace browser_host {

const litehtml::style& SharedStyles::Parsed(const std::string& declarations,
                                            const std::string& base_url) {
  if (const litehtml::style* of_master = MasterRule(declarations)) return *of_master;
  auto [rule, is_new] = parsed_[base_url].try_emplace(declarations);
  if (is_new) rule->second.add(declarations.c_str(), base_url.c_str(), nullptr);
  return rule->second;
}

litehtml::element* SharedStyles::FirstOf(Origin origin, const litehtml::element::ptr& element) {
  return first_.try_emplace(std::move(origin), element).first->second.get();
}

}  // namespace browser_host
