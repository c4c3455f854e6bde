// The elements of a page, each a litehtml element that counts what it does and keeps to bounds.
//
//     ElementFactory factory(work, bounds, listener);
//     litehtml::element::ptr element = factory.Create("td", attributes, document);
//
// litehtml asks its container for each element, and its own classes have virtual functions in all
// the places where time goes: matching selectors, laying out, looking for floats, drawing. Each
// such call spends of the WorkBudget, and so may throw PageRefused out of litehtml.
//
// What is otherwise different from litehtml's own elements:
//   - <html> is a block whatever the page says: another one crashes litehtml, which looks for the
//     parent of a table cell;
//   - colspan and rowspan are 1000 at most, as in browsers, and a table's grid is bounded;
//   - <style media=print> is not for the screen; a style sheet is cleaned (clean_css.h);
//   - <br> ends a line, also where none is open, and never gives the block behind it an empty line
//     before it;
//   - vertical-align raises and lowers (super, sub, lengths), what is inline as one box;
//   - ::before and ::after show nothing where the last rule for them says so;
//   - <li value=5> is numbered so, as in browsers;
//   - <table border=1 cellpadding=3> draws the borders and pads the cells;
//   - <q> has marks, <input> its value, closed <details> their summary only (form_elements.h), and
//     a missing image what stands for it (image_element.h);
//   - <iframe> is an empty box of its width and height, 300 to 150 without, and told of.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_ELEMENTS_H_
#define EXAMPLES_BROWSER_HOST_PAINT_ELEMENTS_H_

#include <litehtml/litehtml.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "examples/browser_host/paint/clean_css.h"
#include "examples/browser_host/paint/paint_bounds.h"
#include "examples/browser_host/paint/shared_styles.h"
#include "examples/browser_host/paint/work_budget.h"

namespace browser_host {

// What elements tell the painter of their page. Some are gone by the time that it asks: litehtml
// drops what is in a script.
struct PageNotes {
  std::vector<litehtml::element::weak_ptr> links;   // <a href>
  std::vector<litehtml::element::weak_ptr> frames;  // <iframe>
  PageStyles styles;                                // of its style sheets, as they are parsed
  SharedStyles shared_styles;
};

class ElementFactory {
 public:
  // Both must outlive every element.
  ElementFactory(WorkBudget& work, const PaintBounds& bounds) : work_(work), bounds_(bounds) {}

  litehtml::element::ptr Create(std::string_view tag, const litehtml::string_map& attributes,
                                const std::shared_ptr<litehtml::document>& document,
                                PageNotes& notes) const;

 private:
  WorkBudget& work_;
  const PaintBounds& bounds_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_ELEMENTS_H_
