#include "forkserver/model/select_remote_type.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "forkserver/model/about_pages.h"
#include "forkserver/model/cross_origin_policy.h"
#include "forkserver/model/host.h"
#include "forkserver/model/site.h"
#include "forkserver/model/web_content_check.h"

namespace forkserver {
namespace {

constexpr size_t kMaxShownBytes = 120;

bool Is(const std::optional<RemoteType>& type, RemoteTypeKind kind) {
  return type && type->kind == kind;
}

bool IsContent(const std::optional<RemoteType>& type) {
  return type && type->kind != RemoteTypeKind::kParent && type->kind != RemoteTypeKind::kPrealloc;
}

// The rules of one load, each in a function of its own.
class Rules {
 public:
  Rules(const Load& load, const ModelPrefs& prefs, const PublicSuffixList& list)
      : load_(load),
        prefs_(prefs),
        list_(list),
        url_(load.url.HasScheme("view-source") ? *load.url.Inner() : load.url) {}

  absl::StatusOr<RemoteType> Choose() const {
    if (absl::Status status = CheckLoad(); !status.ok()) return status;
    if (load_.kind == LoadKind::kDedicatedWorker) return OfDedicatedWorker();
    if (url_.HasScheme("about")) return OfAbout();
    if (url_.HasScheme("chrome")) return OfParentPage();
    if (url_.HasScheme("data")) {
      return load_.initiated_by == InitiatedBy::kUser ? Nobodys() : OfPrecursor();
    }
    if (url_.HasScheme("blob")) return OfBlob();
    if (url_.HasScheme("moz-extension")) return OfExtension();
    if (url_.HasScheme("file")) return Make(RemoteTypeKind::kFile);
    if (url_.IsHttpFamily()) return OfResponse();
    // Nothing comes with headers by it, so nothing agrees to be there.
    if (IsInIsolatedDocument()) return DeniedBesideSharedMemory();
    return Nobodys();
  }

 private:
  absl::Status Refused(absl::StatusCode code, std::string_view why) const {
    return absl::Status(code, absl::StrCat(load_.url.ToString().substr(0, kMaxShownBytes), ": ",
                                           absl::string_view(why.data(), why.size())));
  }
  absl::Status Invalid(std::string_view why) const {
    return Refused(absl::StatusCode::kInvalidArgument, why);
  }
  absl::Status Denied(std::string_view why) const {
    return Refused(absl::StatusCode::kPermissionDenied, why);
  }

  RemoteType Make(RemoteTypeKind kind, std::string site = {}) const {
    return {.kind = kind, .site = std::move(site), .attributes = load_.attributes};
  }
  RemoteType Nobodys() const { return Make(RemoteTypeKind::kWeb); }

  bool IsWorker() const {
    return load_.kind != LoadKind::kDocument && load_.kind != LoadKind::kNewTab;
  }
  bool IsSubframe() const { return load_.frame == FramePosition::kSubframe; }

