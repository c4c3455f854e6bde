// An error with the URL that it is about: what fetches says it, and a folder does not.
#ifndef EXAMPLES_BROWSER_HOST_WITH_URL_H_
#define EXAMPLES_BROWSER_HOST_WITH_URL_H_

#include <string>
#include <string_view>

namespace browser_host {

inline std::string WithUrl(std::string_view url, std::string_view why) {
  std::string text(why);
  if (!why.starts_with(url)) text.insert(0, std::string(url) + ": ");
  return text;
}

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_WITH_URL_H_
