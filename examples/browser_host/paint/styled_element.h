// A litehtml element that has its style from SharedStyles.
//
//     class Cell : public StyledElement<litehtml::el_td> { ... };
//
// What it looks like is as without: only how often it is reckoned is not. Elements of one kind, in
// elements that look alike, with the same rules of the style sheets, and without attributes that
// say how they look, look alike; each but the first of them copies what litehtml has made of the
// rules for the first, and asks that one for properties.
//
// And what elements have from those around them is looked for once: litehtml asks each element for
// it many times each word's, most of the time up to the root, past maps of strings of all that are
// between.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_STYLED_ELEMENT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_STYLED_ELEMENT_H_

#include <litehtml/litehtml.h>

#include <array>
#include <bitset>
#include <concepts>
#include <memory>
#include <string_view>

#include "absl/strings/match.h"
#include "examples/browser_host/paint/master_style.h"
#include "examples/browser_host/paint/shared_styles.h"

namespace litehtml {
class el_anchor;
class el_div;
class el_para;
class el_td;
class el_tr;
}  // namespace litehtml

namespace browser_host {

inline constexpr std::array<std::string_view, 13> kInheritedProperties = {
    "text-transform", "color",       "white-space",    "visibility",
    "text-indent",    "line-height", "font-style",     "font-weight",
    "font-family",    "text-align",  "vertical-align", "list-style-image",
    "text-decoration"};

// Or as many as there are.
size_t InheritedIndex(std::string_view name);

// Whether an attribute of that name leaves an element's look to the style sheets.
bool IsOfNoLook(std::string_view attribute);

// What elements of all kinds say of themselves to those that are in them.
class StyleParent {
 public:
  virtual ~StyleParent() = default;
  // The first of those that look alike.
  virtual const litehtml::element* first_alike() const = 0;
};

// Kinds whose parse_styles is that of html_tag, with all that it writes.
template <typename Base>
concept HasStyleOfHtmlTag =
    std::same_as<Base, litehtml::html_tag> || std::same_as<Base, litehtml::el_td> ||
    std::same_as<Base, litehtml::el_tr> || std::same_as<Base, litehtml::el_para> ||
    std::same_as<Base, litehtml::el_div> || std::same_as<Base, litehtml::el_anchor>;

// `Base`: html_tag or one of its classes.
template <typename Base>
class StyledElement : public Base, public StyleParent {
 public:
  // `styles` must outlive what is asked of the element.
  StyledElement(const std::shared_ptr<litehtml::document>& document, SharedStyles& styles)
      : Base(document), styles_(styles) {}

  // Of the master style sheet only what may match an element of this name.
  void apply_stylesheet(const litehtml::css& sheet) override {
    Base::apply_stylesheet(IsOfMasterStyle(sheet) ? MasterStyleFor(this->get_tagName()) : sheet);
  }

  void add_style(const litehtml::tstring& style, const litehtml::tstring& base_url) override {
    rules_.push_back(&styles_.Parsed(style, base_url));
    if (!has_style_) return;
    Unshare();
    AddRules();
    inherited_ = {};
    is_known_ = {};
  }

  void set_attr(const litehtml::tchar_t* name, const litehtml::tchar_t* value) override {
    if (name == nullptr || !IsOfNoLook(name)) has_own_look_ = true;
    Base::set_attr(name, value);
  }

  // Between the master style sheet and the page's. litehtml's own classes write to m_style here,
  // past the rules; classes of ours say what attributes mean by add_style, which is a rule.
  void parse_attributes() override {
    if (has_own_look_) AddRules();
    Base::parse_attributes();
  }

  // From here on nothing is added to the style of this element and of those around it, whose turn
  // was before, but by add_style.
  void parse_styles(bool is_reparse) override {
    has_style_ = true;
    inherited_ = {};
    is_known_ = {};
    if constexpr (HasStyleOfHtmlTag<Base>) {
      if (!is_reparse && !has_own_look_ && LooksAsOther()) return;
    }
    Unshare();
    AddRules();
    if (IsHidden()) {
      this->m_display = litehtml::display_none;
      return;
    }
    Base::parse_styles(is_reparse);
  }

  const litehtml::tchar_t* get_style_property(const litehtml::tchar_t* name, bool inherited,
                                              const litehtml::tchar_t* otherwise) const override {
    if (first_ != nullptr) return first_->get_style_property(name, inherited, otherwise);
    if (!inherited) {
      // litehtml's own would look for the parent too, and count it.
      const litehtml::tchar_t* const own = this->m_style.get_property(name);
      if (own == nullptr) return otherwise;
      if (!absl::EqualsIgnoreCase(own, "inherit")) return own;
    }
    const size_t index =
        inherited && has_style_ ? InheritedIndex(name) : kInheritedProperties.size();
    if (index == kInheritedProperties.size()) {
      return Base::get_style_property(name, inherited, otherwise);
    }
    if (!is_known_[index]) {
      is_known_[index] = true;
      inherited_[index] = Base::get_style_property(name, true, nullptr);
    }
    return inherited_[index] != nullptr ? inherited_[index] : otherwise;
  }

