#include "forkserver/model/nested_content.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/url.h"
#include "transceiver/clock.h"

namespace forkserver {

absl::Status NestedContent::CheckKindMayNest(const ContentProcess& owner) const {
  if (content_.parent().prefs().MayNest(owner.remote_type().kind)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrFormat("%s: processes of its kind may have none below them", owner.Name()));
}

absl::Status NestedContent::CheckMayNest(const ContentProcess& owner) const {
  if (owner.bridge_ != 0) {
    return absl::FailedPreconditionError(absl::StrFormat("%s is nested itself", owner.Name()));
  }
  if (absl::Status may = CheckKindMayNest(owner); !may.ok()) return may;
  const size_t held = OpenBridges(owner).size();
  if (held >= kMostBridges) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s has %d bridges already", owner.Name(), held));
  }
  // An owner that never confirms fills the parent's memory no more than one that does.
  const size_t known =
      static_cast<size_t>(std::count_if(bridges_.begin(), bridges_.end(), [&](const auto& bridge) {
        return bridge.second.owner == &owner;
      }));
  if (known >= kMostProcesses) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "%s has %d bridges with those whose close it has not confirmed", owner.Name(), known));
  }
  size_t below = 0;
  for (const auto& host : content_.hosts_) below += host->owner_ == owner.id();
  if (below >= kMostProcesses) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s has %d processes below it that have not ended", owner.Name(), below));
  }
  return absl::OkStatus();
}

// The owner, unless the program knows better: the url is the owner's word, and its origin with it.
RemoteType NestedContent::BlobCreatorOf(const ContentProcess& owner, const Url& url) const {
  const Url shown = url.HasScheme("view-source") ? *url.Inner() : url;
  const auto& blob_creator_of = content_.events_.blob_creator_of;
  if (!shown.HasScheme("blob") || !blob_creator_of) return owner.remote_type();
  return blob_creator_of(owner, shown).value_or(owner.remote_type());
}

// Where the url would go as a frame in the owner's document.
absl::StatusOr<Selection> NestedContent::SelectBelow(const ContentProcess& owner,
                                                     const Url& url) const {
  const auto& embedder_policy_of = content_.events_.embedder_policy_of;
  absl::StatusOr<Selection> selection = content_.Select(
      {.url = url,
       .frame = FramePosition::kSubframe,
       .embedder_policy = embedder_policy_of ? embedder_policy_of(owner, url) : std::string(),
       .attributes = owner.remote_type().attributes,
       .owner = owner.remote_type(),
       .initiator = owner.remote_type(),
       .blob_creator = BlobCreatorOf(owner, url)});
  if (selection.ok() && selection->type.kind == RemoteTypeKind::kParent) {
    return absl::FailedPreconditionError("pages of the parent are not for content processes");
  }
  if (absl::IsPermissionDenied(selection.status())) {
    // Any page may have such a frame: its process has done nothing wrong by asking.
    return absl::FailedPreconditionError(selection.status().message());
  }
  // The bridge would lead to a process that reads files, whatever it is that it shows.
  if (selection.ok() && selection->type.kind == RemoteTypeKind::kFile &&
      owner.remote_type().kind != RemoteTypeKind::kFile) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s may have no files below it", owner.Name()));
  }
  return selection;
}

absl::Status NestedContent::Create(ContentProcess& owner, const BrowserClaim& from,
                                   std::string_view url, CreateCallback callback) {
  absl::Status may = owner.Check(from);
  if (may.ok()) may = CheckMayNest(owner);
  if (!may.ok()) {
    callback(may);
    return ContentProcess::FaultOf(may);
  }
  const absl::StatusOr<Url> parsed = Url::Parse(url);
  const absl::StatusOr<Selection> selection =
      parsed.ok() ? SelectBelow(owner, *parsed) : parsed.status();
  if (!selection.ok()) {
    callback(selection.status());
    return absl::OkStatus();
  }
  if (!owner.nested_launches_.Take(kLaunchRate, NowNanos())) {
    callback(absl::ResourceExhaustedError(
        absl::StrFormat("%s has had too many processes made below it lately", owner.Name())));
    return absl::OkStatus();
  }
  ContentProcess& nested = content_.MakeProcess(selection->type, {}, absl::Seconds(10));
  const BridgeId id = ++last_;
  nested.bridge_ = id;
  nested.owner_ = owner.id();
  bridges_.emplace(id, Bridge{.owner = &owner, .nested = &nested, .within = from.id});
  nested.WhenLaunched([this, id, url = *parsed, callback = std::move(callback)](
                          const absl::StatusOr<ProcessHandle>& process) {
    if (!process.ok()) return callback(process.status());
    absl::StatusOr<NestedBridge> connected = Connect(id, url);
    const bool is_over = !connected.ok();
    callback(std::move(connected));
    if (is_over) CloseBridge(id);
  });
  nested.Begin();
  return absl::OkStatus();
}

