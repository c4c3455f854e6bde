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
#include <array>
#include <bitset>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "examples/browser_host/paint/master_style.h"

namespace browser_host {
namespace {

using litehtml::element;
using litehtml::tchar_t;

constexpr int kMostSpan = 1000;

// What litehtml asks each element for, and many times each word's, and what elements have from
// those around them: most of the time from the root, past maps of strings of all that are between.
constexpr std::string_view kInherited[] = {"text-transform", "color",          "white-space",
                                           "visibility",     "text-indent",    "line-height",
                                           "font-style",     "font-weight",    "font-family",
                                           "text-align",     "vertical-align", "list-style-image",
                                           "text-decoration"};

// Or as many as there are.
size_t InheritedIndex(std::string_view name) {
  return static_cast<size_t>(std::find(std::begin(kInherited), std::end(kInherited), name) -
                             std::begin(kInherited));
}

using DocumentPointer = std::shared_ptr<litehtml::document>;

// `Base`: html_tag or one of its classes.
template <typename Base>
class Counted : public Base {
 public:
  Counted(const DocumentPointer& document, WorkBudget& work, const PaintBounds& bounds)
      : Base(document), work_(work), bounds_(bounds) {}

  // Of the master style sheet only what may match an element of this name.
  void apply_stylesheet(const litehtml::css& sheet) override {
    Base::apply_stylesheet(IsOfMasterStyle(sheet) ? MasterStyleFor(this->get_tagName()) : sheet);
  }

  void add_style(const litehtml::tstring& style, const litehtml::tstring& base_url) override {
    has_styles_ = false;
    Base::add_style(style, base_url);
  }

  // From here on nothing is added to the styles of this element and of those around it, whose turn
  // was before, but by add_style.
  void parse_styles(bool is_reparse) override {
    has_styles_ = true;
    inherited_ = {};
    is_known_ = {};
    Base::parse_styles(is_reparse);
  }

  const tchar_t* get_style_property(const tchar_t* name, bool inherited,
                                    const tchar_t* otherwise) const override {
    if (!inherited) {
      // litehtml's own would look for the parent too, and count it.
      const tchar_t* const own = this->m_style.get_property(name);
      if (own == nullptr) return otherwise;
      if (!absl::EqualsIgnoreCase(own, "inherit")) return own;
    }
    const size_t index = inherited && has_styles_ ? InheritedIndex(name) : std::size(kInherited);
    if (index == std::size(kInherited)) {
      return Base::get_style_property(name, inherited, otherwise);
    }
    if (!is_known_[index]) {
      is_known_[index] = true;
      inherited_[index] = Base::get_style_property(name, true, nullptr);
    }
    return inherited_[index] != nullptr ? inherited_[index] : otherwise;
  }

  using Base::select;
  int select(const litehtml::css_element_selector& selector, bool apply_pseudo) override {
    work_.Spend();
    return Base::select(selector, apply_pseudo);
  }

  bool is_nth_child(const element::ptr& child, int num, int off, bool of_type) const override {
    work_.Spend(this->m_children.size() / 8);
    return Base::is_nth_child(child, num, off, of_type);
  }

  bool is_nth_last_child(const element::ptr& child, int num, int off, bool of_type) const override {
    work_.Spend(this->m_children.size() / 8);
    return Base::is_nth_last_child(child, num, off, of_type);
  }

  element::ptr find_sibling(const element::ptr& child, const litehtml::css_selector& selector,
                            bool apply_pseudo, bool* is_pseudo) override {
    work_.Spend(this->m_children.size() / 8);
    return Base::find_sibling(child, selector, apply_pseudo, is_pseudo);
  }

  void set_attr(const tchar_t* name, const tchar_t* value) override {
    if (name == nullptr || value == nullptr) return;
    const std::string_view as = name;
    if (as == "style") return Base::set_attr(name, CleanDeclarations(value, PageStyles()).c_str());
    if (as == "colspan" || as == "rowspan") {
      int span = 1;
      if (!absl::SimpleAtoi(value, &span)) span = 1;
      return Base::set_attr(name, std::to_string(std::clamp(span, 1, kMostSpan)).c_str());
    }
    Base::set_attr(name, value);
  }

