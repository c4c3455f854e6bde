#include "examples/browser_host/paint/elements.h"

#include <litehtml/el_anchor.h>
#include <litehtml/el_base.h>
#include <litehtml/el_body.h>
#include <litehtml/el_break.h>
#include <litehtml/el_div.h>
#include <litehtml/el_font.h>
#include <litehtml/el_image.h>
#include <litehtml/el_link.h>
#include <litehtml/el_para.h>
#include <litehtml/el_script.h>
#include <litehtml/el_style.h>
#include <litehtml/el_table.h>
#include <litehtml/el_td.h>
#include <litehtml/el_title.h>
#include <litehtml/el_tr.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "examples/browser_host/paint/counted_element.h"

namespace browser_host {
namespace {

using litehtml::element;
using litehtml::tchar_t;

constexpr int kMostRoman = 3999;

using DocumentPointer = std::shared_ptr<litehtml::document>;

class Root : public Counted<litehtml::html_tag> {
 public:
  using Counted::Counted;
  const tchar_t* get_style_property(const tchar_t* name, bool inherited,
                                    const tchar_t* otherwise) const override {
    if (std::string_view(name) == "display") return "block";
    if (std::string_view(name) == "float") return "none";
    return Counted::get_style_property(name, inherited, otherwise);
  }
};

// litehtml's own looks for each item's number among all that are before it, at each.
class ListItem : public Counted<litehtml::html_tag>, public NumberedItem {
 public:
  using Counted::Counted;

  int render(int x, int y, int max_width, bool second_pass) override {
    if (!is_numbered_ && m_list_style_type >= litehtml::list_style_type_armenian) {
      is_numbered_ = true;
      if (!HasNumeral()) m_list_style_type = litehtml::list_style_type_decimal;
      set_attr("list_index", std::to_string(number).c_str());
    }
    return Counted::render(x, y, max_width, second_pass);
  }

 private:
  // As in css-counter-styles: what has no letters is written in digits. (Of two thousand million
  // litehtml would write two million M.)
  bool HasNumeral() const {
    const bool is_roman = m_list_style_type == litehtml::list_style_type_lower_roman ||
                          m_list_style_type == litehtml::list_style_type_upper_roman;
    return number >= 1 && (!is_roman || number <= kMostRoman);
  }

  bool is_numbered_ = false;
};

class Break : public Counted<litehtml::el_break>, public LineBreak {
 public:
  using Counted::Counted;

  void parse_attributes() override {
    Counted::parse_attributes();
    const tchar_t* clear = get_attr("clear");
    if (clear == nullptr) return;
    const bool is_all = absl::EqualsIgnoreCase(clear, "all");
    m_style.add_property("clear", is_all ? "both" : absl::AsciiStrToLower(clear).c_str(), nullptr,
                         false, this);
  }

  litehtml::element_clear get_clear() const override {
    return clears ? Counted::get_clear() : litehtml::clear_none;
  }
};

// Text of a page's own style sheet. No html_tag: it has no place in the page.
class StyleSheet : public litehtml::el_style {
 public:
  StyleSheet(const DocumentPointer& document, PageNotes& notes)
      : el_style(document), notes_(notes) {}

  bool appendChild(const element::ptr& child) override {
    if (child &&
        (child->get_display() == litehtml::display_inline_text || child->is_white_space())) {
      child->get_text(text_);
    }
    return true;
  }

  void set_attr(const tchar_t* name, const tchar_t* value) override {
    if (std::string_view(name) == "media" && value != nullptr) media_ = value;
  }

  void parse_attributes() override {
    const std::string css = CleanCss(text_, notes_.styles);
    get_document()->add_stylesheet(css.c_str(), nullptr, media_.c_str());
  }

 private:
  PageNotes& notes_;
  litehtml::tstring text_;
  litehtml::tstring media_;
};

// Laid out as an image of that size that has no picture.
class Frame : public Counted<litehtml::el_image> {
 public:
  using Counted::Counted;

  void parse_attributes() override {
    AddRules();
    for (const char* name : {"width", "height"}) {
      if (const tchar_t* value = get_attr(name))
        m_style.add_property(name, value, nullptr, false, this);
    }
  }
};

}  // namespace

litehtml::element::ptr ElementFactory::Create(std::string_view tag,
                                              const litehtml::string_map& attributes,
                                              const DocumentPointer& document,
                                              PageNotes& notes) const {
  work_.Spend(10);
  const auto make = [&]<typename Base>() -> element::ptr {
    return std::make_shared<Counted<Base>>(document, notes.shared_styles, work_, bounds_);
  };
  if (tag == "html") return std::make_shared<Root>(document, notes.shared_styles, work_, bounds_);
  if (tag == "style") return std::make_shared<StyleSheet>(document, notes);
  if (tag == "iframe") {
    auto frame = std::make_shared<Frame>(document, notes.shared_styles, work_, bounds_);
    notes.frames.push_back(frame);
    return frame;
  }
  if (tag == "a") {
    auto link = make.operator()<litehtml::el_anchor>();
    if (attributes.contains("href")) notes.links.push_back(link);
    return link;
  }
  // litehtml makes those itself: they do nothing that counts.
  if (tag == "script" || tag == "title") return nullptr;
  if (tag == "li") return std::make_shared<ListItem>(document, notes.shared_styles, work_, bounds_);
  if (tag == "br") return std::make_shared<Break>(document, notes.shared_styles, work_, bounds_);
  if (tag == "p") return make.operator()<litehtml::el_para>();
  if (tag == "img") return make.operator()<litehtml::el_image>();
  if (tag == "table") return make.operator()<litehtml::el_table>();
  if (tag == "td" || tag == "th") return make.operator()<litehtml::el_td>();
  if (tag == "link") return make.operator()<litehtml::el_link>();
  if (tag == "tr") return make.operator()<litehtml::el_tr>();
  if (tag == "base") return make.operator()<litehtml::el_base>();
  if (tag == "body") return make.operator()<litehtml::el_body>();
  if (tag == "div") return make.operator()<litehtml::el_div>();
  if (tag == "font") return make.operator()<litehtml::el_font>();
  return make.operator()<litehtml::html_tag>();
}

}  // namespace browser_host
