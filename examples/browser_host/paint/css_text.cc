#include "examples/browser_host/paint/css_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace browser_host {

std::string WithoutComments(std::string_view css) {
  std::string result;
  result.reserve(css.size());
  char quote = 0;
  for (size_t at = 0; at < css.size(); ++at) {
    const char c = css[at];
    if (quote != 0) {
      if (c == '\\' && at + 1 < css.size()) {
        ++at;
        if (css[at] == '\n') continue;  // it goes on in the next line
        result += c;
        result += css[at];
        continue;
      }
      if (c == '\n') result += quote;
      if (c == quote || c == '\n') quote = 0;
      result += c;
    } else if (c == '/' && css.substr(at, 2) == "/*") {
      const size_t end = css.find("*/", at + 2);
      if (end == std::string_view::npos) break;
      at = end + 1;
      result += ' ';
    } else {
      if (c == '"' || c == '\'') quote = c;
      result += c;
    }
  }
  if (quote != 0) result += quote;
  return result;
}

size_t FindOutside(std::string_view css, size_t at, std::string_view ends) {
  char quote = 0;
  for (; at < css.size(); ++at) {
    const char c = css[at];
    if (quote != 0) {
      if (c == '\\') {
        ++at;
      } else if (c == quote) {
        quote = 0;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (ends.find(c) != std::string_view::npos) {
      return at;
    }
  }
  return css.size();
}

size_t BlockEnd(std::string_view css, size_t open) {
  size_t depth = 0;
  for (size_t at = open; at < css.size(); ++at) {
    at = FindOutside(css, at, "{}");
    if (at == css.size()) return 0;
    if (css[at] == '{') ++depth;
    if (css[at] == '}' && --depth == 0) return at + 1;
  }
  return 0;
}

size_t CloseOf(std::string_view text, size_t at) {
  for (size_t depth = 1; at < text.size(); ++at) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

bool IsNameCharacter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '-' || c == '_' || byte >= 0x80;
}

size_t FindCall(std::string_view value, std::string_view name, size_t at) {
  for (at = value.find(name, at); at != std::string_view::npos; at = value.find(name, at + 1)) {
    const bool is_whole = at == 0 || !IsNameCharacter(value[at - 1]);
    if (is_whole && value.substr(at + name.size(), 1) == "(") break;
  }
  return at;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text[0]) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  // Debian's abseil has a string_view of its own.
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

}  // namespace browser_host
