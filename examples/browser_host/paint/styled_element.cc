#include "examples/browser_host/paint/styled_element.h"

#include <algorithm>
#include <iterator>

namespace browser_host {

size_t InheritedIndex(std::string_view name) {
  const auto is_it = [&](std::string_view one) {
    return one.size() == name.size() && one.front() == name.front() && one.back() == name.back() &&
           one == name;
  };
  return static_cast<size_t>(
      std::find_if(kInheritedProperties.begin(), kInheritedProperties.end(), is_it) -
      kInheritedProperties.begin());
}

bool IsOfNoLook(std::string_view attribute) {
  constexpr std::string_view kNames[] = {"class", "href", "id", "lang", "name", "title"};
  return std::find(std::begin(kNames), std::end(kNames), attribute) != std::end(kNames);
}

}  // namespace browser_host
