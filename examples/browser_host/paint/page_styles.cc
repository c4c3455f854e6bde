#include "examples/browser_host/paint/page_styles.h"

#include <algorithm>

#include "examples/browser_host/paint/css_text.h"

namespace browser_host {
namespace {

constexpr size_t kMostNestedProperties = 16;
constexpr size_t kMostProperties = 2000;
constexpr size_t kMostValueBytes = 4096;

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

}  // namespace browser_host
