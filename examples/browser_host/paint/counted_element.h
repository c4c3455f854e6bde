// A litehtml element that counts what it does, and keeps a page to its bounds.
//
//     class Cell : public Counted<litehtml::el_td> { ... };
//
// Throws PageRefused out of litehtml. See elements.h for what it does otherwise than litehtml.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_COUNTED_ELEMENT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_COUNTED_ELEMENT_H_

#include <limits.h>
#include <litehtml/litehtml.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "examples/browser_host/paint/clean_css.h"
#include "examples/browser_host/paint/paint_bounds.h"
#include "examples/browser_host/paint/shared_styles.h"
#include "examples/browser_host/paint/styled_element.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {

inline constexpr int kMostSpan = 1000;

// Of a list, by whoever it is in.
struct NumberedItem {
  virtual ~NumberedItem() = default;
  int number = 0;
};

// <br>, to whatever it is in.
struct LineBreak {
  virtual ~LineBreak() = default;
  bool clears = true;
};

inline int NumberOf(const litehtml::tchar_t* attribute, int otherwise) {
  int number;
  return attribute != nullptr && absl::SimpleAtoi(attribute, &number) ? number : otherwise;
}

struct WordHolder {
  virtual ~WordHolder() = default;
  // In lines, in whatever elements.
  virtual bool HasOnlyWords() = 0;
};

// What an element has answered last about a child of it.
struct InlineEdges {
  virtual ~InlineEdges() = default;
  mutable bool is_first = true;
  mutable bool is_last = true;
};

// `Base`: html_tag or one of its classes.
template <typename Base>
class Counted : public StyledElement<Base>, public WordHolder, public InlineEdges {
 public:
  using Styled = StyledElement<Base>;
  Counted(const std::shared_ptr<litehtml::document>& document, SharedStyles& styles,
          WorkBudget& work, const PaintBounds& bounds)
      : Styled(document, styles), work_(work), bounds_(bounds) {}

  using Base::select;
  int select(const litehtml::css_element_selector& selector, bool apply_pseudo) override {
    work_.Spend();
    return Base::select(selector, apply_pseudo);
  }

  bool is_nth_child(const litehtml::element::ptr& child, int num, int off,
                    bool of_type) const override {
    work_.Spend(this->m_children.size() / 8);
    return Base::is_nth_child(child, num, off, of_type);
  }

  bool is_nth_last_child(const litehtml::element::ptr& child, int num, int off,
                         bool of_type) const override {
    work_.Spend(this->m_children.size() / 8);
    return Base::is_nth_last_child(child, num, off, of_type);
  }

  litehtml::element::ptr find_sibling(const litehtml::element::ptr& child,
                                      const litehtml::css_selector& selector, bool apply_pseudo,
                                      bool* is_pseudo) override {
    work_.Spend(this->m_children.size() / 8);
    return Base::find_sibling(child, selector, apply_pseudo, is_pseudo);
  }

