#include "examples/browser_host/paint/clean_css.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace browser_host {
namespace {

constexpr size_t kMostNestedBlocks = 8;

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

bool MayLoop(std::string_view declaration) {
  const std::string_view trimmed = WithoutSpaceBefore(declaration);
  return trimmed.starts_with("--") && absl::AsciiStrToLower(View(trimmed)).find("var(") != std::string::npos;
}

void AppendDeclarations(std::string_view css, std::string& out) {
  for (size_t at = 0; at < css.size();) {
    const size_t end = FindOutside(css, at, ";");
    const std::string_view declaration = css.substr(at, end - at);
    if (!MayLoop(declaration)) {
      out += declaration;
      out += ';';
    }
    at = end + 1;
  }
}

void AppendRules(std::string_view css, size_t nested, std::string& out) {
  for (size_t at = 0; at < css.size();) {
    const size_t stop = FindOutside(css, at, ";{}");
    if (stop == css.size()) return;
    const std::string_view head = WithoutSpaceBefore(css.substr(at, stop - at));
    if (css[stop] == '}') {
      at = stop + 1;
      continue;
    }
    if (css[stop] == ';') {
      if (absl::StartsWithIgnoreCase(View(head), "@import") && nested == 0) {
        out += head;
        out += ";\n";
      }
      at = stop + 1;
      continue;
    }
    const size_t end = BlockEnd(css, stop);
    if (end == 0) return;
    const std::string_view body = css.substr(stop + 1, end - stop - 2);
    if (absl::StartsWithIgnoreCase(View(head), "@media")) {
      if (nested < kMostNestedBlocks) {
        out += head;
        out += "{\n";
        AppendRules(body, nested + 1, out);
        out += "}\n";
      }
    } else if (!head.empty() && head[0] != '@' && body.find('{') == std::string_view::npos) {
      out += head;
      out += '{';
      AppendDeclarations(body, out);
      out += "}\n";
    }
    at = end;
  }
}

}  // namespace

std::string CleanCss(std::string_view css) {
  const std::string text = WithoutComments(css);
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  AppendRules(text, 0, out);
  return out;
}

std::string CleanDeclarations(std::string_view css) {
  std::string out;
  AppendDeclarations(WithoutComments(css), out);
  return out;
}

}  // namespace browser_host
