// The pages that this program shows where it has no other: nothing came, or its process has died.
//
//     MessagePage({.title = "Page not loaded", .url = url, .text = why})
//
// HTML. All texts stand in it as text, whoever wrote them.
#ifndef EXAMPLES_BROWSER_HOST_MESSAGE_PAGE_H_
#define EXAMPLES_BROWSER_HOST_MESSAGE_PAGE_H_

#include <string>
#include <string_view>

namespace browser_host {

struct PageMessage {
  std::string_view title = {};
  std::string_view url = {};   // of what is not shown
  std::string_view text = {};  // why
  std::string_view note = {};  // below it, smaller
};

std::string MessagePage(const PageMessage& message);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_MESSAGE_PAGE_H_
