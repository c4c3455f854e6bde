#include "examples/browser_host/data_url.h"

#include <stddef.h>
#include <string.h>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace browser_host {
namespace {

constexpr char kScheme[] = "data:";

int HexDigit(char c) {
  if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return -1;
  return absl::ascii_isdigit(static_cast<unsigned char>(c))
             ? c - '0'
             : absl::ascii_tolower(static_cast<unsigned char>(c)) - 'a' + 10;
}

// As browsers do: what is no escape stands for itself.
std::string Unescaped(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        bytes += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    bytes += text[i];
  }
  return bytes;
}

}  // namespace

bool IsDataUrl(const std::string& url) { return absl::StartsWithIgnoreCase(url, kScheme); }

std::string DataUrlType(const std::string& url) {
  const size_t begin = strlen(kScheme);
  if (!IsDataUrl(url)) return "";
  const std::string type = url.substr(begin, url.find_first_of(";,", begin) - begin);
  return type.empty() ? "text/plain" : absl::AsciiStrToLower(type);
}

absl::StatusOr<std::string> DataUrlBytes(const std::string& url) {
  const size_t comma = url.find(',');
  if (!IsDataUrl(url) || comma == std::string_view::npos) {
    return absl::InvalidArgumentError("a data: URL without a comma");
  }
  const std::string type = url.substr(strlen(kScheme), comma - strlen(kScheme));
  std::string bytes = Unescaped(std::string_view(url).substr(comma + 1));
  if (!absl::EndsWithIgnoreCase(type, ";base64")) return bytes;
  std::string decoded;
  if (!absl::Base64Unescape(bytes, &decoded)) {
    return absl::InvalidArgumentError("a data: URL whose base64 is none");
  }
  return decoded;
}

}  // namespace browser_host
