#include "forkserver/model/url.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "forkserver/model/host.h"

namespace forkserver {
namespace {

constexpr size_t kMaxShownBytes = 80;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Bad(std::string_view what) { return absl::InvalidArgumentError(Absl(what)); }

enum class HostIs : uint8_t { kName, kId };

struct SchemeRow {
  std::string_view scheme;
  HostIs host;
  uint16_t default_port;
};

// The schemes whose rest begins with `//` and a host.
constexpr SchemeRow kHostSchemes[] = {
    {"http", HostIs::kName, 80}, {"https", HostIs::kName, 443},     {"ws", HostIs::kName, 80},
    {"wss", HostIs::kName, 443}, {"moz-extension", HostIs::kId, 0}, {"chrome", HostIs::kId, 0},
    {"resource", HostIs::kId, 0}};

const SchemeRow* FindHostScheme(std::string_view scheme) {
  for (const SchemeRow& row : kHostSchemes) {
    if (row.scheme == scheme) return &row;
  }
  return nullptr;
}

// file: pages have an opaque origin, so no blob names them.
constexpr std::string_view kBlobOrigins[] = {"http", "https", "moz-extension", "chrome",
                                             "resource"};

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool IsId(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

absl::StatusOr<std::string> ParseScheme(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Bad("no scheme");
  const std::string_view scheme = text.substr(0, colon);
  if (scheme.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(scheme.front()))) {
    return Bad("a scheme begins with a letter");
  }
  for (const char c : scheme) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' && c != '-' && c != '.') {
      return Bad("a character that no scheme has");
    }
  }
  return absl::AsciiStrToLower(Absl(scheme));
}

absl::StatusOr<uint16_t> ParsePort(std::string_view digits) {
  uint32_t port = 0;
  for (const char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return Bad("a port is digits");
    port = port * 10 + static_cast<uint32_t>(c - '0');
    if (port > UINT16_MAX) return Bad("a port over 65535");
  }
  return static_cast<uint16_t>(port);
}

// What is before the path, and the rest. `rest` is after the colon.
absl::StatusOr<std::pair<std::string_view, std::string_view>> SplitAuthority(
    std::string_view rest) {
  if (!rest.starts_with("//")) return Bad("no `//` after the scheme");
  rest.remove_prefix(2);
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  return std::pair(rest.substr(0, end), rest.substr(end));
}

std::string CanonicalBlob(const Url& origin, std::string_view id) {
  // Without the path, which is a slash.
  std::string text = origin.ToString();
  text.pop_back();
  return absl::StrCat(text, "/", Absl(id));
}

// `https://example.com/ID` or `null/ID`, canonical.
absl::StatusOr<std::string> ParseBlob(std::string_view rest) {
  const size_t slash = rest.rfind('/');
  if (slash == std::string_view::npos) return Bad("blob: no origin");
  const std::string_view id = rest.substr(slash + 1);
  if (!IsId(id)) return Bad("blob: no id");
  const std::string_view origin_text = rest.substr(0, slash);
  if (origin_text == "null") return std::string(rest);
  absl::StatusOr<Url> origin = Url::Parse(origin_text);
  if (!origin.ok()) return Bad("blob: the origin is no URL");
  if (std::find(std::begin(kBlobOrigins), std::end(kBlobOrigins), origin->scheme()) ==
          std::end(kBlobOrigins) ||
      origin->path() != "/" || origin->query()) {
    return Bad("blob: the URL before the id is no origin");
  }
  return CanonicalBlob(*origin, id);
}

std::string Shown(std::string_view text) {
  const std::string shown = absl::CHexEscape(Absl(text.substr(0, kMaxShownBytes)));
  return text.size() > kMaxShownBytes ? shown + "..." : shown;
}

}  // namespace

absl::Status Url::ParseAuthority(std::string_view authority) {
  const SchemeRow& row = *FindHostScheme(scheme_);
  if (authority.find('\\') != std::string_view::npos) return Bad("a backslash");
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (row.host == HostIs::kId) return Bad("a user where there is none");
    const std::string_view user = authority.substr(0, at);
    if (user.find('@') != std::string_view::npos) return Bad("two @ before the path");
    if (!IsPlain(user)) return Bad("a user that is not ASCII");
    authority.remove_prefix(at + 1);
  }
  if (row.host == HostIs::kId) {
    host_ = absl::AsciiStrToLower(Absl(authority));
    return IsId(host_) ? absl::OkStatus() : Bad("the host is no id");
  }
  // The colons of an IPv6 address are inside its brackets.
  const size_t colon = authority.rfind(':');
  const size_t bracket = authority.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
    absl::StatusOr<uint16_t> port = ParsePort(authority.substr(colon + 1));
    if (!port.ok()) return port.status();
    if (colon + 1 < authority.size() && *port != row.default_port) port_ = *port;
    authority = authority.substr(0, colon);
  }
  absl::StatusOr<std::string> host = CanonicalHost(authority);
  if (!host.ok()) return host.status();
  host_ = *std::move(host);
  return absl::OkStatus();
}

