#include "examples/browser_host/paint/parsed_rule.h"

#include <algorithm>

namespace browser_host {

ParsedRule::ParsedRule(const std::string& declarations, const std::string& base_url)
    : properties(1 +
                 static_cast<size_t>(std::count(declarations.begin(), declarations.end(), ';'))) {
  style.add(declarations.c_str(), base_url.c_str(), nullptr);
}

}  // namespace browser_host
