#include "forkserver/model/host.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdint.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace forkserver {
namespace {

constexpr size_t kMaxLabelBytes = 63;
constexpr size_t kMaxNameBytes = 253;

absl::Status Bad(std::string_view what) {
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::optional<int> high = HexDigit(text[i + 1]);
    const std::optional<int> low = HexDigit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return decoded;
}

std::vector<std::string> Labels(const std::string& name) { return absl::StrSplit(name, '.'); }

bool NeedsIdna(const std::string& name) {
  if (!std::all_of(name.begin(), name.end(), absl::ascii_isascii)) return true;
  const std::vector<std::string> labels = Labels(name);
  return std::any_of(labels.begin(), labels.end(), [](const std::string& label) {
    return absl::StartsWithIgnoreCase(label, "xn--");
  });
}

absl::StatusOr<std::string> ToAscii(const std::string& name) {
  uint8_t* raw = nullptr;
  const int error = idn2_lookup_u8(reinterpret_cast<const uint8_t*>(name.c_str()), &raw,
                                   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  std::unique_ptr<uint8_t, void (*)(void*)> ascii(raw, idn2_free);
  if (error != IDN2_OK) return Bad(absl::StrCat("host: IDNA: ", idn2_strerror_name(error)));
  return std::string(reinterpret_cast<const char*>(ascii.get()));
}

// A number as inet_aton reads it: 0x is hexadecimal, a leading zero octal. None for what is no
// number; what is too large for any address comes back as UINT32_MAX + 1.
std::optional<uint64_t> Ipv4Number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t base = 10;
  if (text.size() >= 2 && text[0] == '0' && text[1] == 'x') {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() >= 2 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  uint64_t number = 0;
  for (const char c : text) {
    const std::optional<int> digit = HexDigit(c);
    if (!digit || static_cast<uint64_t>(*digit) >= base) return std::nullopt;
    number = std::min(number * base + static_cast<uint64_t>(*digit), uint64_t{UINT32_MAX} + 1);
  }
  return number;
}

// A name whose last label is a number is an address or nothing: resolvers would take it for one.
bool EndsInNumber(const std::vector<std::string>& labels) {
  const std::string& last = labels.back();
  if (!last.empty() && std::all_of(last.begin(), last.end(), absl::ascii_isdigit)) return true;
  return absl::StartsWith(last, "0x") && Ipv4Number(last).has_value();
}

absl::StatusOr<std::string> CanonicalIpv4(const std::vector<std::string>& parts) {
  if (parts.size() > 4) return Bad("host: an IPv4 address of more than four parts");
  uint64_t address = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::optional<uint64_t> number = Ipv4Number(parts[i]);
    if (!number) return Bad("host: ends in a number and is no IPv4 address");
    const bool last = i + 1 == parts.size();
    // The last part has all bytes that the others leave.
    const unsigned bits = last ? 8 * (4 - static_cast<unsigned>(i)) : 8;
    if (*number >> bits != 0) return Bad("host: a part of an IPv4 address is too large");
    address = (address << bits) | *number;
  }
  return absl::StrFormat("%d.%d.%d.%d", address >> 24, address >> 16 & 255, address >> 8 & 255,
                         address & 255);
}

// inet_ntop would write some addresses with a dotted end, which browsers do not.
absl::StatusOr<std::string> CanonicalIpv6(std::string_view inside) {
  in6_addr address;
  if (inet_pton(AF_INET6, std::string(inside).c_str(), &address) != 1 ||
      inside.find('\0') != std::string_view::npos) {
    return Bad("host: no IPv6 address in the brackets");
  }
  std::array<uint16_t, 8> pieces;
  for (size_t i = 0; i < 8; ++i) {
    pieces[i] = static_cast<uint16_t>(address.s6_addr[2 * i] << 8 | address.s6_addr[2 * i + 1]);
  }
  size_t longest_at = 8;
  size_t longest = 1;  // a single zero is not compressed
  for (size_t i = 0; i < 8;) {
    size_t end = i;
    while (end < 8 && pieces[end] == 0) ++end;
    if (end - i > longest) {
      longest_at = i;
      longest = end - i;
    }
    i = std::max(end, i + 1);
  }
  const auto hex = [](std::string* out, uint16_t piece) { absl::StrAppend(out, absl::Hex(piece)); };
  if (longest_at == 8) return absl::StrCat("[", absl::StrJoin(pieces, ":", hex), "]");
  return absl::StrCat(
      "[", absl::StrJoin(pieces.begin(), pieces.begin() + longest_at, ":", hex),
      "::", absl::StrJoin(pieces.begin() + longest_at + longest, pieces.end(), ":", hex), "]");
}

absl::Status CheckLabels(const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    if (label.empty()) return Bad("host: an empty label");
    if (label.size() > kMaxLabelBytes) return Bad("host: a label of more than 63 bytes");
    for (const char c : label) {
      if (!absl::ascii_isalnum(c) && c != '-' && c != '_') {
        return Bad("host: a character that no host name has");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> CanonicalHost(std::string_view text) {
  if (text.empty()) return Bad("an empty host");
  if (text.front() == '[') {
    if (text.back() != ']') return Bad("host: a bracket that does not close");
    return CanonicalIpv6(text.substr(1, text.size() - 2));
  }
  std::optional<std::string> decoded = PercentDecode(text);
  if (!decoded) return Bad("host: a bad percent escape");
  // Before libidn2, which takes a NUL for the end.
  if (std::any_of(decoded->begin(), decoded->end(), [](char c) {
        return absl::ascii_iscntrl(static_cast<unsigned char>(c)) || c == ' ';
      })) {
    return Bad("host: a space or a control character");
  }
  std::string name = absl::AsciiStrToLower(*decoded);
  if (NeedsIdna(name)) {
    absl::StatusOr<std::string> ascii = ToAscii(name);
    if (!ascii.ok()) return ascii.status();
    // What is canonical stays as it is. If mapping brought something up that mapping changes again,
    // two texts would be one host here and two elsewhere.
    if (NeedsIdna(*ascii)) {
      absl::StatusOr<std::string> again = ToAscii(*ascii);
      if (!again.ok()) return again.status();
      if (*again != *ascii) return Bad("host: IDNA: has no canonical form");
    }
    name = *std::move(ascii);
  }
  std::vector<std::string> labels = Labels(name);
  if (labels.size() > 1 && labels.back().empty()) labels.pop_back();
  if (absl::Status status = CheckLabels(labels); !status.ok()) return status;
  if (name.size() - (name.back() == '.' ? 1 : 0) > kMaxNameBytes) {
    return Bad("host: a name of more than 253 bytes");
  }
  if (EndsInNumber(labels)) return CanonicalIpv4(labels);
  return name;
}

bool IsIpAddress(std::string_view host) {
  if (host.empty()) return false;
  // No other canonical host ends in a number, a dotted quad without a dot behind it.
  return host.front() == '[' || EndsInNumber(Labels(std::string(host)));
}

bool IsHostWithin(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return !domain.empty() && !IsIpAddress(host) && host.size() > domain.size() &&
         host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.';
}

}  // namespace forkserver