  const litehtml::element* first_alike() const override {
    return first_ != nullptr ? first_ : this;
  }

 private:
  static constexpr char kKind = 0;

  void AddRules() {
    for (const ParsedRule* rule : rules_) {
      styles_.CountProperties(rule->properties);
      this->m_style.combine(rule->style);
    }
    rules_.clear();
  }

  // Neither it nor what is in it has a box, whatever else its style says: a page's head, and what
  // is in that.
  bool IsHidden() const {
    if (this->get_attr("style") != nullptr || !this->have_parent()) return false;
    const litehtml::tchar_t* const display = this->m_style.get_property("display");
    return display != nullptr && std::string_view(display) == "none";
  }

  void Unshare() {
    if (first_ == nullptr) return;
    this->m_style = first_->m_style;
    first_ = nullptr;
  }

  // False: it is the first that looks so.
  bool LooksAsOther() {
    const litehtml::element::ptr parent = this->parent();
    if (parent == nullptr) return false;
    const auto* as_parent = dynamic_cast<const StyleParent*>(parent.get());
    const litehtml::element* const alike =
        as_parent != nullptr ? as_parent->first_alike() : parent.get();
    litehtml::element* const first = styles_.FirstOf(
        {.kind = &kKind, .parent = alike, .rules = rules_}, this->shared_from_this());
    if (first == this) return false;
    first_ = static_cast<const StyledElement*>(first);
    rules_.clear();
    CopyLook(*first_);
    if (IsTabular()) this->get_document()->add_tabular(this->shared_from_this());
    for (const litehtml::element::ptr& child : this->m_children) child->parse_styles(false);
    return true;
  }

  // litehtml lays their tables out, where there is none around them.
  bool IsTabular() const {
    switch (this->m_display) {
      case litehtml::display_table_caption:
      case litehtml::display_table_cell:
      case litehtml::display_table_column:
      case litehtml::display_table_column_group:
      case litehtml::display_table_footer_group:
      case litehtml::display_table_header_group:
      case litehtml::display_table_row:
      case litehtml::display_table_row_group:
        return true;
      default:
        return this->m_display == litehtml::display_table;
    }
  }

  // All that html_tag's parse_styles writes, of what its header has.
  void CopyLook(const StyledElement& from) {
    this->m_margins = from.m_margins;
    this->m_padding = from.m_padding;
    this->m_borders = from.m_borders;
    this->m_vertical_align = from.m_vertical_align;
    this->m_text_align = from.m_text_align;
    this->m_display = from.m_display;
    this->m_list_style_type = from.m_list_style_type;
    this->m_list_style_position = from.m_list_style_position;
    this->m_white_space = from.m_white_space;
    this->m_float = from.m_float;
    this->m_clear = from.m_clear;
    this->m_bg = from.m_bg;
    this->m_el_position = from.m_el_position;
    this->m_line_height = from.m_line_height;
    this->m_lh_predefined = from.m_lh_predefined;
    this->m_font = from.m_font;
    this->m_font_size = from.m_font_size;
    this->m_font_metrics = from.m_font_metrics;
    this->m_css_margins = from.m_css_margins;
    this->m_css_padding = from.m_css_padding;
    this->m_css_borders = from.m_css_borders;
    this->m_css_width = from.m_css_width;
    this->m_css_height = from.m_css_height;
    this->m_css_min_width = from.m_css_min_width;
    this->m_css_min_height = from.m_css_min_height;
    this->m_css_max_width = from.m_css_max_width;
    this->m_css_max_height = from.m_css_max_height;
    this->m_css_offsets = from.m_css_offsets;
    this->m_css_text_indent = from.m_css_text_indent;
    this->m_overflow = from.m_overflow;
    this->m_visibility = from.m_visibility;
    this->m_z_index = from.m_z_index;
    this->m_box_sizing = from.m_box_sizing;
    this->m_css_border_spacing_x = from.m_css_border_spacing_x;
    this->m_css_border_spacing_y = from.m_css_border_spacing_y;
    this->m_border_spacing_x = from.m_border_spacing_x;
    this->m_border_spacing_y = from.m_border_spacing_y;
    this->m_border_collapse = from.m_border_collapse;
  }

  SharedStyles& styles_;
  absl::InlinedVector<const ParsedRule*, 6> rules_;  // that m_style has not yet
  const StyledElement* first_ = nullptr;             // that this one looks like
  bool has_own_look_ = false;
  bool has_style_ = false;
  // What get_style_property has found.
  mutable std::array<const litehtml::tchar_t*, kInheritedProperties.size()> inherited_ = {};
  mutable std::bitset<kInheritedProperties.size()> is_known_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_STYLED_ELEMENT_H_
