// Lengths and colours of declarations as litehtml 0.6 takes them.
//
//     KnownLengths("5ex 2pc url(4ex)")    // "2.5em 32px url(4ex)"
//     HasUnknownColor("hsl(0 0% 50%)")    // true
//     OpaqueColors("1px solid #ff000080")  // "1px solid #ff0000"
//
// It takes ex, ch and pc for pixels; and colours that it does not know for black, also where a
// declaration before has one that it knows.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_CSS_VALUES_H_
#define EXAMPLES_BROWSER_HOST_PAINT_CSS_VALUES_H_

#include <string>
#include <string_view>

namespace browser_host {

// ex and ch as half an em, which they are nearly in most fonts (CSS Values 3, 5.1.1); pc as 16px.
std::string KnownLengths(std::string_view value);

// A function of colours other than rgb() and rgba() with commas. `value`: in lower case.
bool HasUnknownColor(std::string_view value);

// "#rgba" and "#rrggbbaa" without their alpha.
std::string OpaqueColors(std::string_view value);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_CSS_VALUES_H_