  absl::Status CheckLoad() const {
    if (url_.HasScheme("javascript")) return Invalid("is run where it is and loads nothing");
    if (IsSubframe() && load_.kind != LoadKind::kDocument) return Invalid("no document in a frame");
    const bool owned = IsSubframe() || load_.kind == LoadKind::kDedicatedWorker ||
                       load_.kind == LoadKind::kSharedWorker;
    if (owned && !Is(load_.owner, RemoteTypeKind::kParent) && !IsContent(load_.owner)) {
      return Invalid("belongs to a document that is not named");
    }
    if (owned && IsContent(load_.owner) && load_.owner->attributes != load_.attributes) {
      return Invalid("has other attributes than its document");
    }
    if (IsWorker() && url_.HasScheme("about")) return Invalid("about: pages are no workers");
    if (load_.kind == LoadKind::kServiceWorker && !url_.IsHttpFamily() &&
        !url_.HasScheme("moz-extension")) {
      return Invalid("no service worker");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<RemoteType> OfDedicatedWorker() const {
    if (!Is(load_.owner, RemoteTypeKind::kParent)) return *load_.owner;
    if (MayBeInParent(url_)) return ParentRemoteType();
    return Denied("a worker of the parent that is not the program's own");
  }

  // Where something without an origin of its own comes from.
  RemoteType OfPrecursor() const {
    const std::optional<RemoteType>& from = load_.initiator ? load_.initiator : load_.owner;
    return IsContent(from) && from->attributes == load_.attributes ? *from : Nobodys();
  }

  // The frame of a document of the parent's is the parent's own while the parent alone touches it.
  bool IsEmptyFrameOfParent() const {
    return IsSubframe() && Is(load_.owner, RemoteTypeKind::kParent) &&
           (!load_.initiator || Is(load_.initiator, RemoteTypeKind::kParent));
  }

  absl::StatusOr<RemoteType> OfAbout() const {
    const AboutPage* page = FindAboutPage(url_.path());
    // An error page will come of it.
    if (page == nullptr) return Nobodys();
    switch (WhereOf(*page)) {
      case AboutWhere::kParent:
        return OfParentPage();
      case AboutWhere::kPrivilegedAbout:
        return OfOurPage(Make(RemoteTypeKind::kPrivilegedAbout));
      case AboutWhere::kWeb:
        return Nobodys();
      case AboutWhere::kAnywhere:
        return OfErrorPage();
      case AboutWhere::kInherits:
        break;
    }
    if (page->name == "srcdoc") {
      if (!IsSubframe()) return Invalid("is a frame's only");
      return *load_.owner;
    }
    if (IsEmptyFrameOfParent()) return ParentRemoteType();
    if (!IsSubframe() && load_.initiated_by == InitiatedBy::kUser) return Nobodys();
    return OfPrecursor();
  }

  RemoteType OfErrorPage() const {
    for (const std::optional<RemoteType>& candidate : {std::optional(load_.current), load_.owner}) {
      if (IsContent(candidate) && candidate->attributes == load_.attributes) return *candidate;
    }
    return Nobodys();
  }

  // Pages with rights of the program's: only it and its own pages ask for them or have them in
  // frames.
  absl::StatusOr<RemoteType> OfOurPage(RemoteType type) const {
    const auto may = [&type](const RemoteType& other) {
      return other.kind == RemoteTypeKind::kParent || other.kind == type.kind;
    };
    const bool in_document = IsSubframe() || IsWorker();
    if (in_document && load_.owner && !may(*load_.owner)) {
      return Denied("not in a document of another process");
    }
    if (load_.initiated_by == InitiatedBy::kUser) return type;
    const std::optional<RemoteType> asker =
        load_.initiator || !in_document ? load_.initiator : load_.owner;
    // Whoever forgot to say may be any page of the web.
    if (!Is(asker, RemoteTypeKind::kParent) && !IsContent(asker)) {
      return Denied("not for a page that nobody names");
    }
    if (!may(*asker) && asker->kind != RemoteTypeKind::kPrivilegedAbout) {
      return Denied("not for web content");
    }
    return type;
  }

  // Who may have it does not depend on where the program has it laid out.
  absl::StatusOr<RemoteType> OfParentPage() const {
    absl::StatusOr<RemoteType> type = OfOurPage(ParentRemoteType());
    if (type.ok() && load_.parent_pages == ParentPages::kInPrivilegedProcess) {
      type = RemoteType{.kind = RemoteTypeKind::kPrivilegedAbout};
    }
    return type;
  }

  RemoteType OfExtension() const {
    // In the parent's frame it has no document to stay with: it would be in the parent.
    if (IsSubframe() && IsContent(load_.owner)) return *load_.owner;
    return Make(RemoteTypeKind::kExtension);
  }

  absl::StatusOr<RemoteType> OfBlob() const {
    const std::optional<Url> origin = url_.Inner();
    absl::StatusOr<RemoteType> type = OfBlobFrom(origin);
    // A blob has the policies of the document that made it: of an isolated one it is isolated.
    if (type.ok() && type->kind != RemoteTypeKind::kWebCoopCoep && !(origin && Embeds(*origin)) &&
        IsInIsolatedDocument()) {
      return DeniedBesideSharedMemory();
    }
    return type;
  }

  absl::StatusOr<RemoteType> OfBlobFrom(const std::optional<Url>& origin) const {
    if (load_.blob_creator) {
      const RemoteType& creator = *load_.blob_creator;
      // What the parent makes may be shown, and then has no more rights than what it shows.
      if (creator.kind == RemoteTypeKind::kParent) return Nobodys();
      if (creator.attributes != load_.attributes) {
        return Denied("its creator has other attributes");
      }
      if (!IsContent(creator) || !CouldMake(creator, origin)) {
        return Denied(absl::StrCat("not of ", creator.ToString()));
      }
      if (creator.kind == RemoteTypeKind::kPrivilegedAbout) return OfOurPage(creator);
      return creator;
    }
    if (!origin) return Nobodys();
    if (origin->HasScheme("moz-extension")) return OfExtension();
    // It has no headers: it is what its origin is without them.
    return origin->IsHttpFamily() ? OfOrigin(*origin) : Nobodys();
  }

  // Whether a process of type `creator` has documents of `origin`, which the blob claims.
  bool CouldMake(const RemoteType& creator, const std::optional<Url>& origin) const {
    if (!origin) return true;
    // An extension's frames are in all processes.
    if (origin->HasScheme("moz-extension")) return true;
    if (!origin->IsHttpFamily()) return false;
    RemoteType usual = OfOrigin(*origin);
    if (creator == usual) return true;
    const bool web =
        usual.kind == RemoteTypeKind::kWeb || usual.kind == RemoteTypeKind::kWebIsolated;
    return web && creator.kind == RemoteTypeKind::kWebCoopCoep &&
           creator.site == SiteOf(*origin, list_);
  }

  bool IsSeparated(const Url& url) const {
    return url.HasScheme("https") &&
           std::any_of(prefs_.separated_domains.begin(), prefs_.separated_domains.end(),
                       [&](const std::string& domain) { return IsHostWithin(url.host(), domain); });
  }

  bool ReadsFiles(const Url& url) const {
    return std::any_of(
        prefs_.file_readers.begin(), prefs_.file_readers.end(), [&](const FileReader& reader) {
          return url.HasScheme(reader.scheme) && IsHostWithin(url.host(), reader.host);
        });
  }

  // http and https, as far as the address alone says it.
  RemoteType OfOrigin(const Url& url) const {
    if (IsSeparated(url)) return Make(RemoteTypeKind::kPrivilegedMozilla);
    if (ReadsFiles(url)) return Make(RemoteTypeKind::kFile);
    if (prefs_.isolation == SiteIsolation::kOff) return Make(RemoteTypeKind::kWeb);
    return Make(RemoteTypeKind::kWebIsolated, *SiteOf(url, list_));
  }

  bool IsInIsolatedDocument() const {
    return IsSubframe() && Is(load_.owner, RemoteTypeKind::kWebCoopCoep);
  }
  // Whether what came from `url` agrees to be beside shared memory.
  bool Embeds(const Url& url) const {
    return CameSecurely(url) && IsolatesEmbedded(load_.embedder_policy);
  }
  // By the HTML standard a frame that does not agree shows an error.
  absl::Status DeniedBesideSharedMemory() const {
    return Denied("no embedder policy, in a document that has one");
  }

  // http and https, with the response's headers.
  absl::StatusOr<RemoteType> OfResponse() const {
    RemoteType type = OfOrigin(url_);
    // No response has come, or it has no say.
    if (load_.kind == LoadKind::kNewTab || load_.kind == LoadKind::kServiceWorker) return type;
    const bool embeds = Embeds(url_);
    const bool owner_is_isolated = Is(load_.owner, RemoteTypeKind::kWebCoopCoep);
    if (IsInIsolatedDocument() && !embeds) return DeniedBesideSharedMemory();
    const bool own_place =
        type.kind == RemoteTypeKind::kPrivilegedMozilla || type.kind == RemoteTypeKind::kFile;
    if (own_place || !embeds) return type;
    const std::string site = *SiteOf(url_, list_);
    bool isolated = owner_is_isolated;
    if (load_.kind == LoadKind::kSharedWorker) {
      isolated = owner_is_isolated && load_.owner->site == site;
    } else if (!IsSubframe()) {
      isolated = IsolatesOpener(load_.opener_policy);
    }
    return isolated ? Make(RemoteTypeKind::kWebCoopCoep, site) : type;
  }

  const Load& load_;
  const ModelPrefs& prefs_;
  const PublicSuffixList& list_;
  const Url url_;
};

bool HasGroupOfItsOwn(RemoteTypeKind kind) {
  return kind == RemoteTypeKind::kParent || kind == RemoteTypeKind::kWebCoopCoep ||
         kind == RemoteTypeKind::kExtension;
}

bool CrossesIntoOrOutOfParent(const Load& load, const RemoteType& type) {
  return load.current.kind != RemoteTypeKind::kPrealloc &&
         (load.current.kind == RemoteTypeKind::kParent) != (type.kind == RemoteTypeKind::kParent);
}

Isolation IsolationOf(const Load& load, const RemoteType& type) {
  if (load.kind != LoadKind::kDocument && load.kind != LoadKind::kNewTab) return Isolation::kNone;
  if (load.frame == FramePosition::kSubframe) {
    // What the parent shows in a frame of its own is a document on its own.
    const bool leaves = Is(load.owner, RemoteTypeKind::kParent) && type != *load.owner;
    return leaves || CrossesIntoOrOutOfParent(load, type) ? Isolation::kFull : Isolation::kNone;
  }
  if (load.current == type) return Isolation::kNone;
  // An empty document that somebody just opened stays in the group of who opened it.
  const bool is_new = load.current.kind == RemoteTypeKind::kPrealloc;
  if (is_new && IsContent(type) && load.initiator == type) return Isolation::kNone;
  return HasGroupOfItsOwn(type.kind) || HasGroupOfItsOwn(load.current.kind) ? Isolation::kFull
                                                                            : Isolation::kNone;
}

// Also what an extension's page has made, or its source.
bool IsOfExtension(const Url& url) {
  if (url.HasScheme("moz-extension")) return true;
  const std::optional<Url> inner = url.Inner();
  return inner && IsOfExtension(*inner);
}

MemorySharing SharedMemoryOf(const Load& load, const RemoteType& type) {
  const bool is_privileged = load.extension == ExtensionRank::kPrivileged;
  switch (RowOf(type.kind).shares_memory) {
    case SharesMemory::kNo:
      return MemorySharing::kNever;
    case SharesMemory::kYes:
      return IsOfExtension(load.url) && !is_privileged ? MemorySharing::kNever
                                                       : MemorySharing::kMay;
    case SharesMemory::kPrivilegedExtensions:
      break;
  }
  return load.url.HasScheme("moz-extension") && is_privileged ? MemorySharing::kMay
                                                              : MemorySharing::kNever;
}

}  // namespace

absl::StatusOr<Selection> SelectRemoteType(const Load& load, const ModelPrefs& prefs,
                                           const PublicSuffixList& list) {
  absl::StatusOr<RemoteType> type = Rules(load, prefs, list).Choose();
  if (!type.ok()) return type.status();
  if (type->kind == RemoteTypeKind::kParent) CheckParentMayLoad(load.url);
  return Selection{.type = *type,
                   .isolation = IsolationOf(load, *type),
                   .shared_memory = SharedMemoryOf(load, *type)};
}

}  // namespace forkserver
