// A page's bytes as text that every library below takes: well-formed UTF-8 without NUL.
//
//     WellFormedUtf8("caf\xe9\0!")      // "caf\ufffd\ufffd!"
//
// Each byte that belongs to no character becomes U+FFFD, as do NUL, surrogates, forms that are
// longer than need be and what is above U+10FFFF. A byte order mark at the beginning is dropped.
#ifndef EXAMPLES_BROWSER_HOST_PAINT_WELL_FORMED_H_
#define EXAMPLES_BROWSER_HOST_PAINT_WELL_FORMED_H_

#include <stddef.h>

#include <string>
#include <string_view>

namespace browser_host {

std::string WellFormedUtf8(std::string_view bytes);

// Whether all of it is characters, NUL among them.
bool IsWellFormedUtf8(std::string_view bytes);

// How many bytes the well-formed character at `at` has; 0: none begins there.
size_t CharacterBytes(std::string_view text, size_t at);

// `character` is one.
void AppendUtf8(char32_t character, std::string& out);

// The character at `at` of well-formed text; moves `at` behind it.
char32_t NextCharacter(std::string_view text, size_t& at);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAINT_WELL_FORMED_H_
