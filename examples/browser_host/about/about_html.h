// The HTML of about:processes and about:config.
//
// All that is put into it is strangers' text: names of prefs and their values, remote types, what
// the kernel says of an end. It is shown as text, one line each (transceiver/one_line.h), and in
// attributes it is percent-encoded first. A page is at most kMaxAboutPageBytes: rows that have no
// room any more are counted below it.
//
// Pure. Any thread.
#ifndef EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_HTML_H_
#define EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_HTML_H_

#include <stddef.h>

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "examples/browser_host/about/about_messages.h"

namespace browser_host {

inline constexpr size_t kMaxAboutPageBytes = size_t{1} << 20;

struct ProcessesView {
  std::span<const ProcessField> rows = {};
  size_t left_out = 0;
};
std::string ProcessesHtml(const ProcessesView& view);

struct PrefsView {
  std::span<const PrefField> prefs = {};  // those that the filter lets through
  std::string_view filter = {};
  size_t all = 0;       // that there are
  size_t left_out = 0;  // that could not be told, or are too many to be shown
  // What became of an edit: "a.b is set." Empty: there was none.
  std::string_view outcome = {};
};
std::string PrefsHtml(const PrefsView& view);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_ABOUT_ABOUT_HTML_H_
