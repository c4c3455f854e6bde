// The site of a URL: scheme and registrable domain, by which web content is kept apart.
//
//     SiteOf(*Url::Parse("https://www.example.com:8443/a"), list)     // "https://example.com"
//     SiteOf(*Url::Parse("file:///etc/passwd"), list)                 // none
//
// As the HTML standard has it (html.spec.whatwg.org, "obtain a site"): ports do not count, the
// scheme does. Only http and https have sites; a nested URL has none of its own: ask for that of
// its Inner().
#ifndef FORKSERVER_MODEL_SITE_H_
#define FORKSERVER_MODEL_SITE_H_

#include <optional>
#include <string>
#include <string_view>

#include "forkserver/model/registrable_domain.h"
#include "forkserver/model/url.h"

namespace forkserver {

std::optional<std::string> SiteOf(const Url& url, const PublicSuffixList& list);

// Whether `text` is as SiteOf writes sites. That its host is a registrable domain is not looked up.
bool IsCanonicalSite(std::string_view text);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_SITE_H_