  void set_attr(const litehtml::tchar_t* name, const litehtml::tchar_t* value) override {
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
  bool appendChild(const litehtml::element::ptr& child) override {
    if (!Styled::appendChild(child)) return false;
    if (std::string_view(child->get_tagName()) != "li") return true;
    if (auto* item = dynamic_cast<NumberedItem*>(child.get())) {
      const litehtml::tchar_t* start = next_item_ ? nullptr : this->get_attr("start");
      item->number = NumberOf(child->get_attr("value"), next_item_.value_or(NumberOf(start, 1)));
      next_item_ = item->number < INT_MAX ? item->number + 1 : INT_MAX;
    }
    return true;
  }

  // litehtml asks these from a word outwards: whether it is the first of the <code> that it is in,
  // and that one the first of its <a>. It goes on when the answer was no, and so gave each word of
  // the <code> the padding of the <a>.
  bool is_first_child_inline(const litehtml::element::ptr& child) const override {
    return this->is_first =
               Base::is_first_child_inline(child) && HasSaid(*child, &InlineEdges::is_first);
  }

  bool is_last_child_inline(const litehtml::element::ptr& child) override {
    return this->is_last =
               Base::is_last_child_inline(child) && HasSaid(*child, &InlineEdges::is_last);
  }

  // litehtml 0.6 raises nothing above its line's baseline: of what is inline it does not look at
  // vertical-align at all, and of inline blocks it takes super, sub and lengths for baseline. But
  // each tells it where its own baseline is.
  void parse_styles(bool is_reparse) override {
    if (!this->m_children.empty()) {
      DropContentOfOtherRules(*this->m_children.front());
      DropContentOfOtherRules(*this->m_children.back());
    }
    Styled::parse_styles(is_reparse);
    raise_ = 0;
    if (this->m_display != litehtml::display_inline && !this->is_inline_box()) return;
    const litehtml::tchar_t* const align =
        this->get_style_property("vertical-align", false, nullptr);
    // It inherits it too: that of a table's cell.
    if (align == nullptr) this->m_vertical_align = litehtml::va_baseline;
    if (align != nullptr) raise_ = Raise(align);
    if (raise_ == 0 || this->m_display != litehtml::display_inline) return;
    this->m_display = litehtml::display_inline_block;
    this->m_css_text_indent.set_value(0, litehtml::css_units_px);
  }

  int get_base_line() override {
    const bool is_raised = this->m_display == litehtml::display_inline_block;
    return Base::get_base_line() - (is_raised ? raise_ : 0);
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

  int place_element(const litehtml::element::ptr& child, int max_width) override {
    work_.Spend(5);
    // litehtml begins a line with a break instead of ending one: where none is open it loses an
    // empty line, and before a block it has one too many.
    if (child->is_break()) {
      if (!HasOpenLine()) PlaceEmptyLine(child, max_width);
    } else if (IsBlock(*child)) {
      FlattenLineOfBreak();
    }
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
  static bool IsOfWords(const litehtml::element::ptr& child) {
    if (child->get_display() == litehtml::display_inline_text) return true;
    if (child->get_display() != litehtml::display_inline || child->is_positioned() ||
        child->get_float() != litehtml::float_none) {
      return false;
    }
    auto* const inner = dynamic_cast<WordHolder*>(child.get());
    return inner != nullptr && inner->HasOnlyWords();
  }

  bool HasOpenLine() const {
    return !this->m_boxes.empty() && this->m_boxes.back()->get_type() == litehtml::box_line &&
           !this->m_boxes.back()->is_empty();
  }

  // With the break itself in it, which takes no room; what it clears is below.
  void PlaceEmptyLine(const litehtml::element::ptr& child, int max_width) {
    if (child->get_display() != litehtml::display_inline_block &&
        child->get_display() != litehtml::display_inline_text) {
      return;
    }
    auto* const line_break = dynamic_cast<LineBreak*>(child.get());
    if (line_break != nullptr) line_break->clears = false;
    Base::place_element(child, max_width);
    if (line_break != nullptr) line_break->clears = true;
  }

  // litehtml leaves ::before and ::after the text of one rule where a later one says that there is
  // none.
  static void DropContentOfOtherRules(litehtml::element& child) {
    const std::string_view name = child.get_tagName();
    if (name != "::before" && name != "::after") return;
    const std::string_view content = child.get_style_property("content", false, "");
    if (content == "none" || content == "normal") child.add_style("display: none", "");
    if (content == "\"\"") child.clearRecursive();
  }

  // In pixels, as browsers do.
  int Raise(const litehtml::tchar_t* align) const {
    constexpr int kMost = 10'000;
    const litehtml::element::ptr parent = this->parent();
    if (parent == nullptr) return 0;
    if (absl::EqualsIgnoreCase(align, "super")) return parent->get_font_size() / 3 + 1;
    if (absl::EqualsIgnoreCase(align, "sub")) return -(parent->get_font_size() / 5 + 1);
    if (std::string_view("+-.0123456789").find(*align) == std::string_view::npos) return 0;
    litehtml::css_length length;
    length.fromString(align);
    if (length.units() == litehtml::css_units_percentage) {
      return std::clamp(length.calc_percent(this->m_line_height), -kMost, kMost);
    }
    return std::clamp(this->get_document()->cvt_units(length, this->m_font_size), -kMost, kMost);
  }

  // Words and boxes, with which the asking begins, have said nothing.
  static bool HasSaid(const litehtml::element& child, bool InlineEdges::*edge) {
    if (child.get_display() != litehtml::display_inline) return true;
    const auto* edges = dynamic_cast<const InlineEdges*>(&child);
    return edges == nullptr || edges->*edge;
  }

  static bool IsBlock(const litehtml::element& child) {
    const litehtml::style_display display = child.get_display();
    return display != litehtml::display_none && display != litehtml::display_inline &&
           !child.is_inline_box() && child.in_normal_flow() &&
           child.get_float() == litehtml::float_none &&
           child.get_element_position() != litehtml::element_position_fixed;
  }

  // The last line, if nothing but a break is in it: below what it clears, and without height.
  void FlattenLineOfBreak() {
    if (!HasOpenLine()) return;
    litehtml::elements_vector items;
    this->m_boxes.back()->get_elements(items);
    const auto is_skipped = [](const litehtml::element::ptr& item) { return item->skip(); };
    if (!items[0]->is_break() || !std::all_of(items.begin(), items.end(), is_skipped)) return;
    const int top = this->m_boxes.back()->top(), left = this->m_boxes.back()->left();
    this->m_boxes.pop_back();
    if (items[0]->get_display() != litehtml::display_inline_block) return;
    litehtml::font_metrics of_no_text;
    this->m_boxes.push_back(std::make_unique<litehtml::line_box>(top, left, left, 0, of_no_text,
                                                                 litehtml::text_align_left));
    this->m_boxes.back()->add_element(items[0]);
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

  void CountRows(const litehtml::element& group, size_t& rows, size_t& columns) const {
    for (size_t i = 0; i < group.get_children_count(); ++i) {
      work_.Spend();
      const litehtml::element::ptr child = group.get_child(static_cast<int>(i));
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

  size_t CountCells(const litehtml::element& row) const {
    size_t cells = 0;
    for (size_t i = 0; i < row.get_children_count(); ++i) {
      work_.Spend();
      const litehtml::element::ptr cell = row.get_child(static_cast<int>(i));
      const litehtml::tchar_t* span = cell->get_attr("colspan", "1");
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
  int raise_ = 0;                       // above the line's baseline
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_COUNTED_ELEMENT_H_
