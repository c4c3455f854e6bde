#include "examples/browser_host/plain_text_page.h"

namespace browser_host {

std::string PlainTextPage(std::string_view text) {
  // A parser drops the first line's end behind <pre>.
  std::string page = "<!doctype html><title></title><pre style=\"white-space: pre-wrap\">\n";
  page.reserve(page.size() + text.size() + text.size() / 32);
  for (const char c : text) {
    if (c == '<') {
      page += "&lt;";
    } else if (c == '&') {
      page += "&amp;";
    } else {
      page += c;
    }
  }
  return page + "</pre>";
}

}  // namespace browser_host
