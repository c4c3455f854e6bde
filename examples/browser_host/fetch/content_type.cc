#include "examples/browser_host/fetch/content_type.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/fetch/socket_messages.h"

namespace browser_host {
namespace {

// RFC 9110, 5.6.2.
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  absl::AsciiStrToLower(&lower);
  return lower;
}

bool TakePrefix(char c, std::string_view& text) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// The piece up to `end`, or all; `rest` is what is behind it.
std::string_view TakeUntil(char end, std::string_view& rest) {
  const size_t at = rest.find(end);
  const std::string_view piece = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return piece;
}

// A parameter's value, in quotes or without; `rest` goes on behind the next semicolon.
std::string TakeValue(std::string_view& rest) {
  if (!TakePrefix('"', rest)) return std::string(Trim(TakeUntil(';', rest)));
  std::string value;
  while (!rest.empty() && rest[0] != '"') {
    if (rest[0] == '\\' && rest.size() > 1) rest.remove_prefix(1);
    value += rest[0];
    rest.remove_prefix(1);
  }
  TakeUntil(';', rest);
  return value;
}

}  // namespace

ContentType ParseContentType(std::string_view header) {
  std::string_view rest = header;
  const std::string_view type = Trim(TakeUntil(';', rest));
  const size_t slash = type.find('/');
  if (slash == std::string_view::npos || !IsToken(type.substr(0, slash)) ||
      !IsToken(type.substr(slash + 1)) || type.size() > kMaxMimeTypeBytes) {
    return {};
  }
  ContentType parsed = {.type = LowerCase(type)};
  while (!rest.empty()) {
    // A parameter without a value ends at its semicolon.
    const size_t end = rest.find_first_of(";=");
    const std::string_view name = Trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    if (!TakePrefix('=', rest)) {
      TakePrefix(';', rest);
      continue;
    }
    const std::string value = TakeValue(rest);
    // The first one counts.
    if (parsed.charset.empty() && LowerCase(name) == "charset" && IsToken(value) &&
        value.size() <= kMaxCharsetBytes) {
      parsed.charset = LowerCase(value);
    }
  }
  return parsed;
}

std::string_view ContentTypeOfName(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".pdf", "application/pdf"}, {".png", "image/png"},       {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},     {".gif", "image/gif"},       {".webp", "image/webp"},
      {".svg", "image/svg+xml"},   {".gz", "application/gzip"}, {".zip", "application/zip"},
      {".css", "text/css"},        {".js", "text/javascript"},  {".json", "application/json"},
      {".txt", "text/plain"}};
  const std::string name = LowerCase(path);
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "";
}

absl::Status CheckPageType(std::string_view type) {
  for (const std::string_view shown :
       {"", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"}) {
    if (type == shown) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(std::string(type), " is not shown"));
}

bool IsImageSignature(std::string_view first) {
  return first.starts_with("\x89PNG\r\n\x1a\n") || first.starts_with("\xff\xd8\xff") ||
         first.starts_with("GIF87a") || first.starts_with("GIF89a") ||
         (first.starts_with("RIFF") && first.size() >= kSignatureBytes &&
          first.substr(8, 4) == "WEBP");
}

}  // namespace browser_host
