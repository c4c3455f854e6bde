// URLs, sites and remote types as text: a URL that was parsed is printed and parsed as the same,
// has the host that it shows, and a site that is canonical; a remote type has one text.
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "forkserver/model/origin_attributes.h"
#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/remote_type.h"
#include "forkserver/model/site.h"
#include "forkserver/model/url.h"
#include "tests/fuzz/public_suffixes.h"
#include "tests/fuzz/require.h"

namespace forkserver {
namespace {

// What is shown of a text in an error is cut; the rest are the project's own words.
constexpr size_t kLongestError = 600;

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

void FuzzSite(const Url& url) {
  const std::optional<std::string> site = SiteOf(url, PublicSuffixes());
  Require(site.has_value() == url.IsHttpFamily());
  if (!site) return;
  Require(IsCanonicalSite(*site));
  // The site of a site's own address is that site.
  const absl::StatusOr<Url> of_site = Url::Parse(*site);
  Require(of_site.ok() && SiteOf(*of_site, PublicSuffixes()) == site);
  const RemoteType type = {.kind = RemoteTypeKind::kWebIsolated, .site = *site};
  const absl::StatusOr<RemoteType> again = RemoteType::Parse(type.ToString());
  Require(again.ok() && *again == type);
}

void FuzzUrl(std::string_view text) {
  const absl::StatusOr<Url> url = Url::Parse(text);
  if (!url.ok()) {
    Require(absl::IsInvalidArgument(url.status()));
    Require(url.status().message().size() < kLongestError);
    return;
  }
  const std::string printed = url->ToString();
  Require(IsPrintable(printed));
  const absl::StatusOr<Url> again = Url::Parse(printed);
  Require(again.ok() && *again == *url && again->ToString() == printed);
  Require(url->port() != uint16_t{443} || !url->HasScheme("https"));
  const std::string& host = url->host();
  Require(std::none_of(host.begin(), host.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '@' || c == '/' || c == '?' || c == '#' || c == '\\' ||
           c == '%';
  }));
  Require(!url->IsHttpFamily() || !host.empty());
  FuzzSite(*url);
  if (const std::optional<Url> inner = url->Inner()) {
    const absl::StatusOr<Url> same = Url::Parse(inner->ToString());
    Require(same.ok() && *same == *inner && !inner->fragment());
    FuzzSite(*inner);
  }
}

void FuzzNames(std::string_view text) {
  if (const auto type = RemoteType::Parse(text); type.ok()) Require(type->ToString() == text);
  if (const auto attributes = OriginAttributes::FromSuffix(text); attributes.ok()) {
    Require(attributes->ToSuffix() == text);
  }
  if (IsCanonicalSite(text)) {
    const absl::StatusOr<Url> url = Url::Parse(text);
    Require(url.ok() && url->IsHttpFamily() && url->path() == "/" && !url->query());
  }
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  forkserver::FuzzUrl(text);
  forkserver::FuzzNames(text);
  return 0;
}
