// text-transform of CSS.
//
//     InUpperCase("straße")        // "STRAßE": character for character
#ifndef EXAMPLES_BROWSER_HOST_PAINT_TEXT_CASE_H_
#define EXAMPLES_BROWSER_HOST_PAINT_TEXT_CASE_H_

#include <string>
#include <string_view>

namespace browser_host {

// All of well-formed UTF-8, character for character.
std::string InUpperCase(std::string_view utf8);
std::string InLowerCase(std::string_view utf8);
// The first letter in upper case, the rest as it is.
std::string Capitalized(std::string_view utf8);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_TEXT_CASE_H_
