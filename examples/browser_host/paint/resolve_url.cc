#include "examples/browser_host/paint/resolve_url.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace browser_host {
namespace {

// Where the scheme's colon is; npos: there is no scheme.
size_t SchemeColon(std::string_view url) {
  if (url.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(url[0]))) {
    return std::string_view::npos;
  }
  for (size_t i = 1; i < url.size(); ++i) {
    const char c = url[i];
    if (c == ':') return i;
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') {
      return std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

std::string Clean(std::string_view reference) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!reference.empty() && is_space(reference.front())) reference.remove_prefix(1);
  while (!reference.empty() && is_space(reference.back())) reference.remove_suffix(1);
  reference = reference.substr(0, reference.find('#'));
  std::string clean;
  for (const char c : reference.substr(0, kMostUrlBytes + 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t' || c == '\n' || c == '\r') continue;
    if (byte <= ' ' || byte >= 0x7f || c == '"' || c == '<' || c == '>') {
      absl::StrAppendFormat(&clean, "%%%02X", byte);
    } else {
      clean += c;
    }
  }
  return clean;
}

// Takes out `.` and `..`; `path` begins with a slash.
std::string WithoutDots(std::string_view path) {
  std::vector<std::string_view> parts;
  bool ends_in_folder = false;
  for (size_t at = 1; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, slash - at);
    ends_in_folder = part == "." || part == "..";
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (part != ".") {
      parts.push_back(part);
    }
    at = slash + 1;
  }
  std::string result;
  for (const std::string_view part : parts) {
    result += '/';
    result += part;
  }
  if (ends_in_folder || result.empty()) result += '/';
  return result;
}

std::string Resolved(std::string_view base, const std::string& reference) {
  if (SchemeColon(reference) != std::string_view::npos) return reference;
  const size_t colon = SchemeColon(base);
  if (colon == std::string_view::npos) return reference;
  const std::string_view scheme = base.substr(0, colon + 1);
  base = base.substr(0, base.find('#'));
  const std::string_view without_query = base.substr(0, base.find('?'));
  if (reference.empty()) return std::string(base);
  if (reference.starts_with("//")) return std::string(scheme) + reference;
  if (!without_query.substr(colon + 1).starts_with("//")) return reference;
  const size_t path_at = std::min(without_query.find('/', colon + 3), without_query.size());
  const std::string_view root = without_query.substr(0, path_at);
  const std::string_view path = without_query.substr(path_at);
  if (reference[0] == '?') return std::string(without_query) + reference;
  const size_t query_at = std::min(reference.find('?'), reference.size());
  std::string merged;
  if (reference[0] != '/') merged = std::string(path.substr(0, path.rfind('/') + 1));
  if (merged.empty() && reference[0] != '/') merged = "/";
  merged += reference.substr(0, query_at);
  return std::string(root) + WithoutDots(merged) + reference.substr(query_at);
}

}  // namespace

std::string ResolveUrl(std::string_view base, std::string_view reference) {
  std::string url = Resolved(base, Clean(reference));
  return url.size() <= kMostUrlBytes ? url : std::string();
}

}  // namespace browser_host
