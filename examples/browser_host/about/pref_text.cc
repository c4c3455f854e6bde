#include "examples/browser_host/about/pref_text.h"

#include <stdint.h>

#include <algorithm>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

constexpr size_t kMaxQuotedBytes = 80;

std::string Quoted(std::string_view text) {
  return absl::StrCat("'", forkserver::OneLine(text.substr(0, kMaxQuotedBytes)), "'");
}

// In double quotes. All but what is plain is a byte in hexadecimal.
std::string Literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || std::string_view(" ._-/:").find(c) != std::string_view::npos) {
      literal += c;
    } else {
      absl::StrAppendFormat(&literal, "\\x%02x", byte);
    }
  }
  return literal + "\"";
}

absl::StatusOr<std::string> ValueText(AboutPrefKind kind, std::string_view value) {
  switch (kind) {
    case AboutPrefKind::kBool:
      if (value == "true" || value == "false") return std::string(value);
      return absl::InvalidArgumentError(absl::StrCat(Quoted(value), " is neither true nor false"));
    case AboutPrefKind::kInt: {
      int32_t number = 0;
      if (absl::SimpleAtoi(absl::string_view(value.data(), value.size()), &number)) {
        return absl::StrCat(number);
      }
      return absl::InvalidArgumentError(absl::StrCat(Quoted(value), " is no int of 32 bits"));
    }
    case AboutPrefKind::kString:
      break;
  }
  if (value.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("a NUL in it");
  }
  if (value.size() > kMaxPrefValueBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d bytes, over %d", value.size(), kMaxPrefValueBytes));
  }
  return Literal(value);
}

}  // namespace

AboutPrefKind KindOf(forkserver::PrefType type) {
  switch (type) {
    case forkserver::PrefType::kBool:
      return AboutPrefKind::kBool;
    case forkserver::PrefType::kInt:
      return AboutPrefKind::kInt;
    case forkserver::PrefType::kString:
      break;
  }
  return AboutPrefKind::kString;
}

std::string_view KindName(AboutPrefKind kind) {
  switch (kind) {
    case AboutPrefKind::kBool:
      return "bool";
    case AboutPrefKind::kInt:
      return "int";
    case AboutPrefKind::kString:
      break;
  }
  return "string";
}

std::string TextOfPref(const forkserver::PrefValueView& value) {
  if (const bool* const flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const int32_t* const number = std::get_if<int32_t>(&value)) return absl::StrCat(*number);
  return std::string(std::get<std::string_view>(value));
}

absl::Status CheckPrefName(std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("a pref without a name");
  if (name.size() > kMaxPrefNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a pref's name of %d bytes, over %d", name.size(), kMaxPrefNameBytes));
  }
  const bool has_control = std::any_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  if (!has_control) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(name), ": a control character in a pref's name"));
}

absl::StatusOr<std::string> UserPref(std::string_view name, AboutPrefKind kind,
                                     std::string_view value) {
  const absl::StatusOr<std::string> text = ValueText(kind, value);
  if (!text.ok()) return text.status();
  return absl::StrCat("user_pref(", Literal(name), ", ", *text, ");");
}

}  // namespace browser_host
