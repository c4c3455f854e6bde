// What the style sheets of one page have together: the root's custom properties, and a bound.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_PAGE_STYLES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_PAGE_STYLES_H_

#include <stddef.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace browser_host {

class PageStyles {
 public:
  // Whether a rule may be as large: litehtml keeps its declarations once for each of its selectors,
  // and a page's rules may have 16 MiB of them.
  bool Take(size_t bytes);

  void Define(std::string_view name, std::string_view value);

  // `value` without any var(). None: one is unknown, means itself, or makes it longer than 4 KiB.
  std::optional<std::string> Replace(std::string_view value) const;

 private:
  bool AppendReplaced(std::string_view value, size_t nested, std::string& out) const;

  std::map<std::string, std::string, std::less<>> values_;
  size_t room_ = 16 * 1024 * 1024;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_PAGE_STYLES_H_
