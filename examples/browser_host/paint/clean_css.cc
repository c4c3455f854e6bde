#include "examples/browser_host/paint/clean_css.h"

#include <stddef.h>

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "examples/browser_host/paint/css_content.h"
#include "examples/browser_host/paint/css_text.h"
#include "examples/browser_host/paint/css_values.h"

namespace browser_host {
namespace {

constexpr size_t kMostNestedBlocks = 8;
constexpr size_t kMostSelectorBytes = 512;

// Debian's abseil has a string_view of its own.
absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool IsKnownToLitehtml(const std::string& value) {
  for (const char* function : {"calc", "min", "max", "clamp", "env", "attr"}) {
    if (FindCall(value, function) != std::string_view::npos) return false;
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
    const std::string lower = Lower(*without_variables);
    if (name != "content" && (!IsKnownToLitehtml(lower) || HasUnknownColor(lower))) return;
    replaced = *without_variables;
    value = replaced;
  }
  out += name;
  out += ':';
  out += name == "content" ? CleanContent(value) : Nearest(name, KnownLengths(OpaqueColors(value)));
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
