// Where a load goes (SelectRemoteType): whatever is loaded, by whomever, there is an answer or a
// refusal, the same one each time; web content is never in the parent, and content of the web
// never gets the parent or privilegedabout by asking; and what is to be apart is.
//
// The first bytes are the load beside its URL, which is the rest.
#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>

#include "forkserver/model/about_pages.h"
#include "forkserver/model/select_remote_type.h"
#include "forkserver/model/web_content_check.h"
#include "tests/fuzz/public_suffixes.h"
#include "tests/fuzz/require.h"
#include "transceiver/byte_order.h"

namespace forkserver {
namespace {

OriginAttributes TakeAttributes(uint8_t byte) {
  return {.user_context_id = byte & 1u, .private_browsing_id = (byte >> 1) & 1u};
}

// Any type that there can be; `number` 0 is none.
std::optional<RemoteType> TakeType(ByteReader& in) {
  const uint8_t number = in.U8();
  const uint8_t more = in.U8();
  constexpr auto kKinds = static_cast<uint8_t>(RemoteTypeKind::kWebLargeAlloc);
  if (number % (kKinds + 1) == 0) return std::nullopt;
  RemoteType type = {.kind = static_cast<RemoteTypeKind>(number % (kKinds + 1) - 1)};
  if (type.kind == RemoteTypeKind::kPrealloc || type.kind == RemoteTypeKind::kParent) return type;
  type.attributes = TakeAttributes(more);
  if (RowOf(type.kind).per_site == PerSite::kYes) {
    type.site = (more & 4) != 0 ? "https://a.test" : "https://b.test";
  }
  return type;
}

std::string TakePolicy(uint8_t byte) {
  constexpr const char* kPolicies[] = {"",
                                       "same-origin",
                                       "require-corp",
                                       "unsafe-none",
                                       "credentialless",
                                       "same-origin;report-to=\"x\"",
                                       "same-origin-allow-popups",
                                       ";"};
  return kPolicies[byte % std::size(kPolicies)];
}

ModelPrefs TakePrefs(uint8_t byte) {
  ModelPrefs prefs;
  prefs.isolation = (byte & 1) != 0 ? SiteIsolation::kOff : SiteIsolation::kOn;
  if ((byte & 2) != 0) prefs.separated_domains = {"separated.test"};
  if ((byte & 4) != 0) prefs.file_readers = {{.scheme = "https", .host = "reader.test"}};
  return prefs;
}

bool IsOfTheWeb(const std::optional<RemoteType>& type) {
  if (!type) return false;
  switch (type->kind) {
    case RemoteTypeKind::kWeb:
    case RemoteTypeKind::kWebIsolated:
    case RemoteTypeKind::kWebCoopCoep:
    case RemoteTypeKind::kFile:
    case RemoteTypeKind::kExtension:
      return true;
    default:
      return false;
  }
}

// A load in whose surroundings nothing is the program's own: all that it can inherit is the web's.
bool IsAmongTheWeb(const Load& load) {
  const auto is_none_or_web = [](const std::optional<RemoteType>& type) {
    return !type || IsOfTheWeb(type);
  };
  return load.initiated_by == InitiatedBy::kPage && IsOfTheWeb(load.initiator) &&
         is_none_or_web(load.owner) && load.current.kind != RemoteTypeKind::kPrivilegedAbout;
}

bool IsSourceDocument(const Url& url) {
  const AboutPage* const page = FindAboutPage(url.path());
  return page != nullptr && page->name == "srcdoc";
}

void RequireRightful(const Load& load, const Selection& selection) {
  const RemoteType& type = selection.type;
  Require(type.kind != RemoteTypeKind::kPrealloc && type.kind != RemoteTypeKind::kWebLargeAlloc);
  const absl::StatusOr<RemoteType> again = RemoteType::Parse(type.ToString());
  Require(again.ok() && *again == type);
  const bool has_rights =
      type.kind == RemoteTypeKind::kParent || type.kind == RemoteTypeKind::kPrivilegedAbout;
  if (type.kind == RemoteTypeKind::kParent) {
    Require(MayBeInParent(load.url));
  } else {
    Require(type.attributes == load.attributes);
  }
  // What came over the net is nothing but the net's, whoever asked; a dedicated worker runs where
  // its owner is.
  if (load.url.IsHttpFamily() && load.kind != LoadKind::kDedicatedWorker) Require(!has_rights);
  if (IsAmongTheWeb(load)) Require(!has_rights);
  // Not in a frame of the program's own either, but for the text that its own document holds.
  if (load.initiated_by == InitiatedBy::kPage && IsOfTheWeb(load.initiator) &&
      load.kind != LoadKind::kDedicatedWorker && !IsSourceDocument(load.url)) {
    Require(type.kind != RemoteTypeKind::kParent);
  }
}

bool IsParent(const RemoteType& type) { return type.kind == RemoteTypeKind::kParent; }

void RequireApart(const Load& load, const Selection& selection) {
  const bool is_document = load.kind == LoadKind::kDocument || load.kind == LoadKind::kNewTab;
  if (is_document && load.current.kind != RemoteTypeKind::kPrealloc &&
      IsParent(load.current) != IsParent(selection.type)) {
    Require(selection.isolation == Isolation::kFull);
  }
  if (load.url.HasScheme("moz-extension") && load.extension == ExtensionRank::kOrdinary) {
    Require(selection.shared_memory == MemorySharing::kNever);
  }
  // Beside shared memory is what is isolated itself or has an embedder policy.
  if (load.frame == FramePosition::kSubframe && load.owner &&
      load.owner->kind == RemoteTypeKind::kWebCoopCoep && load.embedder_policy.empty() &&
      (load.url.IsHttpFamily() || load.url.HasScheme("blob"))) {
    Require(selection.type.kind == RemoteTypeKind::kWebCoopCoep);
  }
}

void FuzzSelection(std::span<const uint8_t> input) {
  ByteReader in(input);
  const uint8_t how = in.U8();
  const uint8_t attributes = in.U8();
  const uint8_t policies = in.U8();
  const std::optional<RemoteType> current = TakeType(in);
  const std::optional<RemoteType> owner = TakeType(in);
  const std::optional<RemoteType> initiator = TakeType(in);
  const std::optional<RemoteType> creator = TakeType(in);
  if (!in.ok()) return;
  const std::span<const uint8_t> rest = in.Bytes(in.remaining());
  const absl::StatusOr<Url> url =
      Url::Parse({reinterpret_cast<const char*>(rest.data()), rest.size()});
  if (!url.ok()) return;
  const Load load = {
      .url = *url,
      .kind = static_cast<LoadKind>((how & 7) % 5),
      .frame = (how & 8) != 0 ? FramePosition::kSubframe : FramePosition::kTopLevel,
      .initiated_by = (how & 16) != 0 ? InitiatedBy::kUser : InitiatedBy::kPage,
      .opener_policy = TakePolicy(policies & 15),
      .embedder_policy = TakePolicy(policies >> 4),
      .attributes = TakeAttributes(attributes),
      .current = current.value_or(RemoteType()),
      .owner = owner,
      .initiator = initiator,
      .blob_creator = creator,
      .extension = (how & 32) != 0 ? ExtensionRank::kPrivileged : ExtensionRank::kOrdinary};
  const ModelPrefs prefs = TakePrefs(attributes >> 2);
  const absl::StatusOr<Selection> selection = SelectRemoteType(load, prefs, PublicSuffixes());
  const absl::StatusOr<Selection> again = SelectRemoteType(load, prefs, PublicSuffixes());
  Require(selection.status() == again.status());
  if (!selection.ok()) {
    Require(absl::IsInvalidArgument(selection.status()) ||
            absl::IsPermissionDenied(selection.status()));
    return;
  }
  Require(again->type == selection->type && again->isolation == selection->isolation);
  RequireRightful(load, *selection);
  RequireApart(load, *selection);
}

}  // namespace
}  // namespace forkserver

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  forkserver::FuzzSelection({data, size});
  return 0;
}
