// Elements whose text is in their attributes, or is not there until somebody clicks.
//
//     Field: <input value=hi> shows hi, or its placeholder in grey; buttons have their labels.
//     Details: <details> without `open` is its <summary> only.
//
// What is hidden is no element of the page: its pictures are not asked for, and its frames and
// links are none.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_FORM_ELEMENTS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_FORM_ELEMENTS_H_

#include <litehtml/el_text.h>
#include <litehtml/litehtml.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "examples/browser_host/paint/counted_element.h"

namespace browser_host {

class Field : public Counted<litehtml::html_tag> {
 public:
  using Counted::Counted;

  void parse_attributes() override {
    Counted::parse_attributes();
    const std::string text = Text();
    if (text.empty()) return;
    appendChild(std::make_shared<litehtml::el_text>(text.c_str(), get_document()));
  }

 private:
  // In one line, and not longer than any field is wide.
  std::string Text() {
    const std::string type = absl::AsciiStrToLower(get_attr("type", "text"));
    const bool is_button = type == "submit" || type == "reset" || type == "button";
    for (const char* other : {"hidden", "checkbox", "radio", "image", "file", "range", "color"}) {
      if (type == other) return "";
    }
    const litehtml::tchar_t* value = get_attr("value");
    if (value == nullptr && type == "submit") value = "Submit";
    if (value == nullptr && type == "reset") value = "Reset";
    if ((value == nullptr || *value == 0) && !is_button) {
      value = get_attr("placeholder");
      add_style("color: #757575", "");
    } else if (type == "password") {
      return Dots(value);
    }
    return value == nullptr ? "" : OneLine(value);
  }

  static bool IsInside(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

  static std::string Dots(std::string_view value) {
    std::string dots;
    for (const char c : value.substr(0, kMostBytes)) {
      if (!IsInside(c)) dots += "\u2022";
    }
    return dots;
  }

  static std::string OneLine(std::string_view value) {
    size_t end = std::min(value.size(), kMostBytes);
    while (end < value.size() && end > 0 && IsInside(value[end])) --end;
    std::string line(value.substr(0, end));
    for (char& c : line) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
    }
    return line;
  }

  static constexpr size_t kMostBytes = 1000;
};

class Details : public Counted<litehtml::html_tag> {
 public:
  using Counted::Counted;

  // Its attributes are there by then.
  bool appendChild(const litehtml::element::ptr& child) override {
    if (child == nullptr) return false;
    const std::string_view tag = child->get_tagName();
    const bool is_summary = tag == "summary" && !has_summary_;
    has_summary_ = has_summary_ || is_summary;
    const bool is_shown = is_summary || get_attr("open") != nullptr;
    // A style sheet is the whole page's.
    return (is_shown || tag == "style" || tag == "link") && Counted::appendChild(child);
  }

 private:
  bool has_summary_ = false;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_FORM_ELEMENTS_H_
