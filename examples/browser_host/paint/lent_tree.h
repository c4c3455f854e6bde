// litehtml lays out the tree that the page was checked on, instead of parsing the page again.
//
//     LentTree lent(page);                       // once: litehtml writes to it
//     document = litehtml::document::createFromUTF8(page.html().c_str(), ...);
//
// Its createFromUTF8 takes text alone, and asks gumbo for the tree by gumbo_parse: in memory that
// nobody counts, without a clock. The linker has those two calls come here instead (--wrap, see
// ld(1); litehtml is linked statically). Of other texts, and where none is lent, gumbo_parse does
// what it does.
//
// Threads: the loan is the calling thread's.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_LENT_TREE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_LENT_TREE_H_

#include "examples/browser_host/paint/parsed_page.h"

namespace browser_host {

class LentTree {
 public:
  // While *this is there. `page` must outlive it and stay where it is. Not two at a time.
  explicit LentTree(ParsedPage& page);
  ~LentTree();
  LentTree(const LentTree&) = delete;
  LentTree& operator=(const LentTree&) = delete;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_LENT_TREE_H_
