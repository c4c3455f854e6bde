#include "examples/browser_host/paint/clean_css.h"

#include <stdint.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace browser_host {
namespace {

constexpr size_t kMostNestedBlocks = 8;
constexpr size_t kMostNestedProperties = 16;
constexpr size_t kMostProperties = 2000;
constexpr size_t kMostSelectorBytes = 512;
constexpr size_t kMostValueBytes = 4096;

// Debian's abseil has a string_view of its own.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::string_view WithoutSpaceBefore(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text[0]) <= ' ') text.remove_prefix(1);
  return text;
}

// Takes out comments, and ends strings at the end of their line.
std::string WithoutComments(std::string_view css) {
  std::string result;
  result.reserve(css.size());
  char quote = 0;
  for (size_t at = 0; at < css.size(); ++at) {
    const char c = css[at];
    if (quote != 0) {
      if (c == '\\' && at + 1 < css.size() && css[at + 1] != '\n') {
        result += c;
        result += css[++at];
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

// From `at` to the first of `ends` that is outside of strings and parentheses.
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

// The end of the block that begins at the brace `open`: behind its closing one. 0: it has none.
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

std::string_view Trimmed(std::string_view text) {
  text = WithoutSpaceBefore(text);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) { return absl::AsciiStrToLower(View(text)); }

// Where the parenthesis that opens before `at` is closed; npos: nowhere.
size_t CloseOf(std::string_view text, size_t at) {
  for (size_t depth = 1; at < text.size(); ++at) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
}

// Whether it calls a function of that name.
bool Calls(const std::string& value, const std::string& name) {
  for (size_t at = value.find(name + "("); at != std::string::npos;
       at = value.find(name + "(", at + 1)) {
    if (at == 0 || !IsNameCharacter(value[at - 1])) return true;
  }
  return false;
}

bool IsKnownToLitehtml(const std::string& value) {
  for (const char* function : {"calc", "min", "max", "clamp", "env", "attr"}) {
    if (Calls(value, function)) return false;
  }
  return value.find("gradient(") == std::string::npos;
}

// What litehtml knows that is nearest.
std::string Nearest(std::string_view name, const std::string& value) {
  if (name == "position" && value.find("sticky") != std::string::npos) return "relative";
  if (name != "display") return value;
  if (value.starts_with("inline-flex") || value.starts_with("inline-grid")) return "inline-block";
  if (value.starts_with("flex") || value.starts_with("grid") || value.starts_with("flow-root") ||
      value.starts_with("-webkit-box") || value.starts_with("-webkit-flex")) {
    return "block";
  }
  return value;
}

void AppendUtf8(uint32_t character, std::string& out) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (character < 0x80) return add(character);
  if (character < 0x800) {
    add(0xc0 | character >> 6);
  } else if (character < 0x10000) {
    add(0xe0 | character >> 12);
    add(0x80 | (character >> 6 & 0x3f));
  } else {
    add(0xf0 | character >> 18);
    add(0x80 | (character >> 12 & 0x3f));
    add(0x80 | (character >> 6 & 0x3f));
  }
  add(0x80 | (character & 0x3f));
}

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

// The value of `content` as litehtml knows it: strings in double quotes, and attr(). Marks of
// quotations are strings too.
std::string Content(std::string_view value) {
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

void AppendDeclaration(std::string_view declaration, const PageStyles& styles, std::string& out) {
  const size_t colon = declaration.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = Lower(Trimmed(declaration.substr(0, colon)));
  if (name.empty() || name.starts_with("--")) return;
  std::string_view value = Trimmed(declaration.substr(colon + 1));
  std::string replaced;
  if (value.find('(') != std::string_view::npos) {
    const std::optional<std::string> without_variables = styles.Replace(value);
    if (!without_variables) return;
    if (name != "content" && !IsKnownToLitehtml(Lower(*without_variables))) return;
    replaced = *without_variables;
    value = replaced;
  }
  if (name == "content") value = replaced = Content(value);
  out += name;
  out += ':';
  out += Nearest(name, std::string(value));
  out += ';';
}

void AppendDeclarations(std::string_view css, const PageStyles& styles, std::string& out) {
  for (size_t at = 0; at < css.size();) {
    const size_t end = FindOutside(css, at, ";");
    AppendDeclaration(css.substr(at, end - at), styles, out);
    at = end + 1;
  }
}

// Whether a rule of these selectors is about the whole page.
bool IsRoot(std::string_view selectors) {
  while (!selectors.empty()) {
    const size_t comma = std::min(selectors.find(','), selectors.size());
    const std::string one = Lower(Trimmed(selectors.substr(0, comma)));
    if (one == ":root" || one == "html" || one == "body" || one == "*") return true;
    selectors.remove_prefix(std::min(comma + 1, selectors.size()));
  }
  return false;
}

void DefineFrom(std::string_view declarations, PageStyles& styles) {
  for (size_t at = 0; at < declarations.size();) {
    const size_t end = FindOutside(declarations, at, ";");
    const std::string_view one = Trimmed(declarations.substr(at, end - at));
    const size_t colon = one.find(':');
    if (one.starts_with("--") && colon != std::string_view::npos) {
      styles.Define(Trimmed(one.substr(0, colon)), Trimmed(one.substr(colon + 1)));
    }
    at = end + 1;
  }
}

// Those of the queries after @media that litehtml can answer, separated by commas.
std::string KnownQueries(std::string_view queries) {
  std::string known;
  while (!queries.empty()) {
    const size_t comma = std::min(queries.find(','), queries.size());
    const std::string query = Lower(Trimmed(queries.substr(0, comma)));
    queries.remove_prefix(std::min(comma + 1, queries.size()));
    bool is_known = !query.empty() && query.find('<') == std::string::npos &&
                    query.find('>') == std::string::npos;
    for (size_t open = query.find('('); open != std::string::npos;
         open = query.find('(', open + 1)) {
      const size_t end = std::min(query.find_first_of(":)", open), query.size());
      std::string feature(Trimmed(std::string_view(query).substr(open + 1, end - open - 1)));
      for (const std::string prefix : {"min-", "max-"}) {
        if (feature.starts_with(prefix)) feature = feature.substr(prefix.size());
      }
      const bool has_feature =
          feature == "width" || feature == "height" || feature == "device-width" ||
          feature == "device-height" || feature == "orientation" || feature == "aspect-ratio" ||
          feature == "device-aspect-ratio" || feature == "color" || feature == "color-index" ||
          feature == "monochrome" || feature == "resolution";
      is_known = is_known && has_feature;
    }
    if (!is_known) continue;
    if (!known.empty()) known += ',';
    known += query;
  }
  return known;
}

// Those of the selectors that are not too long, separated by commas, and how many.
std::string ShortSelectors(std::string_view selectors, size_t& count) {
  std::string kept;
  for (size_t at = 0; at < selectors.size();) {
    const size_t comma = FindOutside(selectors, at, ",");
    const std::string_view one = Trimmed(selectors.substr(at, comma - at));
    if (!one.empty() && one.size() <= kMostSelectorBytes) {
      if (count > 0) kept += ',';
      kept += one;
      ++count;
    }
    at = comma + 1;
  }
  return kept;
}

// Calls `on_rule(head, body)` for each rule, `on_import(statement)`, and `on_media(queries, body)`.
template <typename OnRule, typename OnImport, typename OnMedia>
void ForEachRule(std::string_view css, const OnRule& on_rule, const OnImport& on_import,
                 const OnMedia& on_media) {
  for (size_t at = 0; at < css.size();) {
    const size_t stop = FindOutside(css, at, ";{}");
    if (stop == css.size()) return;
    const std::string_view head = Trimmed(css.substr(at, stop - at));
    if (css[stop] == '}') {
      at = stop + 1;
      continue;
    }
    if (css[stop] == ';') {
      if (absl::StartsWithIgnoreCase(View(head), "@import")) on_import(head);
      at = stop + 1;
      continue;
    }
    const size_t end = BlockEnd(css, stop);
    if (end == 0) return;
    const std::string_view body = css.substr(stop + 1, end - stop - 2);
    if (absl::StartsWithIgnoreCase(View(head), "@media")) {
      on_media(head.substr(6), body);
    } else if (!head.empty() && head[0] != '@' && body.find('{') == std::string_view::npos) {
      on_rule(head, body);
    }
    at = end;
  }
}

// "@import 'a.css' screen" as litehtml takes it: url(a.css), and behind it media that it knows.
void AppendImport(std::string_view import, std::string& out) {
  std::string_view rest = Trimmed(import.substr(7));
  if (absl::StartsWithIgnoreCase(View(rest), "url(")) rest = Trimmed(rest.substr(4));
  const bool is_quoted = rest.starts_with('"') || rest.starts_with('\'');
  const char quote = is_quoted ? rest[0] : ')';
  if (is_quoted) rest.remove_prefix(1);
  const size_t end = rest.find(quote);
  const std::string_view url = Trimmed(rest.substr(0, end));
  if (url.empty() || url.find_first_of("()'\"\\ ;{}") != std::string_view::npos) return;
  std::string_view media = end == std::string_view::npos ? "" : Trimmed(rest.substr(end + 1));
  if (is_quoted && media.starts_with(')')) media = Trimmed(media.substr(1));
  const std::string known = KnownQueries(media);
  if (!media.empty() && known.empty()) return;
  out +=
      absl::StrCat("@import url(", std::string(url), ")", known.empty() ? "" : " ", known, ";\n");
}

void AppendRules(std::string_view css, PageStyles& styles, size_t nested, std::string& imports,
                 std::string& out) {
  ForEachRule(
      css,
      [&](std::string_view head, std::string_view body) {
        size_t selectors = 0;
        const std::string kept = ShortSelectors(head, selectors);
        if (selectors == 0 || !styles.Take(selectors * (kept.size() + body.size()))) return;
        out += kept;
        out += '{';
        AppendDeclarations(body, styles, out);
        out += "}\n";
      },
      [&](std::string_view import) {
        if (nested == 0 && out.empty()) AppendImport(import, imports);
      },
      [&](std::string_view queries, std::string_view body) {
        const std::string known = KnownQueries(queries);
        if (known.empty() || nested >= kMostNestedBlocks) return;
        out += "@media " + known + "{\n";
        AppendRules(body, styles, nested + 1, imports, out);
        out += "}\n";
      });
}

}  // namespace

bool PageStyles::Take(size_t bytes) {
  if (bytes > room_) return false;
  room_ -= bytes;
  return true;
}

void PageStyles::Define(std::string_view name, std::string_view value) {
  if (values_.size() < kMostProperties && value.size() <= kMostValueBytes) {
    values_.insert_or_assign(std::string(name), std::string(value));
  }
}

std::optional<std::string> PageStyles::Replace(std::string_view value) const {
  std::string out;
  if (!AppendReplaced(value, 0, out)) return std::nullopt;
  return out;
}

bool PageStyles::AppendReplaced(std::string_view value, size_t nested, std::string& out) const {
  if (nested > kMostNestedProperties) return false;
  for (size_t at = 0;;) {
    const size_t variable = value.find("var(", at);
    out += value.substr(at, variable == std::string_view::npos ? variable : variable - at);
    if (nested > 0 && out.size() > kMostValueBytes) return false;
    if (variable == std::string_view::npos) return true;
    const size_t close = CloseOf(value, variable + 4);
    if (close == std::string_view::npos) return false;
    const std::string_view inside = value.substr(variable + 4, close - variable - 4);
    const size_t comma = std::min(inside.find(','), inside.size());
    const auto found = values_.find(Trimmed(inside.substr(0, comma)));
    if (found != values_.end()) {
      if (!AppendReplaced(found->second, nested + 1, out)) return false;
    } else if (comma == inside.size() ||
               !AppendReplaced(Trimmed(inside.substr(comma + 1)), nested + 1, out)) {
      return false;
    }
    at = close + 1;
  }
}

std::string CleanCss(std::string_view css, PageStyles& styles) {
  const std::string text = WithoutComments(css);
  ForEachRule(
      text,
      [&](std::string_view head, std::string_view body) {
        if (IsRoot(head)) DefineFrom(body, styles);
      },
      [](std::string_view) {}, [](std::string_view, std::string_view) {});
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::string imports;
  AppendRules(text, styles, 0, imports, out);
  return imports + out;
}

std::string CleanDeclarations(std::string_view css, const PageStyles& styles) {
  std::string out;
  AppendDeclarations(WithoutComments(css), styles, out);
  return out;
}

}  // namespace browser_host