absl::StatusOr<NestedBridge> NestedContent::Connect(BridgeId id, const Url& url) {
  const auto found = bridges_.find(id);
  if (found == bridges_.end()) return absl::CancelledError("the bridge was closed meanwhile");
  ContentProcess& owner = *found->second.owner;
  ContentProcess& nested = *found->second.nested;
  auto ends = content_.parent().CreateEndpoints<ContentBridge>(owner, nested);
  if (!ends.ok()) return ends.status();
  if (absl::Status sent = nested.SendAttachBridge(id, std::move(ends->child)); !sent.ok()) {
    return sent;
  }
  absl::StatusOr<BrowserClaim> browser = OpenOn(id, url);
  if (!browser.ok()) return browser.status();
  found->second.state = BridgeState::kOpen;
  return NestedBridge{.bridge = id, .browser = *std::move(browser), .end = std::move(ends->parent)};
}

absl::Status NestedContent::CheckBridge(const ContentProcess& owner, const BrowserClaim& from,
                                        BridgeId id) const {
  if (absl::Status good = owner.Check(from); IsFault(good)) return good;
  const auto found = bridges_.find(id);
  if (found == bridges_.end() || found->second.state == BridgeState::kLaunching) {
    return absl::PermissionDeniedError(absl::StrFormat(
        "bridge %d was %s", id,
        found == bridges_.end() && id != 0 && id <= last_ ? "closed" : "never given out"));
  }
  const Bridge& bridge = found->second;
  if (bridge.owner != &owner) {
    return absl::PermissionDeniedError(
        absl::StrFormat("bridge %d is none of %s's", id, owner.Name()));
  }
  if (bridge.within != from.id) {
    return absl::PermissionDeniedError(
        absl::StrFormat("bridge %d is in browser %d, not %d", id, bridge.within, from.id));
  }
  if (bridge.state == BridgeState::kOpen) return owner.Check(from);
  return absl::FailedPreconditionError(absl::StrFormat("bridge %d is being closed", id));
}

absl::StatusOr<BrowserClaim> NestedContent::OpenBrowser(ContentProcess& owner,
                                                        const BrowserClaim& from, BridgeId bridge,
                                                        std::string_view url) {
  if (absl::Status may = CheckBridge(owner, from, bridge); !may.ok()) return may;
  const absl::StatusOr<Url> parsed = Url::Parse(url);
  if (!parsed.ok()) return parsed.status();
  return OpenOn(bridge, *parsed);
}

absl::StatusOr<BrowserClaim> NestedContent::OpenOn(BridgeId id, const Url& url) {
  const Bridge& bridge = bridges_.find(id)->second;
  ContentProcess& nested = *bridge.nested;
  if (!nested.is_running()) return absl::FailedPreconditionError("the nested process does not run");
  // The prefs may be others than when the bridge was asked for.
  if (absl::Status may = CheckKindMayNest(*bridge.owner); !may.ok()) return may;
  const absl::StatusOr<Selection> selection = SelectBelow(*bridge.owner, url);
  if (!selection.ok()) return selection.status();
  if (selection->type != nested.remote_type()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s is not for %s", nested.Name(), selection->type.ToString()));
  }
  const BrowserRecord record = {
      .process = nested.id(),
      .owner = bridge.owner->id(),
      .bridge = id,
      .context = {.site = selection->type.site, .attributes = selection->type.attributes}};
  const absl::StatusOr<BrowserId> browser = content_.OpenIn(nested, record, url.ToString());
  if (!browser.ok()) return browser.status();
  return BrowserClaim{.id = *browser, .context = record.context};
}

