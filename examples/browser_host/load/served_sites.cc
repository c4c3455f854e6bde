#include "examples/browser_host/load/served_sites.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/percent.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

using forkserver::ErrnoStatus;
using forkserver::UniqueFd;
using forkserver::Url;

constexpr std::string_view kPages[] = {".html", ".htm", ".xhtml"};
constexpr std::string_view kStyleSheets[] = {".css"};
constexpr std::string_view kImages[] = {".png", ".jpg", ".jpeg", ".webp"};

struct Kind {
  const char* name;
  std::span<const std::string_view> endings;
};

Kind KindOf(FetchFor what) {
  switch (what) {
    case FetchFor::kDocument:
      return {"page", kPages};
    case FetchFor::kStyleSheet:
      return {"style sheet", kStyleSheets};
    case FetchFor::kImage:
      return {"image", kImages};
  }
  return {};
}

std::string SiteName(const Url& url) { return absl::StrCat(url.scheme(), "://", url.host()); }

}  // namespace

ServedSites::ServedSites(const std::vector<Site>& sites) {
  for (const Site& site : sites) {
    if (!site.folder.empty()) folders_[site.url] = site.folder;
  }
}

bool ServedSites::Serves(const Url& url) const {
  return !url.port() && folders_.contains(SiteName(url));
}

absl::StatusOr<UniqueFd> ServedSites::Open(const Url& url, FetchFor what) const {
  const auto found = folders_.find(SiteName(url));
  if (found == folders_.end() || url.port()) {
    return absl::NotFoundError(absl::StrCat(SiteName(url), " is not served here"));
  }
  const std::optional<std::string> decoded = PercentDecode(url.path());
  if (!decoded) return absl::InvalidArgumentError(absl::StrCat(url.path(), ": no path"));
  std::string path = decoded->substr(std::min(decoded->find_first_not_of('/'), decoded->size()));
  if (path.empty() || path.back() == '/') path += "index.html";
  const Kind kind = KindOf(what);
  if (std::none_of(kind.endings.begin(), kind.endings.end(), [&](std::string_view ending) {
        return absl::EndsWithIgnoreCase(path, absl::string_view(ending.data(), ending.size()));
      })) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": no ", kind.name, " by its name"));
  }
  const UniqueFd folder(open(found->second.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return ErrnoStatus(errno, "open " + found->second);
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  UniqueFd file(
      static_cast<int>(syscall(SYS_openat2, folder.get(), path.c_str(), &how, sizeof(how))));
  if (!file.is_open()) return ErrnoStatus(errno, "open " + path);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return ErrnoStatus(errno, "fstat " + path);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("open ", path, ": not a file"));
  }
  return file;
}

}  // namespace browser_host
