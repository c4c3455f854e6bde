#include "examples/browser_host/sites.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/percent.h"
#include "examples/browser_host/site_hosts.h"
#include "transceiver/errno_status.h"

namespace browser_host {
namespace {

namespace fs = std::filesystem;

bool IsHtml(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".html" || extension == ".htm" || extension == ".xhtml";
}

// Sites by the canonical path of their folder: two folders of one name are two sites. Their pages
// have the path below it where their URL will be.
using SiteMap = std::map<fs::path, std::vector<Page>>;

fs::path Canonical(const fs::path& path) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  return error ? path : canonical;
}

absl::Status AddFolder(const fs::path& folder, SiteMap& sites) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::recursive_directory_iterator walk(folder, fs::directory_options::skip_permission_denied,
                                        error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    std::error_code ignored;
    if (IsHtml(walk->path()) && walk->is_regular_file(ignored)) files.push_back(walk->path());
  }
  if (error) {
    return forkserver::ErrnoStatus(error.value(),
                                   absl::StrFormat("read folder %s", folder.string()));
  }
  if (files.empty()) {
    return absl::NotFoundError(absl::StrFormat("no HTML pages in %s", folder.string()));
  }
  const bool is_one_site = std::any_of(files.begin(), files.end(), [&](const fs::path& file) {
    return file.parent_path() == folder;
  });
  const fs::path canonical = Canonical(folder);
  for (const fs::path& file : files) {
    const fs::path relative = file.lexically_relative(folder);
    const std::string top = relative.begin()->string();
    const fs::path site = is_one_site ? canonical : canonical / top;
    const fs::path name = is_one_site ? relative : relative.lexically_relative(top);
    sites[site].push_back({.path = file.string(), .url = name.string()});
  }
  return absl::OkStatus();
}

}  // namespace

bool LooksLikePages(const std::string& path) {
  std::error_code ignored;
  return IsHtml(path) || fs::is_directory(path, ignored);
}

absl::StatusOr<std::vector<Site>> FindSites(const std::vector<std::string>& paths) {
  SiteMap by_folder;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error) return forkserver::ErrnoStatus(error.value(), absl::StrFormat("stat %s", path));
    if (fs::is_directory(status)) {
      // Without a trailing slash, so that parents compare.
      fs::path folder = fs::path(path).lexically_normal();
      if (!folder.has_filename()) folder = folder.parent_path();
      if (absl::Status added = AddFolder(folder, by_folder); !added.ok()) return added;
    } else {
      const fs::path file(path);
      const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
      by_folder[Canonical(folder)].push_back({.path = path, .url = file.filename().string()});
    }
  }
  SiteHosts hosts;
  std::vector<Site> sites;
  for (auto& [folder, pages] : by_folder) {
    const std::string url = "https://" + hosts.HostOf(folder.filename().string());
    std::sort(pages.begin(), pages.end(),
              [](const Page& a, const Page& b) { return a.url < b.url; });
    for (Page& page : pages) page.url = url + "/" + PercentEncode(page.url);
    sites.push_back({.url = url, .folder = folder.string(), .pages = std::move(pages)});
  }
  return sites;
}

}  // namespace browser_host
