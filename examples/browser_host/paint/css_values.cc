#include "examples/browser_host/paint/css_values.h"

#include <stddef.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "examples/browser_host/paint/css_text.h"

namespace browser_host {
namespace {

bool IsOfANumber(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.'; }

bool IsOfAWord(char c) { return IsNameCharacter(c) || IsOfANumber(c) || c == '%' || c == '#'; }

// Or there is nothing to be done, as mostly.
bool MayHaveUnknownLength(std::string_view value) {
  for (size_t at = 0; at + 2 < value.size(); ++at) {
    if (!IsOfANumber(value[at])) continue;
    const char first = static_cast<char>(value[at + 1] | 0x20);
    const char second = static_cast<char>(value[at + 2] | 0x20);
    if ((first == 'e' && second == 'x') || (first == 'c' && second == 'h') ||
        (first == 'p' && second == 'c')) {
      return true;
    }
  }
  return false;
}

// `value` with its words, outside of strings and url(), replaced by what `known` makes of them.
template <typename Known>
std::string ReplaceWords(std::string_view value, const Known& known) {
  std::string out;
  for (size_t at = 0; at < value.size();) {
    const char c = value[at];
    size_t end = at + 1;
    if (c == '"' || c == '\'') {
      while (end < value.size() && value[end] != c) end += value[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, value.size());
    } else if (Lower(value.substr(at, 4)) == "url(") {
      end = std::min(value.find(')', at), value.size() - 1) + 1;
    } else if (IsOfAWord(c)) {
      while (end < value.size() && IsOfAWord(value[end])) ++end;
      out += known(value.substr(at, end - at));
      at = end;
      continue;
    }
    out += value.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string KnownLength(std::string_view word) {
  size_t unit = word[0] == '-' ? 1 : 0;
  while (unit < word.size() && IsOfANumber(word[unit])) ++unit;
  const std::string name = Lower(word.substr(unit));
  double count = 0;
  if ((name == "ex" || name == "ch" || name == "pc") &&
      absl::SimpleAtod(absl::string_view(word.data(), unit), &count)) {
    return name == "pc" ? absl::StrCat(count * 16, "px") : absl::StrCat(count / 2, "em");
  }
  return std::string(word);
}

std::string OpaqueColor(std::string_view word) {
  const bool is_hex =
      word[0] == '#' && std::all_of(word.begin() + 1, word.end(),
                                    [](unsigned char c) { return absl::ascii_isxdigit(c); });
  if (is_hex && word.size() == 5) word.remove_suffix(1);
  if (is_hex && word.size() == 9) word.remove_suffix(2);
  return std::string(word);
}

}  // namespace

std::string KnownLengths(std::string_view value) {
  if (!MayHaveUnknownLength(value)) return std::string(value);
  return ReplaceWords(value, KnownLength);
}

std::string OpaqueColors(std::string_view value) {
  if (value.find('#') == std::string_view::npos) return std::string(value);
  return ReplaceWords(value, OpaqueColor);
}

bool HasUnknownColor(std::string_view value) {
  for (const std::string_view function :
       {"hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color", "color-mix", "light-dark"}) {
    if (FindCall(value, function) != std::string_view::npos) return true;
  }
  for (const std::string_view function : {"rgb", "rgba"}) {
    for (size_t at = FindCall(value, function); at != std::string_view::npos;
         at = FindCall(value, function, at + 1)) {
      const std::string_view inside = value.substr(at, value.find(')', at) - at);
      const size_t last_comma = inside.rfind(',');
      // Numbers with spaces between, or shares of a whole.
      if (last_comma == std::string_view::npos ||
          inside.substr(0, last_comma).find('%') != std::string_view::npos) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace browser_host
