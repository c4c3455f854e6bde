#include "forkserver/model/remote_type.h"

#include <iterator>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "forkserver/model/site.h"

namespace forkserver {
namespace {

constexpr RemoteTypeRow kRows[] = {
    {RemoteTypeKind::kPrealloc, "prealloc", "Preallocated", PerSite::kNo, "", 0, FromBlank::kNever,
     ReadsFiles::kNo, SharesMemory::kNo, SandboxPolicyId::kContent, "content", OnPlatform::kHere},
    {RemoteTypeKind::kParent, "null", "Host", PerSite::kNo, "", 1, FromBlank::kNever,
     ReadsFiles::kYes, SharesMemory::kYes, SandboxPolicyId::kNone, "", OnPlatform::kHere},
    {RemoteTypeKind::kWeb, "web", "Web Content", PerSite::kNo, "dom.ipc.processCount", 8,
     FromBlank::kMay, ReadsFiles::kNo, SharesMemory::kNo, SandboxPolicyId::kContent, "content",
     OnPlatform::kHere},
    {RemoteTypeKind::kWebIsolated, "webIsolated", "Isolated Web Content", PerSite::kYes,
     "dom.ipc.processCount.webIsolated", 1, FromBlank::kMay, ReadsFiles::kNo, SharesMemory::kNo,
     SandboxPolicyId::kContent, "content", OnPlatform::kHere},
    {RemoteTypeKind::kWebCoopCoep, "webCOOP+COEP", "Cross-Origin Isolated Web Content",
     PerSite::kYes, "dom.ipc.processCount.webCOOP+COEP", 1, FromBlank::kMay, ReadsFiles::kNo,
     SharesMemory::kYes, SandboxPolicyId::kContent, "content", OnPlatform::kHere},
    // Its processes may do what no blank may, so they come of a template of their own.
    {RemoteTypeKind::kFile, "file", "Local File", PerSite::kNo, "dom.ipc.processCount.file", 1,
     FromBlank::kNever, ReadsFiles::kYes, SharesMemory::kNo, SandboxPolicyId::kFileContent, "file",
     OnPlatform::kHere},
    {RemoteTypeKind::kExtension, "extension", "Extension", PerSite::kNo,
     "dom.ipc.processCount.extension", 1, FromBlank::kNever, ReadsFiles::kNo,
     SharesMemory::kPrivilegedExtensions, SandboxPolicyId::kExtension, "extension",
     OnPlatform::kHere},
    {RemoteTypeKind::kPrivilegedAbout, "privilegedabout", "Privileged About", PerSite::kNo,
     "dom.ipc.processCount.privilegedabout", 1, FromBlank::kMay, ReadsFiles::kNo, SharesMemory::kNo,
     SandboxPolicyId::kContent, "content", OnPlatform::kHere},
    {RemoteTypeKind::kPrivilegedMozilla, "privilegedmozilla", "Privileged Mozilla Content",
     PerSite::kNo, "dom.ipc.processCount.privilegedmozilla", 1, FromBlank::kMay, ReadsFiles::kNo,
     SharesMemory::kNo, SandboxPolicyId::kContent, "content", OnPlatform::kHere},
    {RemoteTypeKind::kWebLargeAlloc, "webLargeAlloc", "Large Allocation Web Content", PerSite::kNo,
     "dom.ipc.processCount.webLargeAlloc", 10, FromBlank::kNever, ReadsFiles::kNo,
     SharesMemory::kNo, SandboxPolicyId::kContent, "", OnPlatform::kWindowsOnly},
};

constexpr bool RowsAreComplete() {
  if (std::size(kRows) != static_cast<size_t>(RemoteTypeKind::kCount)) return false;
  for (size_t i = 0; i < std::size(kRows); ++i) {
    const RemoteTypeRow& row = kRows[i];
    if (static_cast<size_t>(row.kind) != i) return false;
    if (row.name.empty() || row.user_facing_name.empty()) return false;
    const bool launched = row.kind != RemoteTypeKind::kParent && row.platform == OnPlatform::kHere;
    if (launched == row.template_name.empty()) return false;
    const bool content =
        row.kind != RemoteTypeKind::kParent && row.kind != RemoteTypeKind::kPrealloc;
    if (content && (row.limit_pref.empty() || row.default_limit < 1)) return false;
    // A blank has its sandbox already.
    if (row.from_blank == FromBlank::kMay && row.template_name != kRows[0].template_name) {
      return false;
    }
  }
  return true;
}
static_assert(RowsAreComplete(), "rows are indexed by number and have what they are used by");

absl::Status Bad(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "remote type ", absl::CHexEscape(absl::string_view(text.data(), text.size()).substr(0, 120)),
      ": ", absl::string_view(what.data(), what.size())));
}

}  // namespace

std::span<const RemoteTypeRow> RemoteTypeRows() { return kRows; }

const RemoteTypeRow& RowOf(RemoteTypeKind kind) { return kRows[static_cast<size_t>(kind)]; }

std::string RemoteType::ToString() const {
  const RemoteTypeRow& row = RowOf(kind);
  const absl::string_view name(row.name.data(), row.name.size());
  return absl::StrCat(name, row.per_site == PerSite::kYes ? "=" : "", site, attributes.ToSuffix());
}

absl::StatusOr<RemoteType> RemoteType::Parse(std::string_view text) {
  // No host has a `^`.
  const std::string_view name_and_site = text.substr(0, text.find('^'));
  const std::string_view name = name_and_site.substr(0, name_and_site.find('='));
  const RemoteTypeRow* row = nullptr;
  for (const RemoteTypeRow& candidate : kRows) {
    if (candidate.name == name) row = &candidate;
  }
  if (row == nullptr) return Bad(text, "no such kind");
  if (row->platform != OnPlatform::kHere) return Bad(text, "not on this platform");

  RemoteType type = {.kind = row->kind};
  absl::StatusOr<OriginAttributes> attributes =
      OriginAttributes::FromSuffix(text.substr(name_and_site.size()));
  if (!attributes.ok()) return Bad(text, "its attributes are not canonical");
  type.attributes = *attributes;
  if (row->per_site == PerSite::kYes && name.size() < name_and_site.size()) {
    type.site = name_and_site.substr(name.size() + 1);
    if (!IsCanonicalSite(type.site)) return Bad(text, "its site is not canonical");
  }
  if ((row->per_site == PerSite::kYes) == type.site.empty()) return Bad(text, "has no site");
  if (row->limit_pref.empty() && type.attributes != OriginAttributes()) {
    return Bad(text, "has no attributes");
  }
  if (type.ToString() != text) return Bad(text, "not canonical");
  return type;
}

}  // namespace forkserver
