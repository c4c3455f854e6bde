// The text of style sheets: where its parts begin and end.
//
// Whatever the text is, each of them takes time in proportion to it.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_CSS_TEXT_H_
#define EXAMPLES_BROWSER_HOST_PAINT_CSS_TEXT_H_

#include <stddef.h>

#include <string>
#include <string_view>

namespace browser_host {

// Takes out comments, and ends strings at the end of their line.
std::string WithoutComments(std::string_view css);

// From `at` to the first of `ends` that is outside of strings; the end: there is none.
size_t FindOutside(std::string_view css, size_t at, std::string_view ends);

// The end of the block that begins at the brace `open`: behind its closing one. 0: it has none.
size_t BlockEnd(std::string_view css, size_t open);

// Where the parenthesis that opens before `at` is closed; npos: nowhere.
size_t CloseOf(std::string_view text, size_t at);

bool IsNameCharacter(char c);

// Where, from `at` on, the function of that name is called: at its name. npos: nowhere.
size_t FindCall(std::string_view value, std::string_view name, size_t at = 0);

// Without space around it.
std::string_view Trimmed(std::string_view text);

// Letters of ASCII.
std::string Lower(std::string_view text);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_CSS_TEXT_H_
