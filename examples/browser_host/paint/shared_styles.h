// The styles of a page's elements, each reckoned once: litehtml parses the declarations of a rule
// anew for each element that the rule is for, and asks each element for seventy properties by their
// names; in a table of a thousand cells a thousand times the same.
//
//     SharedStyles styles;                                       // of one document
//     const ParsedRule& rule = styles.Parsed(declarations, base_url);
//     const Origin origin = {.kind = &kKind, .parent = parent, .rules = {&rule}};
//     const auto* first = styles.FirstOf(origin, self);
//     if (first != self.get()) ...                               // looks as that one does
//
// Threads: one at a time.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_SHARED_STYLES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_SHARED_STYLES_H_

#include <litehtml/litehtml.h>

#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/container/node_hash_map.h"
#include "examples/browser_host/paint/parsed_rule.h"

namespace browser_host {

class SharedStyles {
 public:
  static constexpr size_t kMostProperties = 4'000'000;

  // All that the style of an element comes from, which has no attributes that say how it looks.
  struct Origin {
    const void* kind;    // of element
    const void* parent;  // the first element that looks as the one around it does, or that one
    absl::InlinedVector<const ParsedRule*, 6> rules;  // of Parsed, as they come

    bool operator==(const Origin&) const = default;
    template <typename Hash>
    friend Hash AbslHashValue(Hash hash, const Origin& origin) {
      return Hash::combine(std::move(hash), origin.kind, origin.parent, origin.rules);
    }
  };

  // Of the master style sheet or of this page. The reference holds until *this ends.
  const ParsedRule& Parsed(const std::string& declarations, const std::string& base_url);

  // Before so many properties more become an element's own. Throws PageRefused beyond
  // kMostProperties of all: each is some hundred bytes.
  void CountProperties(size_t properties);

  // The element that was the first of that origin: `element`, if there was none. It lives on until
  // *this ends.
  litehtml::element* FirstOf(Origin origin, const litehtml::element::ptr& element);

 private:
  // By the addresses of their style sheets, then by what they declare.
  std::map<std::string, absl::node_hash_map<std::string, ParsedRule>> parsed_;
  absl::flat_hash_map<Origin, litehtml::element::ptr> first_;
  size_t properties_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_SHARED_STYLES_H_