  void init() override {
    if (this->m_display == litehtml::display_table ||
        this->m_display == litehtml::display_inline_table) {
      CheckGrid();
    }
    Base::init();
  }

  int render(int x, int y, int max_width, bool second_pass) override {
    work_.Spend(5);
    return Base::render(x, y, max_width, second_pass);
  }

  int place_element(const element::ptr& child, int max_width) override {
    work_.Spend(5);
    return Base::place_element(child, max_width);
  }

  void get_line_left_right(int y, int def_right, int& left, int& right) override {
    work_.Spend(1 + Floats() / 8);
    Base::get_line_left_right(y, def_right, left, right);
  }

  int find_next_line_top(int top, int width, int def_right) override {
    work_.Spend(1 + Floats() * Floats() / 4);
    return Base::find_next_line_top(top, width, def_right);
  }

  int get_floats_height(litehtml::element_float side) const override {
    work_.Spend(1 + Floats() / 8);
    return Base::get_floats_height(side);
  }

  void draw_children(litehtml::uint_ptr hdc, int x, int y, const litehtml::position* clip,
                     litehtml::draw_flag flag, int zindex) override {
    work_.Spend(1 + this->m_children.size() / 8);
    Base::draw_children(hdc, x, y, clip, flag, zindex);
  }

 protected:
  WorkBudget& work() const { return work_; }

 private:
  size_t Floats() const { return this->m_floats_left.size() + this->m_floats_right.size(); }

  // The cells of the grid that litehtml is about to make: one more for each row times each column.
  void CheckGrid() const {
    size_t rows = 0;
    size_t columns = 0;
    CountRows(*this, rows, columns);
    if (rows * columns > bounds_.table_cells) {
      throw PageRefused{"page has a table of more than " + std::to_string(bounds_.table_cells) +
                        " cells"};
    }
  }

  void CountRows(const element& group, size_t& rows, size_t& columns) const {
    for (size_t i = 0; i < group.get_children_count(); ++i) {
      work_.Spend();
      const element::ptr child = group.get_child(static_cast<int>(i));
      const litehtml::style_display display = child->get_display();
      if (display == litehtml::display_table_row) {
        ++rows;
        columns = std::max(columns, CountCells(*child));
      } else if (display == litehtml::display_table_row_group ||
                 display == litehtml::display_table_header_group ||
                 display == litehtml::display_table_footer_group) {
        CountRows(*child, rows, columns);
      }
    }
  }

  size_t CountCells(const element& row) const {
    size_t cells = 0;
    for (size_t i = 0; i < row.get_children_count(); ++i) {
      work_.Spend();
      const element::ptr cell = row.get_child(static_cast<int>(i));
      const tchar_t* span = cell->get_attr("colspan", "1");
      int columns = 1;
      if (!absl::SimpleAtoi(span, &columns)) columns = 1;
      cells += static_cast<size_t>(std::clamp(columns, 1, kMostSpan));
    }
    return cells;
  }

  WorkBudget& work_;
  const PaintBounds& bounds_;
  bool has_styles_ = false;
  // What get_style_property has found.
  mutable std::array<const tchar_t*, std::size(kInherited)> inherited_ = {};
  mutable std::bitset<std::size(kInherited)> is_known_;
};

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
    return std::make_shared<Counted<Base>>(document, work_, bounds_);
  };
  if (tag == "html") return std::make_shared<Root>(document, work_, bounds_);
  if (tag == "style") return std::make_shared<StyleSheet>(document, notes);
  if (tag == "iframe") {
    auto frame = std::make_shared<Frame>(document, work_, bounds_);
    notes.frames.push_back(frame);
    return frame;
  }
  if (tag == "a") {
    auto link = make.operator()<litehtml::el_anchor>();
    if (attributes.contains("href")) notes.links.push_back(link);
    return link;
  }
  // litehtml makes those itself: the first two do nothing that counts, and the third numbers lists
  // and has no header.
  if (tag == "script" || tag == "title" || tag == "li") return nullptr;
  if (tag == "br") return make.operator()<litehtml::el_break>();
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
