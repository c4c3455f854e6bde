#include "examples/browser_host/paint/text_case.h"

#include <glib.h>
#include <stddef.h>

#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

template <typename Change>
std::string Changed(std::string_view utf8, const Change& change) {
  std::string result;
  for (size_t at = 0; at < utf8.size();) {
    char bytes[6];
    const int size = g_unichar_to_utf8(change(NextCharacter(utf8, at)), bytes);
    result.append(bytes, static_cast<size_t>(size));
  }
  return result;
}

}  // namespace

std::string InUpperCase(std::string_view utf8) { return Changed(utf8, g_unichar_toupper); }

std::string InLowerCase(std::string_view utf8) { return Changed(utf8, g_unichar_tolower); }

std::string Capitalized(std::string_view utf8) {
  bool is_first = true;
  return Changed(utf8, [&](gunichar character) {
    const gunichar result = is_first ? g_unichar_totitle(character) : character;
    if (g_unichar_isalnum(character)) is_first = false;
    return result;
  });
}

}  // namespace browser_host
