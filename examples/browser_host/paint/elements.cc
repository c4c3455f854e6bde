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

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "examples/browser_host/paint/counted_element.h"
#include "examples/browser_host/paint/form_elements.h"
#include "examples/browser_host/paint/image_element.h"

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
    for (const auto& [value, sides] : kSides) {
      if (absl::EqualsIgnoreCase(clear, value)) add_style(sides, "");
    }
  }

  litehtml::element_clear get_clear() const override {
    return clears ? Counted::get_clear() : litehtml::clear_none;
  }

 private:
  static constexpr std::pair<const char*, const char*> kSides[] = {{"all", "clear: both"},
                                                                   {"both", "clear: both"},
                                                                   {"left", "clear: left"},
                                                                   {"right", "clear: right"}};
};

// Its marks: what the page's own style sheet says of ::before and ::after, else those of English.
class Quotation : public Counted<litehtml::html_tag> {
 public:
  using Counted::Counted;

  void parse_styles(bool is_reparse) override {
    if (!is_reparse) {
      bool is_inner = false;
      for (element::ptr up = parent(); up != nullptr; up = up->parent()) {
        work().Spend();
        if (std::string_view(up->get_tagName()) == "q") is_inner = !is_inner;
      }
      AddMark(*get_element_before(), is_inner ? "content: \"\u2018\"" : "content: \"\u201c\"");
      AddMark(*get_element_after(), is_inner ? "content: \"\u2019\"" : "content: \"\u201d\"");
    }
    Counted::parse_styles(is_reparse);
  }

 private:
  static void AddMark(element& place, const char* style) {
    if (place.get_style_property("content", false, nullptr) == nullptr) place.add_style(style, "");
  }
};

constexpr int kMostBorder = 100;

int BorderOf(const element& table) {
  const tchar_t* border = table.get_attr("border");
  return border == nullptr ? 0 : std::clamp(NumberOf(border, 1), 0, kMostBorder);
}

// <table border=3>: litehtml gives it a width only, and no style.
class Table : public Counted<litehtml::el_table> {
 public:
  using Counted::Counted;

  void parse_attributes() override {
    Counted::parse_attributes();
    const int border = BorderOf(*this);
    if (border == 0) return;
    add_style("border: " + std::to_string(border) + "px outset #808080", "");
  }
};

// What its table says of all cells is a rule as those of the master style sheet: cells share it.
class Cell : public Counted<litehtml::el_td> {
 public:
  using Counted::Counted;

  void parse_attributes() override {
    element::ptr table = parent();
    while (table != nullptr && std::string_view(table->get_tagName()) != "table") {
      work().Spend();
      table = table->parent();
    }
    if (table != nullptr) {
      if (BorderOf(*table) > 0) add_style("border: 1px inset #808080", "");
      const int padding = NumberOf(table->get_attr("cellpadding"), -1);
      if (padding >= 0) {
        add_style("padding: " + std::to_string(std::min(padding, kMostBorder)) + "px", "");
      }
    }
    Counted::parse_attributes();
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
    for (const std::string name : {"width", "height"}) {
      const tchar_t* const value = get_attr(name.c_str());
      if (value != nullptr) add_style(CleanDeclarations(name + ": " + value, PageStyles()), "");
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
  const auto make_own = [&]<typename Element>() -> element::ptr {
    return std::make_shared<Element>(document, notes.shared_styles, work_, bounds_);
  };
  if (tag == "html") return make_own.operator()<Root>();
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
  if (tag == "li") return make_own.operator()<ListItem>();
  if (tag == "br") return make_own.operator()<Break>();
  if (tag == "p") return make.operator()<litehtml::el_para>();
  if (tag == "img") return make_own.operator()<ImageElement>();
  if (tag == "table") return make_own.operator()<Table>();
  if (tag == "td" || tag == "th") return make_own.operator()<Cell>();
  if (tag == "q") return make_own.operator()<Quotation>();
  if (tag == "input") return make_own.operator()<Field>();
  if (tag == "details") return make_own.operator()<Details>();
  if (tag == "link") return make.operator()<litehtml::el_link>();
  if (tag == "tr") return make.operator()<litehtml::el_tr>();
  if (tag == "base") return make.operator()<litehtml::el_base>();
  if (tag == "body") return make.operator()<litehtml::el_body>();
  if (tag == "div") return make.operator()<litehtml::el_div>();
  if (tag == "font") return make.operator()<litehtml::el_font>();
  return make.operator()<litehtml::html_tag>();
}

}  // namespace browser_host