absl::Status NestedContent::CloseBrowser(ContentProcess& owner, const BrowserClaim& which) {
  const absl::Status good = content_.browsers().CheckOwner(owner.id(), which);
  if (good.ok()) content_.CloseFor(owner.id(), which.id);
  return ContentProcess::FaultOf(good);
}

void NestedContent::OnBrowserClosed(BrowserId browser, const BrowserRecord& record, ChildId by) {
  // What was nested within it goes with it.
  std::vector<BridgeId> over;
  for (const auto& [id, bridge] : bridges_) {
    if (bridge.within == browser) over.push_back(id);
  }
  if (record.bridge != 0) {
    if (content_.browsers().OfBridge(record.bridge).empty()) {
      over.push_back(record.bridge);
    } else if (by != record.owner) {
      // With its bridge it hears of all that are on it.
      ContentProcess* const owner = content_.Find(record.owner);
      if (owner != nullptr) owner->SendBrowserClosed(browser).IgnoreError();
    }
  }
  for (const BridgeId id : over) CloseBridge(id);
}

size_t NestedContent::bridges() const {
  return static_cast<size_t>(
      std::count_if(bridges_.begin(), bridges_.end(),
                    [](const auto& bridge) { return bridge.second.nested != nullptr; }));
}

std::vector<BridgeId> NestedContent::OpenBridges(const ContentProcess& owner) const {
  std::vector<BridgeId> open;
  for (const auto& [id, bridge] : bridges_) {
    if (bridge.owner == &owner && bridge.nested != nullptr) open.push_back(id);
  }
  return open;
}

// Takes back what is on it and tells both ends. The nested process, which is still to be ended.
ContentProcess* NestedContent::Disconnect(BridgeId id) {
  const auto found = bridges_.find(id);
  if (found == bridges_.end() || found->second.nested == nullptr) return nullptr;
  const Bridge was = std::exchange(found->second, {.owner = found->second.owner,
                                                   .within = found->second.within,
                                                   .state = BridgeState::kClosed});
  // Its owner asks for nothing that it has not heard of, and an ended one for nothing at all.
  const bool owner_knows_it = was.state == BridgeState::kOpen && !was.owner->has_ended();
  if (!owner_knows_it) bridges_.erase(found);
  for (const BrowserId browser : content_.browsers().OfBridge(id)) {
    content_.browsers().Close(browser);
    was.nested->SendBrowserClosed(browser).IgnoreError();
  }
  // Those that cannot be told have ended, or are about to.
  if (owner_knows_it) was.owner->SendBridgeClosed(id).IgnoreError();
  was.nested->SendBridgeClosed(id).IgnoreError();
  return was.nested;
}

void NestedContent::CloseBridge(BridgeId id) {
  if (ContentProcess* const nested = Disconnect(id)) nested->ShutDownWhenDelivered();
}

void NestedContent::Confirm(const ContentProcess& process, BridgeId bridge) {
  const auto found = bridges_.find(bridge);
  if (found == bridges_.end() || found->second.owner != &process) return;
  content_.browsers().ConfirmBridge(bridge, process.id());
  bridges_.erase(found);
}

void NestedContent::OnProcessEnd(const ContentProcess& process) {
  OnOwnerEnd(process);
  CloseBridge(process.bridge_);
  OnOrphanEnd(process);
}

void NestedContent::OnOwnerEnd(const ContentProcess& owner) {
  Orphans orphans;
  for (const BridgeId id : OpenBridges(owner)) {
    if (ContentProcess* const orphan = Disconnect(id)) orphans.push_back(orphan);
  }
  // Those that it has not confirmed.
  std::erase_if(bridges_, [&](const auto& bridge) { return bridge.second.owner == &owner; });
  if (orphans.empty()) return;
  ContentProcess& first = *orphans.front();
  orphans_.push_back(std::move(orphans));
  first.ShutDownWhenDelivered();
}

void NestedContent::OnOrphanEnd(const ContentProcess& orphan) {
  for (auto family = orphans_.begin(); family != orphans_.end(); ++family) {
    const auto found = std::find(family->begin(), family->end(), &orphan);
    if (found == family->end()) continue;
    const bool is_next = found == family->begin();
    family->erase(found);
    if (family->empty()) {
      orphans_.erase(family);
    } else if (is_next) {
      family->front()->ShutDownWhenDelivered();
    }
    return;
  }
}

}  // namespace forkserver
