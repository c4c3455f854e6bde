// A litehtml element that counts what it does, and keeps a page to its bounds.
//
//     class Cell : public Counted<litehtml::el_td> { ... };
//
// Throws PageRefused out of litehtml. See elements.h for what it does otherwise than litehtml.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_COUNTED_ELEMENT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_COUNTED_ELEMENT_H_

#include <litehtml/litehtml.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "examples/browser_host/paint/clean_css.h"
#include "examples/browser_host/paint/mended_element.h"
#include "examples/browser_host/paint/paint_bounds.h"
#include "examples/browser_host/paint/shared_styles.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {

inline constexpr int kMostSpan = 1000;

// `Base`: html_tag or one of its classes.
template <typename Base>
class Counted : public MendedElement<Base> {
 public:
  using Mended = MendedElement<Base>;
  Counted(const std::shared_ptr<litehtml::document>& document, SharedStyles& styles,
          WorkBudget& work, const PaintBounds& bounds)
      : Mended(document, styles), work_(work), bounds_(bounds) {}

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
      return Mended::set_attr(name, CleanDeclarations(value, PageStyles()).c_str());
    if (as == "colspan" || as == "rowspan") {
      int span = 1;
      if (!absl::SimpleAtoi(value, &span)) span = 1;
      return Mended::set_attr(name, std::to_string(std::clamp(span, 1, kMostSpan)).c_str());
    }
    Mended::set_attr(name, value);
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
    return Mended::place_element(child, max_width);
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
    Mended::draw_children(hdc, x, y, clip, flag, zindex);
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
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_COUNTED_ELEMENT_H_
