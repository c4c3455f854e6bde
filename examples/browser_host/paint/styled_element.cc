#include "examples/browser_host/paint/styled_element.h"

#include <algorithm>
#include <iterator>

namespace browser_host {

size_t InheritedIndex(std::string_view name) {
  return static_cast<size_t>(
      std::find(kInheritedProperties.begin(), kInheritedProperties.end(), name) -
      kInheritedProperties.begin());
}

bool IsOfNoLook(std::string_view attribute) {
  constexpr std::string_view kNames[] = {"class", "href", "id", "lang", "name", "title"};
  return std::find(std::begin(kNames), std::end(kNames), attribute) != std::end(kNames);
}

}  // namespace browser_host
