#include "examples/browser_host/paint/elements.h"

#include <limits.h>
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
#include <optional>

#include "absl/strings/numbers.h"
#include "examples/browser_host/paint/styled_element.h"

namespace browser_host {
namespace {

using litehtml::element;
using litehtml::tchar_t;

constexpr int kMostSpan = 1000;
constexpr int kMostRoman = 3999;

using DocumentPointer = std::shared_ptr<litehtml::document>;

// Of a list, by whoever it is in.
struct NumberedItem {
  virtual ~NumberedItem() = default;
  int number = 0;
};

int NumberOf(const tchar_t* attribute, int otherwise) {
  int number;
  return attribute != nullptr && absl::SimpleAtoi(attribute, &number) ? number : otherwise;
}

struct WordHolder {
  virtual ~WordHolder() = default;
  // In lines, in whatever elements.
  virtual bool HasOnlyWords() = 0;
};

// `Base`: html_tag or one of its classes.
template <typename Base>
class Counted : public StyledElement<Base>, public WordHolder {
 public:
  using Styled = StyledElement<Base>;
  Counted(const DocumentPointer& document, SharedStyles& styles, WorkBudget& work,
          const PaintBounds& bounds)
      : Styled(document, styles), work_(work), bounds_(bounds) {}

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
    if (as == "style")
      return Styled::set_attr(name, CleanDeclarations(value, PageStyles()).c_str());
    if (as == "colspan" || as == "rowspan") {
      int span = 1;
      if (!absl::SimpleAtoi(value, &span)) span = 1;
      return Styled::set_attr(name, std::to_string(std::clamp(span, 1, kMostSpan)).c_str());
    }
    Styled::set_attr(name, value);
  }

  // An item's attributes are there by then, and its parent's.
  bool appendChild(const element::ptr& child) override {
    if (!Styled::appendChild(child)) return false;
    if (std::string_view(child->get_tagName()) != "li") return true;
    if (auto* item = dynamic_cast<NumberedItem*>(child.get())) {
      const tchar_t* start = next_item_ ? nullptr : this->get_attr("start");
      item->number = NumberOf(child->get_attr("value"), next_item_.value_or(NumberOf(start, 1)));
      next_item_ = item->number < INT_MAX ? item->number + 1 : INT_MAX;
    }
    return true;
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

  // litehtml goes through all of a page three times and more: for what is a block, what floats,
  // what stands in lines, and what has a position. Where there are only words it asks each of them,
  // and all elements around it, in vain.
  void draw_children(litehtml::uint_ptr hdc, int x, int y, const litehtml::position* clip,
                     litehtml::draw_flag flag, int zindex) override {
    if (flag != litehtml::draw_inlines && HasOnlyWords()) return work_.Spend();
    work_.Spend(1 + this->m_children.size() / 8);
    Base::draw_children(hdc, x, y, clip, flag, zindex);
  }

  bool HasOnlyWords() override {
    if (!has_only_words_) {
      has_only_words_ = std::all_of(this->m_children.begin(), this->m_children.end(), IsOfWords);
    }
    return *has_only_words_;
  }

 protected:
  WorkBudget& work() const { return work_; }

 private:
  static bool IsOfWords(const element::ptr& child) {
    if (child->get_display() == litehtml::display_inline_text) return true;
    if (child->get_display() != litehtml::display_inline || child->is_positioned() ||
        child->get_float() != litehtml::float_none) {
      return false;
    }
    auto* const inner = dynamic_cast<WordHolder*>(child.get());
    return inner != nullptr && inner->HasOnlyWords();
  }

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
  std::optional<int> next_item_;
  std::optional<bool> has_only_words_;  // when it is drawn: nothing comes into it any more
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
