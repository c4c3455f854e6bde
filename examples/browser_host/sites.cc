#include "examples/browser_host/sites.h"

#include <errno.h>
#include <unistd.h>

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

bool IsBelow(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

// Why an entry that looks like a page, or like a folder with some, is not served; empty: it is, or
// looks like neither.
std::string_view WhyNotServed(const fs::directory_entry& entry, const fs::path& canonical_folder) {
  std::error_code error;
  if (entry.is_symlink(error)) {
    if (entry.is_directory(error)) return "a link to a folder";
    if (!IsHtml(entry.path())) return "";
    const fs::path target = fs::canonical(entry.path(), error);
    if (error) return "a link to nothing";
    if (!IsBelow(target, canonical_folder)) return "a link out of the folder";
  }
  if (entry.is_directory(error)) {
    return access(entry.path().c_str(), R_OK | X_OK) == 0 ? "" : "a folder that may not be read";
  }
  return !IsHtml(entry.path()) || entry.is_regular_file(error) ? "" : "no file";
}

absl::Status AddFolder(const fs::path& folder, SiteMap& sites, PassedOver& all_passed_over) {
  const fs::path canonical = Canonical(folder);
  PassedOver passed_over;
  std::error_code error;
  std::vector<fs::path> files;
  // Of those below it that may not be read the walk says nothing, and says nothing of this one.
  if (access(folder.c_str(), R_OK | X_OK) != 0) {
    return forkserver::ErrnoStatus(errno, absl::StrFormat("read folder %s", folder.string()));
  }
  fs::recursive_directory_iterator walk(folder, fs::directory_options::skip_permission_denied,
                                        error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    std::error_code ignored;
    if (const std::string_view why = WhyNotServed(*walk, canonical); !why.empty()) {
      passed_over.Add(walk->path().string(), why);
    } else if (IsHtml(walk->path()) && walk->is_regular_file(ignored)) {
      files.push_back(walk->path());
    }
  }
  if (error) {
    return forkserver::ErrnoStatus(error.value(),
                                   absl::StrFormat("read folder %s", folder.string()));
  }
  if (files.empty()) {
    return absl::NotFoundError(absl::StrFormat("no HTML pages in %s%s%s", folder.string(),
                                               passed_over.count > 0 ? "; " : "",
                                               passed_over.ToString()));
  }
  all_passed_over.AddAll(passed_over);
  const bool is_one_site = std::any_of(files.begin(), files.end(), [&](const fs::path& file) {
    return file.parent_path() == folder;
  });
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

void PassedOver::Add(const std::string& path, std::string_view reason) {
  AddAll({.count = 1, .first = path, .why = std::string(reason)});
}

void PassedOver::AddAll(const PassedOver& others) {
  if (others.count > 0 && (count == 0 || others.first < first)) {
    first = others.first;
    why = others.why;
  }
  count += others.count;
}

std::string PassedOver::ToString() const {
  if (count == 0) return "";
  if (count == 1) return absl::StrFormat("passed over %s: %s", first, why);
  return absl::StrFormat("passed over %d, first %s: %s", count, first, why);
}

absl::StatusOr<std::vector<Site>> FindSites(const std::vector<std::string>& paths,
                                            PassedOver& passed_over) {
  SiteMap by_folder;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (error) return forkserver::ErrnoStatus(error.value(), absl::StrFormat("stat %s", path));
    if (fs::is_directory(status)) {
      // Without a trailing slash, so that parents compare.
      fs::path folder = fs::path(path).lexically_normal();
      if (!folder.has_filename()) folder = folder.parent_path();
      if (absl::Status added = AddFolder(folder, by_folder, passed_over); !added.ok()) return added;
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
