// A litehtml element without the faults of litehtml 0.6 in laying out text: what it gets wrong, and
// what it does in vain.
//
//     class Cell : public MendedElement<litehtml::el_td> { ... };
//
//   - the padding of an inline element is there once, and not for each word of what is in it;
//   - text is raised and lowered (vertical-align: super, sub, lengths);
//   - <br> begins no line where none is open, and ends one before a block;
//   - list items are numbered as they come: its own looks at all before each of them;
//   - ::before and ::after have no text where a later rule says that they have none;
//   - drawing goes through what is only words once, not once for each kind of box.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_MENDED_ELEMENT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_MENDED_ELEMENT_H_

#include <limits.h>
#include <litehtml/litehtml.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "examples/browser_host/paint/shared_styles.h"
#include "examples/browser_host/paint/styled_element.h"

namespace browser_host {

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

// What an element of ours says to those around it.
struct InlineContent {
  virtual ~InlineContent() = default;
  // In lines, in whatever elements.
  virtual bool HasOnlyWords() = 0;
  // What it has answered last about a child of it.
  mutable bool is_first = true;
  mutable bool is_last = true;
};

// `Base`: html_tag or one of its classes.
template <typename Base>
class MendedElement : public StyledElement<Base>, public InlineContent {
 public:
  using Styled = StyledElement<Base>;
  using Styled::Styled;

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
               Base::is_first_child_inline(child) && HasSaid(*child, &InlineContent::is_first);
  }

  bool is_last_child_inline(const litehtml::element::ptr& child) override {
    return this->is_last =
               Base::is_last_child_inline(child) && HasSaid(*child, &InlineContent::is_last);
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

  int place_element(const litehtml::element::ptr& child, int max_width) override {
    // litehtml begins a line with a break instead of ending one: where none is open it loses an
    // empty line, and before a block it has one too many.
    if (child->is_break()) {
      if (!HasOpenLine()) PlaceEmptyLine(child, max_width);
    } else if (IsBlock(*child)) {
      FlattenLineOfBreak();
    }
    return Styled::place_element(child, max_width);
  }

  // litehtml goes through all of a page three times and more: for what is a block, what floats,
  // what stands in lines, and what has a position. Where there are only words it asks each of them,
  // and all elements around it, in vain.
  void draw_children(litehtml::uint_ptr hdc, int x, int y, const litehtml::position* clip,
                     litehtml::draw_flag flag, int zindex) override {
    if (flag != litehtml::draw_inlines && HasOnlyWords()) return;
    Styled::draw_children(hdc, x, y, clip, flag, zindex);
  }

  bool HasOnlyWords() override {
    if (!has_only_words_) {
      has_only_words_ = std::all_of(this->m_children.begin(), this->m_children.end(), IsOfWords);
    }
    return *has_only_words_;
  }

 private:
  static bool IsOfWords(const litehtml::element::ptr& child) {
    if (child->get_display() == litehtml::display_inline_text) return true;
    if (child->get_display() != litehtml::display_inline || child->is_positioned() ||
        child->get_float() != litehtml::float_none) {
      return false;
    }
    auto* const inner = dynamic_cast<InlineContent*>(child.get());
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
  static bool HasSaid(const litehtml::element& child, bool InlineContent::*edge) {
    if (child.get_display() != litehtml::display_inline) return true;
    const auto* edges = dynamic_cast<const InlineContent*>(&child);
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

  std::optional<int> next_item_;
  std::optional<bool> has_only_words_;  // when it is drawn: nothing comes into it any more
  int raise_ = 0;                       // above the line's baseline
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_MENDED_ELEMENT_H_