absl::Status Url::ParseRest(std::string_view rest) {
  if (FindHostScheme(scheme_) != nullptr || scheme_ == "file") {
    auto split = SplitAuthority(rest);
    if (!split.ok()) return split.status();
    const auto [authority, after] = *split;
    if (scheme_ == "file") {
      if (!authority.empty() && absl::AsciiStrToLower(Absl(authority)) != "localhost") {
        return Bad("a file on another host");
      }
      if (!after.starts_with('/')) return Bad("a file without a path");
    } else if (absl::Status status = ParseAuthority(authority); !status.ok()) {
      return status;
    }
    rest = after;
  }
  const size_t question = rest.find('?');
  const std::string_view path = rest.substr(0, question);
  if (question != std::string_view::npos) query_ = rest.substr(question + 1);
  path_ = path;
  if (!IsPlain(path) || (query_ && !IsPlain(*query_))) {
    return Bad("text that is not ASCII and not percent-encoded");
  }
  if (FindHostScheme(scheme_) == nullptr && scheme_ != "file") return absl::OkStatus();
  if (path.find('\\') != std::string_view::npos) return Bad("a backslash");
  if (path_.empty()) path_ = "/";
  return absl::OkStatus();
}

absl::StatusOr<Url> Url::ParseText(std::string_view text) {
  if (text.size() > kMaxBytes) return Bad("more than 32 MiB");
  if (std::any_of(text.begin(), text.end(), [](char c) {
        return c == ' ' || absl::ascii_iscntrl(static_cast<unsigned char>(c));
      })) {
    return Bad("a space or a control character");
  }
  absl::StatusOr<std::string> scheme = ParseScheme(text);
  if (!scheme.ok()) return scheme.status();
  Url url;
  url.scheme_ = *std::move(scheme);
  std::string_view rest = text.substr(url.scheme_.size() + 1);
  if (const size_t hash = rest.find('#'); hash != std::string_view::npos) {
    url.fragment_ = rest.substr(hash + 1);
    if (!IsPlain(*url.fragment_)) return Bad("text that is not ASCII and not percent-encoded");
    rest = rest.substr(0, hash);
  }
  std::string canonical;
  if (url.scheme_ == "view-source") {
    absl::StatusOr<Url> inner = ParseText(rest);
    if (!inner.ok()) return inner.status();
    if (inner->scheme_ == "view-source") return Bad("the source of a source");
    canonical = inner->ToString();
    rest = canonical;
  } else if (url.scheme_ == "blob") {
    absl::StatusOr<std::string> blob = ParseBlob(rest);
    if (!blob.ok()) return blob.status();
    canonical = *std::move(blob);
    rest = canonical;
  }
  if (absl::Status status = url.ParseRest(rest); !status.ok()) return status;
  return url;
}

absl::StatusOr<Url> Url::Parse(std::string_view text) {
  absl::StatusOr<Url> url = ParseText(text);
  if (url.ok()) return url;
  return absl::InvalidArgumentError(
      absl::StrCat("url ", Shown(text), ": ", url.status().message()));
}

std::optional<Url> Url::Inner() const {
  std::string text;
  if (scheme_ == "view-source") {
    text = query_ ? absl::StrCat(path_, "?", *query_) : path_;
  } else if (scheme_ == "blob") {
    text = path_.substr(0, path_.rfind('/'));
    if (text == "null") return std::nullopt;
  } else {
    return std::nullopt;
  }
  // Was parsed once, and is canonical.
  return *ParseText(text);
}

std::string Url::ToString() const {
  std::string text = absl::StrCat(scheme_, ":");
  if (FindHostScheme(scheme_) != nullptr || scheme_ == "file") absl::StrAppend(&text, "//", host_);
  if (port_) absl::StrAppend(&text, ":", *port_);
  absl::StrAppend(&text, path_);
  if (query_) absl::StrAppend(&text, "?", *query_);
  if (fragment_) absl::StrAppend(&text, "#", *fragment_);
  return text;
}

}  // namespace forkserver
