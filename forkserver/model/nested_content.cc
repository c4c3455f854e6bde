#include "forkserver/model/nested_content.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "forkserver/model/content_processes.h"
#include "forkserver/model/url.h"

namespace forkserver {

absl::Status NestedContent::CheckMayNest(const ContentProcess& owner) const {
  if (owner.bridge_ != 0) {
    return absl::FailedPreconditionError(absl::StrFormat("%s is nested itself", owner.Name()));
  }
  const RemoteTypeKind kind = owner.remote_type().kind;
  if (!content_.parent().prefs().MayNest(kind)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: processes of its kind may have none below them", owner.Name()));
  }
  size_t held = 0;
  for (const auto& [id, bridge] : bridges_) held += bridge.owner == &owner;
  if (held >= kMostBridges) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s has %d bridges already", owner.Name(), held));
  }
  size_t below = 0;
  for (const auto& host : content_.hosts_) below += host->owner_ == owner.id();
  if (below >= kMostProcesses) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s has %d processes below it that have not ended", owner.Name(), below));
  }
  return absl::OkStatus();
}

// Where the url would go as a frame in the owner's document.
absl::StatusOr<Selection> NestedContent::SelectBelow(const ContentProcess& owner,
                                                     std::string_view url) const {
  absl::StatusOr<Url> parsed = Url::Parse(url);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<Selection> selection =
      content_.Select({.url = *parsed,
                       .frame = FramePosition::kSubframe,
                       .attributes = owner.remote_type().attributes,
                       .owner = owner.remote_type(),
                       .initiator = owner.remote_type()});
  if (selection.ok() && selection->type.kind == RemoteTypeKind::kParent) {
    return absl::FailedPreconditionError("pages of the parent are not for content processes");
  }
  if (absl::IsPermissionDenied(selection.status())) {
    // Any page may have such a frame: its process has done nothing wrong by asking.
    return absl::FailedPreconditionError(selection.status().message());
  }
  // The bridge would lead to a process that reads files. Sites that read them are their own affair.
  if (selection.ok() && selection->type.kind == RemoteTypeKind::kFile && !parsed->IsHttpFamily() &&
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
  const absl::StatusOr<Selection> selection = SelectBelow(owner, url);
  if (!selection.ok()) {
    callback(selection.status());
    return absl::OkStatus();
  }
  ContentProcess& nested = content_.MakeProcess(selection->type, {}, absl::Seconds(10));
  const BridgeId id = ++last_;
  nested.bridge_ = id;
  nested.owner_ = owner.id();
  bridges_.emplace(id, Bridge{.owner = &owner, .nested = &nested, .within = from.id});
  nested.WhenLaunched([this, id, url = std::string(url), callback = std::move(callback)](
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

absl::StatusOr<NestedBridge> NestedContent::Connect(BridgeId id, std::string_view url) {
  const auto found = bridges_.find(id);
  if (found == bridges_.end()) return absl::CancelledError("the bridge was closed meanwhile");
  ContentProcess& owner = *found->second.owner;
  ContentProcess& nested = *found->second.nested;
  auto ends = content_.parent().CreateEndpoints<ContentBridge>(owner, nested);
  if (!ends.ok()) return ends.status();
  if (absl::Status sent = nested.SendAttachBridge(id, std::move(ends->child)); !sent.ok()) {
    return sent;
  }
  const absl::StatusOr<BrowserId> browser = OpenBrowser(owner, id, url);
  if (!browser.ok()) return browser.status();
  return NestedBridge{.bridge = id, .browser = *browser, .end = std::move(ends->parent)};
}

absl::StatusOr<BrowserId> NestedContent::OpenBrowser(ContentProcess& owner, BridgeId id,
                                                     std::string_view url) {
  const auto found = bridges_.find(id);
  if (found == bridges_.end() && id != 0 && id <= last_) {
    // Closed while the message was on its way: nobody's fault.
    return absl::NotFoundError(absl::StrFormat("bridge %d was closed", id));
  }
  if (found == bridges_.end() || found->second.owner != &owner) {
    return absl::PermissionDeniedError(
        absl::StrFormat("bridge %d is none of %s's", id, owner.Name()));
  }
  ContentProcess& nested = *found->second.nested;
  if (!nested.is_running()) return absl::FailedPreconditionError("the nested process does not run");
  const absl::StatusOr<Selection> selection = SelectBelow(owner, url);
  if (!selection.ok()) return selection.status();
  if (selection->type != nested.remote_type()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s is not for %s", nested.Name(), selection->type.ToString()));
  }
  const BrowserRecord record = {
      .process = nested.id(),
      .owner = owner.id(),
      .bridge = id,
      .context = {.site = selection->type.site, .attributes = selection->type.attributes}};
  return content_.OpenIn(nested, record, url);
}

absl::Status NestedContent::CloseBrowser(ContentProcess& owner, BrowserId browser) {
  const absl::Status good = content_.browsers().CheckOwner(owner.id(), browser);
  if (good.ok()) content_.Close(browser);
  return ContentProcess::FaultOf(good);
}

void NestedContent::OnBrowserClosed(BrowserId browser, const BrowserRecord& record) {
  // What was nested within it goes with it.
  std::vector<BridgeId> over;
  for (const auto& [id, bridge] : bridges_) {
    if (bridge.within == browser) over.push_back(id);
  }
  if (record.bridge != 0 && content_.browsers().OfBridge(record.bridge).empty()) {
    over.push_back(record.bridge);
  }
  for (const BridgeId id : over) CloseBridge(id);
}

// Ends the nested process, and with it the bridge's other end.
void NestedContent::CloseBridge(BridgeId id) {
  const auto found = bridges_.find(id);
  if (found == bridges_.end()) return;
  const Bridge bridge = found->second;
  bridges_.erase(found);
  for (const BrowserId browser : content_.browsers().OfBridge(id)) {
    content_.browsers().Close(browser);
    bridge.nested->SendBrowserClosed(browser).IgnoreError();
  }
  // Those that cannot be told have ended, or are about to.
  bridge.owner->SendBridgeClosed(id).IgnoreError();
  bridge.nested->SendBridgeClosed(id).IgnoreError();
  bridge.nested->ShutDownWhenDelivered();
}

void NestedContent::OnProcessEnd(const ContentProcess& process) {
  std::vector<BridgeId> owned;
  for (const auto& [id, bridge] : bridges_) {
    if (bridge.owner == &process) owned.push_back(id);
  }
  for (const BridgeId id : owned) CloseBridge(id);
  const auto own = bridges_.find(process.bridge_);
  if (own == bridges_.end()) return;
  own->second.owner->SendBridgeClosed(own->first).IgnoreError();
  bridges_.erase(own);
}

}  // namespace forkserver
