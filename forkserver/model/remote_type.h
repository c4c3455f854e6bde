// What a content process is for: its remote type. Documents with one remote type may share a
// process, others never do.
//
//     RemoteType type = {.kind = RemoteTypeKind::kWebIsolated, .site = "https://example.com"};
//     type.ToString()                                     // "webIsolated=https://example.com"
//     RemoteType::Parse("web^userContextId=1")            // what ToString gives, or an error
//     RowOf(type.kind).template_name                      // "content"
//
// The kinds are rows of one table, and everything that differs by kind reads it. Names and limits
// are those of Gecko's process model (firefox-source-docs.mozilla.org/dom/ipc/process_model.html).
// Other than in Gecko, the attributes are part of every content kind and not of the isolated ones
// only, so that a container never shares a process with another.
//
// Values: copy them. Any thread. Rows are immutable.
#ifndef FORKSERVER_MODEL_REMOTE_TYPE_H_
#define FORKSERVER_MODEL_REMOTE_TYPE_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "child/sandbox/sandbox_policy_id.h"
#include "forkserver/model/origin_attributes.h"

namespace forkserver {

// The numbers may be on a wire: never reuse one.
enum class RemoteTypeKind : uint8_t {
  kPrealloc = 0,           // blank: has loaded nothing yet, and may do nothing
  kParent = 1,             // Gecko's null: the program itself, about:preferences and the like
  kWeb = 2,                // shared: isolation is off, or nobody's origin
  kWebIsolated = 3,        // one site
  kWebCoopCoep = 4,        // one site, cross-origin isolated
  kFile = 5,               // file:, and sites that a pref lets read files
  kExtension = 6,          // moz-extension:
  kPrivilegedAbout = 7,    // about:logins and the like
  kPrivilegedMozilla = 8,  // the separated domains
  kWebLargeAlloc = 9,      // Windows on 32 bits only: never selected here, and its name is refused

  kCount = 10,
};

struct RemoteType {
  // A type that somebody forgot to set has no rights.
  RemoteTypeKind kind = RemoteTypeKind::kPrealloc;
  // "https://example.com" (site.h); empty for the kinds that are not per site.
  std::string site = {};
  // Those of its documents; the default ones for the parent and for blanks.
  OriginAttributes attributes = {};

  friend bool operator==(const RemoteType&, const RemoteType&) = default;

  // "web", "webIsolated=https://example.com^userContextId=1", "prealloc"; "null" for the parent.
  std::string ToString() const;

  // The exact inverse of ToString for every type that there can be: a kind of this platform; a site
  // that is canonical, where the kind has one; no attributes for the parent and for blanks.
  // Anything else is InvalidArgument. Whether a site is a registrable domain is not looked up.
  static absl::StatusOr<RemoteType> Parse(std::string_view text);
};

inline RemoteType ParentRemoteType() { return {.kind = RemoteTypeKind::kParent}; }

// What the columns say, each its own enum so that rows read.
enum class PerSite : uint8_t { kNo, kYes };
enum class FromBlank : uint8_t { kNever, kMay };
enum class ReadsFiles : uint8_t { kNo, kYes };
// kPrivilegedExtensions: the process may, the documents of ordinary extensions in it may not.
enum class SharesMemory : uint8_t { kNo, kYes, kPrivilegedExtensions };
enum class OnPlatform : uint8_t { kHere, kWindowsOnly };

struct RemoteTypeRow {
  RemoteTypeKind kind;
  std::string_view name;              // up to the `=` of its text
  std::string_view user_facing_name;  // for tables and reports
  PerSite per_site;
  // Of processes of one remote type, so per site where the kind is per site. Empty: has no limit.
  std::string_view limit_pref;
  int32_t default_limit;
  FromBlank from_blank;  // whether a preallocated process may become one
  ReadsFiles reads_files;
  SharesMemory shares_memory;
  SandboxPolicyId sandbox;
  std::string_view template_name;  // empty: is not launched
  OnPlatform platform;
};

// All rows, in the order of their numbers.
std::span<const RemoteTypeRow> RemoteTypeRows();

// `kind` < kCount.
const RemoteTypeRow& RowOf(RemoteTypeKind kind);

}  // namespace forkserver

#endif  // FORKSERVER_MODEL_REMOTE_TYPE_H_
