#include "examples/browser_host/addresses.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "examples/browser_host/about/about_address.h"
#include "examples/browser_host/broken_tabs.h"
#include "examples/browser_host/file_url.h"
#include "examples/browser_host/load/loader.h"
#include "forkserver/model/url.h"

namespace browser_host {
namespace {

using forkserver::Url;

constexpr size_t kShownSites = 8;

absl::Status NotServed(const std::string& what, const std::vector<Site>& sites) {
  if (sites.empty()) {
    return absl::NotFoundError(absl::StrCat(what, " is not served here; nothing is"));
  }
  std::vector<std::string> urls;
  for (size_t i = 0; i < std::min(kShownSites, sites.size()); ++i) urls.push_back(sites[i].url);
  if (sites.size() > kShownSites) urls.push_back(absl::StrCat(sites.size() - kShownSites, " more"));
  return absl::NotFoundError(
      absl::StrCat(what, " is not served here; there is ", absl::StrJoin(urls, ", ")));
}

constexpr char kFileUrlHint[] =
    "; a file: URL is percent-encoded (%20 a space, %25 a %), a path is not";

// Of a URL that did not parse: a path with a scheme in front is the usual reason.
absl::Status NotAUrl(const std::string& argument, const absl::Status& why) {
  const bool is_encoded = std::all_of(argument.begin(), argument.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (is_encoded || !absl::StartsWithIgnoreCase(argument, "file:")) return why;
  return absl::Status(why.code(), absl::StrCat(why.message(), kFileUrlHint));
}

// Of one that nothing here answers to, whatever is served.
absl::Status NotOpened(const Url& url) {
  constexpr size_t kShownBytes = 200;
  std::string shown = url.ToString();
  if (shown.size() > kShownBytes) shown = absl::StrCat(shown.substr(0, kShownBytes), "...");
  if (url.HasScheme("file")) {
    return absl::InvalidArgumentError(absl::StrCat("url ", shown, ": no path", kFileUrlHint));
  }
  if (url.HasScheme("about")) {
    return absl::NotFoundError(
        absl::StrCat(shown,
                     ": no such page; there are about:config, about:crash, about:hang, about:oom "
                     "and about:processes"));
  }
  return absl::NotFoundError(
      absl::StrCat(shown, ": no such scheme here; there are http:, https:, file: and about:"));
}

// The page's place in `sites`, as the two indices.
absl::StatusOr<std::pair<size_t, size_t>> FindPage(const Url& url, const std::vector<Site>& sites) {
  // What a server would not see, or a folder's page would not have.
  std::string wanted = absl::StrCat(url.scheme(), "://", url.host(), url.path());
  if (wanted.back() == '/') wanted += "index.html";
  for (size_t i = 0; i < sites.size() && !url.port(); ++i) {
    const std::vector<Page>& pages = sites[i].pages;
    const auto page = std::find_if(pages.begin(), pages.end(),
                                   [&](const Page& one) { return one.url == wanted; });
    if (page != pages.end()) return std::pair(i, static_cast<size_t>(page - pages.begin()));
    if (wanted.rfind(sites[i].url + "/", 0) == 0) {
      return absl::NotFoundError(absl::StrCat(wanted, ": ", sites[i].url, " has no such page"));
    }
  }
  return NotServed(url.ToString(), sites);
}

// Those of `sites` that the URLs name, or that are themselves on the command line.
absl::StatusOr<std::vector<Site>> Choose(const std::vector<Url>& urls,
                                         const std::vector<std::string>& paths,
                                         const std::vector<Site>& sites) {
  std::vector<Site> chosen;
  for (const Site& site : sites) {
    chosen.push_back({.url = site.url, .folder = site.folder});
    std::copy_if(site.pages.begin(), site.pages.end(), std::back_inserter(chosen.back().pages),
                 [&](const Page& page) {
                   return std::find(paths.begin(), paths.end(), page.path) != paths.end();
                 });
  }
  for (const Url& url : urls) {
    const auto found = FindPage(url, sites);
    if (!found.ok()) return found.status();
    chosen[found->first].pages.push_back(sites[found->first].pages[found->second]);
  }
  std::erase_if(chosen, [](const Site& site) { return site.pages.empty(); });
  return chosen;
}

// What is wrong in its query is that page's error.
bool IsAboutPage(const Url& url) {
  const std::string text = url.ToString();
  return IsBrokenTab(text) || !absl::IsNotFound(ParseAboutAddress(text).status());
}

struct AboutPage {
  Url url;
  bool is_first = false;  // nothing of another site is named before it
};

SiteTurn TurnOf(const AboutPage& page) {
  const std::string name = absl::AsciiStrToLower(page.url.path());
  if (name == "processes") return SiteTurn::kLast;
  return name == "config" && page.is_first ? SiteTurn::kFirst : SiteTurn::kBeside;
}

// Where there are no others they are pages as those of any site, in their order.
void AddAboutPages(const std::vector<AboutPage>& pages, std::vector<Site>& sites) {
  const bool are_all = sites.empty();
  for (const SiteTurn turn : {SiteTurn::kBeside, SiteTurn::kFirst, SiteTurn::kLast}) {
    Site about = {.url = "about:", .turn = turn};
    for (const AboutPage& page : pages) {
      if (turn == (are_all ? SiteTurn::kBeside : TurnOf(page))) {
        about.pages.push_back({.url = page.url.ToString()});
      }
    }
    if (about.pages.empty()) continue;
    sites.insert(turn == SiteTurn::kFirst ? sites.begin() : sites.end(), std::move(about));
  }
}

// That of the URL's origin, which is added where it is missing.
Site& SiteOf(const Url& url, std::vector<Site>& sites) {
  std::string origin = absl::StrCat(url.scheme(), "://", url.host());
  if (url.port()) absl::StrAppend(&origin, ":", *url.port());
  const auto found = std::find_if(sites.begin(), sites.end(),
                                  [&](const Site& site) { return site.url == origin; });
  if (found != sites.end()) return *found;
  return sites.emplace_back(Site{.url = std::move(origin)});
}

}  // namespace

bool IsUrl(std::string_view argument) {
  const size_t colon = argument.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  return absl::ascii_isalpha(static_cast<unsigned char>(argument[0])) &&
         std::all_of(argument.begin(), argument.begin() + static_cast<ptrdiff_t>(colon),
                     [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' ||
                              c == '-' || c == '.';
                     });
}

absl::StatusOr<PagesToOpen> FindPages(const std::vector<std::string>& arguments,
                                      PassedOver& passed_over) {
  std::vector<std::string> paths;
  std::vector<Url> urls;
  Site files = {.url = "file:"};
  std::vector<AboutPage> about;
  std::vector<Site> network;
  bool is_first = true;
  for (const std::string& argument : arguments) {
    if (!IsUrl(argument)) {
      paths.push_back(argument);
      is_first = false;
      continue;
    }
    absl::StatusOr<Url> url = Url::Parse(argument);
    if (!url.ok()) return NotAUrl(argument, url.status());
    if (const std::optional<std::string> path = PathOfFileUrl(argument)) {
      files.pages.push_back({.path = *path, .url = url->ToString()});
    } else if (IsAboutPage(*url)) {
      about.push_back({.url = *url, .is_first = is_first});
      continue;
    } else if (IsOfTheNetwork(*url)) {
      SiteOf(*url, network).pages.push_back({.url = url->ToString()});
    } else if (url->IsHttpFamily()) {
      urls.push_back(*std::move(url));
    } else {
      return NotOpened(*url);
    }
    is_first = false;
  }
  absl::StatusOr<std::vector<Site>> served = FindSites(paths, passed_over);
  if (!served.ok()) return served.status();
  PagesToOpen pages = {.served = *std::move(served)};
  const bool are_named = urls.size() + files.pages.size() + network.size() > 0;
  absl::StatusOr<std::vector<Site>> chosen =
      are_named ? Choose(urls, paths, pages.served) : pages.served;
  if (!chosen.ok()) return chosen.status();
  pages.sites = *std::move(chosen);
  std::move(network.begin(), network.end(), std::back_inserter(pages.sites));
  if (!files.pages.empty()) pages.sites.push_back(std::move(files));
  AddAboutPages(about, pages.sites);
  return pages;
}

}  // namespace browser_host
