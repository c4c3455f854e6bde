#include "examples/browser_host/paint/css_values.h"

#include <stddef.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "examples/browser_host/paint/css_text.h"

namespace browser_host {
namespace {

bool IsOfAName(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '%' || byte >= 0x80;
}

bool IsOfANumber(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.'; }

size_t EndOf(std::string_view value, size_t at, bool (*is_of_it)(char)) {
  while (at < value.size() && is_of_it(value[at])) ++at;
  return at;
}

// What `number` of `unit` is; nothing: litehtml knows.
std::optional<std::string> Known(std::string_view number, std::string_view unit) {
  double count = 0;
  if (!absl::SimpleAtod(absl::string_view(number.data(), number.size()), &count)) return {};
  const std::string name = Lower(unit);
  if (name == "ex" || name == "ch") return absl::StrCat(count / 2, "em");
  if (name == "pc") return absl::StrCat(count * 16, "px");
  return {};
}

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

// Calls `on_word(begin)` at each beginning of a word or number outside of strings and url(), which
// gives where it goes on, having appended to `out`; all else is appended as it is.
template <typename OnWord>
std::string EachWord(std::string_view value, std::string& out, const OnWord& on_word) {
  for (size_t at = 0; at < value.size();) {
    const char c = value[at];
    size_t end = at + 1;
    if (c == '"' || c == '\'') {
      while (end < value.size() && value[end] != c) end += value[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, value.size());
    } else if (Lower(value.substr(at, 4)) == "url(") {
      end = std::min(value.find(')', at), value.size() - 1) + 1;
    } else if (IsOfAName(c) || c == '.' || c == '#') {
      at = on_word(at);
      continue;
    }
    out += value.substr(at, end - at);
    at = end;
  }
  return out;
}

}  // namespace

std::string KnownLengths(std::string_view value) {
  if (!MayHaveUnknownLength(value)) return std::string(value);
  std::string out;
  return EachWord(value, out, [&](size_t begin) {
    const size_t sign = value[begin] == '-' ? 1 : 0;
    const size_t number = EndOf(value, begin + sign, IsOfANumber);
    const size_t end = std::max(EndOf(value, number, IsOfAName), begin + 1);
    const std::optional<std::string> known =
        number > begin + sign
            ? Known(value.substr(begin, number - begin), value.substr(number, end - number))
            : std::nullopt;
    out += known ? *known : std::string(value.substr(begin, end - begin));
    return end;
  });
}

bool HasUnknownColor(std::string_view value) {
  for (const std::string_view function : {"hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(",
                                          "oklch(", "color(", "color-mix(", "light-dark("}) {
    for (size_t at = value.find(function); at != std::string_view::npos;
         at = value.find(function, at + 1)) {
      if (at == 0 || !IsOfAName(value[at - 1])) return true;
    }
  }
  for (const std::string_view function : {"rgb(", "rgba("}) {
    for (size_t at = value.find(function); at != std::string_view::npos;
         at = value.find(function, at + 1)) {
      const size_t close = std::min(value.find(')', at), value.size());
      const std::string_view inside = value.substr(at, close - at);
      // Numbers with spaces between, or shares of a whole.
      if (inside.find(',') == std::string_view::npos ||
          inside.substr(0, inside.rfind(',')).find('%') != std::string_view::npos) {
        return true;
      }
    }
  }
  return false;
}

std::string OpaqueColors(std::string_view value) {
  if (value.find('#') == std::string_view::npos) return std::string(value);
  std::string out;
  return EachWord(value, out, [&](size_t begin) {
    size_t end = EndOf(value, begin + 1, IsOfAName);
    std::string_view word = value.substr(begin, end - begin);
    const bool is_hex =
        word[0] == '#' && std::all_of(word.begin() + 1, word.end(),
                                      [](unsigned char c) { return absl::ascii_isxdigit(c); });
    if (is_hex && word.size() == 5) word.remove_suffix(1);
    if (is_hex && word.size() == 9) word.remove_suffix(2);
    out += word;
    return end;
  });
}

}  // namespace browser_host
