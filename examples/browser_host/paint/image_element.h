// <img>: an image, or what is to be read in its place.
//
// litehtml knows nothing of `alt`. It is shown where the image has not come (yet): as text of the
// line, as wide as it is, where the page says no size of the image; else in its box, as much as
// goes into it.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_IMAGE_ELEMENT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_IMAGE_ELEMENT_H_

#include <litehtml/el_image.h>
#include <litehtml/litehtml.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "examples/browser_host/paint/counted_element.h"

namespace browser_host {

class ImageElement : public Counted<litehtml::el_image> {
 public:
  using Counted::Counted;

  int render(int x, int y, int max_width, bool second_pass) override {
    is_text_ = false;
    if (!IsMissing() || !m_css_width.is_predefined() || !m_css_height.is_predefined()) {
      return Counted::render(x, y, max_width, second_pass);
    }
    work().Spend(5);
    calc_outlines(max_width);
    const std::vector<Line> lines = Lines(max_width - content_margins_width());
    if (lines.empty()) return Counted::render(x, y, max_width, second_pass);
    is_text_ = true;
    m_pos.move_to(x, y);
    m_pos.width = 0;
    for (const Line& line : lines) m_pos.width = std::max(m_pos.width, line.width);
    m_pos.height = static_cast<int>(lines.size()) * LineHeight();
    calc_auto_margins(max_width);
    m_pos.x += content_margins_left();
    m_pos.y += content_margins_top();
    return m_pos.width + content_margins_width();
  }

  // Of text it is that of its last line.
  int get_base_line() override {
    const int below = is_text_ ? m_font_metrics.descent + content_margins_bottom() : 0;
    return Counted::get_base_line() + below;
  }

  void draw(litehtml::uint_ptr hdc, int x, int y, const litehtml::position* clip) override {
    Counted::draw(hdc, x, y, clip);
    litehtml::position box = m_pos;
    box.x += x;
    box.y += y;
    // Of a smaller one not a letter would be read: a page's counter.
    constexpr int kLeastPixels = 8;
    if (!box.does_intersect(clip) || box.width < kLeastPixels || box.height < kLeastPixels ||
        !IsMissing()) {
      return;
    }
    litehtml::document_container& container = *get_document()->container();
    container.set_clip(box, litehtml::border_radiuses(), true, true);
    litehtml::position at = box;
    at.height = m_font_metrics.height;
    for (const Line& line : Lines(box.width)) {
      if (at.y >= box.bottom()) break;
      at.width = line.width;
      container.draw_text(hdc, line.text.c_str(), m_font, get_color("color", true), at);
      at.y += LineHeight();
    }
    container.del_clip();
  }

 private:
  struct Line {
    std::string text;
    int width = 0;
  };

  bool IsMissing() const {
    const litehtml::tchar_t* const alternative = get_attr("alt");
    if (alternative == nullptr || *alternative == 0) return false;
    litehtml::size size;
    get_document()->container()->get_image_size(get_attr("src", ""), nullptr, size);
    return size.width == 0 || size.height == 0;
  }

  int LineHeight() const { return std::max(1, m_font_metrics.height); }

  // A word is never broken, and not more is shown than somebody would read.
  std::vector<Line> Lines(int width) const {
    constexpr size_t kMostBytes = 1000;
    std::string_view alternative = get_attr("alt", "");
    if (alternative.size() > kMostBytes) {
      alternative = alternative.substr(0, alternative.rfind(' ', kMostBytes));
      if (alternative.size() > kMostBytes) return {};
    }
    work().Spend(alternative.size());
    std::vector<Line> lines;
    const int space = Width(" ");
    const absl::string_view text(alternative.data(), alternative.size());
    for (const absl::string_view word :
         absl::StrSplit(text, absl::ByAnyChar(" \t\r\n\f"), absl::SkipEmpty())) {
      const std::string alone(word);
      const int wide = Width(alone);
      if (lines.empty() || lines.back().width + space + wide > width) {
        lines.push_back({.text = alone, .width = wide});
      } else {
        lines.back().text += " " + alone;
        lines.back().width += space + wide;
      }
    }
    return lines;
  }

  int Width(const std::string& text) const {
    return get_document()->container()->text_width(text.c_str(), m_font);
  }

  bool is_text_ = false;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_IMAGE_ELEMENT_H_
