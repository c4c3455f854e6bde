#include "forkserver/model/model_prefs.h"

#include <algorithm>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "forkserver/model/host.h"
#include "forkserver/model/url.h"

namespace forkserver {
namespace {

constexpr std::string_view kDefaultSeparatedDomains = "addons.mozilla.org,accounts.firefox.com";
constexpr std::string_view kDefaultNesting = "web,webIsolated,webCOOP+COEP,extension";
constexpr uint64_t kMiB = uint64_t{1} << 20;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

std::vector<std::string> SplitList(std::string_view text, const char* separators) {
  return absl::StrSplit(Absl(text), absl::ByAnyChar(separators), absl::SkipEmpty());
}

std::vector<std::string> HostsOf(std::string_view list) {
  std::vector<std::string> hosts;
  for (const std::string& text : SplitList(list, ", \t\n")) {
    absl::StatusOr<std::string> host = CanonicalHost(text);
    if (host.ok()) hosts.push_back(*std::move(host));
  }
  return hosts;
}

void AddReaders(const std::string& site, std::vector<FileReader>& readers) {
  if (site.find("://") != std::string::npos) {
    absl::StatusOr<Url> url = Url::Parse(site);
    if (url.ok() && url->IsHttpFamily() && url->path() == "/" && !url->port() && !url->query()) {
      readers.push_back({.scheme = url->scheme(), .host = url->host()});
    }
    return;
  }
  absl::StatusOr<std::string> host = CanonicalHost(site);
  if (!host.ok()) return;
  readers.push_back({.scheme = "http", .host = *host});
  readers.push_back({.scheme = "https", .host = *host});
}

std::vector<FileReader> ReadersOf(const PrefsMap& map) {
  std::vector<FileReader> readers;
  for (const std::string& name :
       SplitList(map.GetString("capability.policy.policynames", ""), ", \t\n")) {
    const std::string policy = absl::StrCat("capability.policy.", name, ".");
    if (map.GetString(policy + "checkloaduri.enabled", "") != "allAccess") continue;
    for (const std::string& site : SplitList(map.GetString(policy + "sites", ""), ", \t\n")) {
      AddReaders(site, readers);
    }
  }
  return readers;
}

std::vector<RemoteTypeKind> KindsOf(std::string_view list) {
  std::vector<RemoteTypeKind> kinds;
  for (const std::string& name : SplitList(list, ", \t\n")) {
    for (const RemoteTypeRow& row : RemoteTypeRows()) {
      if (row.name == name && !row.template_name.empty()) kinds.push_back(row.kind);
    }
  }
  return kinds;
}

}  // namespace

// The defaults are those of a map without prefs.
ModelPrefs::ModelPrefs()
    : separated_domains(HostsOf(kDefaultSeparatedDomains)), nesting(KindsOf(kDefaultNesting)) {
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    limits[static_cast<size_t>(row.kind)] = std::max(row.default_limit, 1);
  }
}

ModelPrefs ModelPrefs::Read(const PrefsMap& map) {
  ModelPrefs prefs;
  for (const RemoteTypeRow& row : RemoteTypeRows()) {
    int32_t& limit = prefs.limits[static_cast<size_t>(row.kind)];
    if (row.limit_pref.empty()) continue;
    limit = std::clamp(map.GetInt(row.limit_pref, limit), 1, kMaxLimit);
  }
  if (!map.GetBool("fission.autostart", true)) prefs.isolation = SiteIsolation::kOff;
  if (!map.GetBool("dom.ipc.forkserver.enable", true)) prefs.launch_by = LaunchBy::kExec;
  prefs.prelaunch = std::clamp(
      map.GetInt("dom.ipc.processPrelaunch.fission.number", prefs.prelaunch), 0, kMaxPrelaunch);
  prefs.low_memory_bytes = kMiB * static_cast<uint64_t>(std::max(
                                      map.GetInt("dom.ipc.processPrelaunch.lowmem_mb", 4096), 0));
  prefs.separated_domains = HostsOf(
      map.GetString("browser.tabs.remote.separatedMozillaDomains", kDefaultSeparatedDomains));
  prefs.file_readers = ReadersOf(map);
  prefs.nesting = KindsOf(map.GetString("dom.ipc.nested.remoteTypes", kDefaultNesting));
  return prefs;
}

bool ModelPrefs::MayNest(RemoteTypeKind kind) const {
  return std::find(nesting.begin(), nesting.end(), kind) != nesting.end();
}

}  // namespace forkserver
