#include "examples/browser_host/paint/css_content.h"

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "examples/browser_host/paint/css_text.h"
#include "examples/browser_host/paint/well_formed.h"

namespace browser_host {
namespace {

// What a backslash before `at` stands for, and `at` behind it.
void AppendEscaped(std::string_view css, size_t& at, std::string& out) {
  constexpr size_t kMostDigits = 6;
  uint32_t character = 0;
  size_t digits = 0;
  for (; digits < kMostDigits && at < css.size(); ++digits, ++at) {
    const auto c = static_cast<unsigned char>(css[at]);
    if (!absl::ascii_isxdigit(c)) break;
    character = character * 16 + (absl::ascii_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  if (digits == 0) {
    if (at < css.size() && css[at] != '\n') out += css[at];
    ++at;
    return;
  }
  if (at < css.size() && absl::ascii_isspace(static_cast<unsigned char>(css[at]))) ++at;
  const bool is_none =
      character == 0 || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff);
  AppendUtf8(is_none ? 0xfffd : character, out);
}

// `text` in double quotes, without what litehtml takes for something else inside of them: quotes,
// braces, semicolons, exclamation marks. Its own escapes end at a space.
void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_iscntrl(byte)) {
      out += ' ';
    } else if (absl::ascii_ispunct(byte) &&
               std::string_view(".,:-_").find(c) == std::string_view::npos) {
      absl::StrAppend(&out, "\\", absl::Hex(byte), " ");
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string CleanContent(std::string_view value) {
  std::string out;
  for (size_t at = 0; at < value.size();) {
    const char c = value[at];
    if (c == '(') {
      const size_t end = std::min(FindOutside(value, at, ")"), value.size() - 1);
      out += value.substr(at, end + 1 - at);
      at = end + 1;
      continue;
    }
    if (c != '"' && c != '\'') {
      const size_t end = std::min(value.find_first_of("\"'(", at), value.size());
      std::string words = Lower(value.substr(at, end - at));
      absl::StrReplaceAll({{"no-open-quote", ""},
                           {"no-close-quote", ""},
                           {"open-quote", "\"\u201c\""},
                           {"close-quote", "\"\u201d\""}},
                          &words);
      out += words;
      at = end;
      continue;
    }
    std::string text;
    for (++at; at < value.size() && value[at] != c;) {
      if (value[at] == '\\') {
        AppendEscaped(value, ++at, text);
      } else {
        text += value[at++];
      }
    }
    ++at;
    AppendQuoted(text, out);
  }
  return out;
}

}  // namespace browser_host
