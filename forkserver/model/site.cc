#include "forkserver/model/site.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace forkserver {

std::optional<std::string> SiteOf(const Url& url, const PublicSuffixList& list) {
  if (!url.IsHttpFamily()) return std::nullopt;
  return absl::StrCat(url.scheme(), "://", list.RegistrableDomain(url.host()));
}

bool IsCanonicalSite(std::string_view text) {
  absl::StatusOr<Url> url = Url::Parse(text);
  // Parsing leaves out a user and a default port, and adds a path.
  return url.ok() && url->IsHttpFamily() && !url->port() &&
         absl::StrCat(url->scheme(), "://", url->host()) == std::string(text);
}

}  // namespace forkserver
