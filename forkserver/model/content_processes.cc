#include "forkserver/model/content_processes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "forkserver/model/nested_content.h"
#include "forkserver/model/select_process.h"
#include "forkserver/model/site.h"

namespace forkserver {

ContentProcesses::ContentProcesses(ParentProcess& parent, const PublicSuffixList& suffixes,
                                   MakeHost make_host, ContentEvents events)
    : parent_(parent),
      suffixes_(suffixes),
      make_host_(std::move(make_host)),
      events_(std::move(events)),
      nested_(std::make_unique<NestedContent>(*this)) {}

ContentProcesses::~ContentProcesses() { *alive_ = false; }

std::vector<ContentProcess*> ContentProcesses::processes() const {
  std::vector<ContentProcess*> all;
  for (const auto& host : hosts_) all.push_back(host.get());
  return all;
}

ContentProcess* ContentProcesses::Find(ChildId id) const {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [id](const auto& host) { return host->id() == id; });
  return found == hosts_.end() ? nullptr : found->get();
}

absl::StatusOr<Selection> ContentProcesses::Select(const Load& load) const {
  return SelectRemoteType(load, parent_.prefs(), suffixes_);
}

size_t ContentProcesses::BrowsersOf(const ContentProcess& process) const {
  return browsers_.OfProcess(process.id()).size();
}

ContentProcess* ContentProcesses::FindFor(const Selection& selection, GroupId group) const {
  std::vector<LiveProcess> live;
  std::vector<ContentProcess*> hosts;
  std::optional<size_t> of_group;
  std::vector<ChildId> in_group;
  if (group != 0) {
    for (const BrowserId browser : browsers_.OfGroup(group)) {
      in_group.push_back(browsers_.Find(browser)->process);
    }
  }
  for (const auto& host : hosts_) {
    if (host->bridge_ != 0 || !host->MayBeGivenWork()) continue;
    if (std::find(in_group.begin(), in_group.end(), host->id()) != in_group.end() &&
        host->remote_type() == selection.type) {
      of_group = hosts.size();
    }
    hosts.push_back(host.get());
    live.push_back(
        {.type = host->remote_type(), .browsers = static_cast<int32_t>(BrowsersOf(*host))});
  }
  const ProcessChoice choice = SelectProcess({.type = selection.type,
                                              .limit = parent_.prefs().LimitOf(selection.type.kind),
                                              .of_group = of_group},
                                             live);
  return choice.action == ProcessAction::kReuse ? hosts[choice.index] : nullptr;
}

ContentProcess& ContentProcesses::MakeProcess(const RemoteType& type,
                                              const std::array<Stdio, 3>& stdio,
                                              absl::Duration timeout) {
  ContentProcess& host = *hosts_.emplace_back(make_host_(parent_, *this));
  const RemoteTypeRow& row = RowOf(type.kind);
  // A blank of the template's pool, where there is one, is a preallocated process that becomes
  // this.
  host.Prepare({.remote_type = type,
                .template_name = std::string(row.template_name),
                .sandbox = row.sandbox,
                .stdio = stdio,
                .title = absl::StrCat("content ", type.ToString()),
                .timeout = timeout});
  return host;
}

void ContentProcesses::Open(const BrowserRequest& request, const OpenCallback& callback) {
  const absl::StatusOr<Selection> selection = Select(request.load);
  if (!selection.ok()) return callback(selection.status());
  if (selection->type.kind == RemoteTypeKind::kParent) {
    return callback(OpenedBrowser{.selection = *selection});
  }
  const std::string url = request.load.url.ToString();
  if (url.size() > kMaxUrlBytes) {
    return callback(absl::InvalidArgumentError(absl::StrFormat(
        "url of %d bytes: a process can be told one of %d", url.size(), kMaxUrlBytes)));
  }
  const GroupId group = selection->isolation == Isolation::kFull ? next_group_++ : request.group;
  for (;;) {
    ContentProcess* const there = FindFor(*selection, group);
    ContentProcess& host =
        there != nullptr ? *there : MakeProcess(selection->type, request.stdio, request.timeout);
    const BrowserRecord record = {
        .process = host.id(),
        .group = group,
        .context = {.site = selection->type.site, .attributes = selection->type.attributes}};
    absl::StatusOr<BrowserId> browser = OpenIn(host, record, url);
    if (browser.ok()) {
      const std::shared_ptr<bool> alive = alive_;
      callback(OpenedBrowser{
          .selection = *selection, .process = &host, .browser = *browser, .group = group});
      // With all that was sent to it meanwhile.
      if (*alive && there == nullptr) host.Begin();
      return;
    }
    // It has just ended, and the loop has not heard of it: the next one is found, or made.
    if (there != nullptr && !there->MayBeGivenWork()) continue;
    // Never launched, and never to be: no later load may find it.
    if (there == nullptr) hosts_.pop_back();
    return callback(browser.status());
  }
}

absl::StatusOr<BrowserId> ContentProcesses::OpenIn(ContentProcess& host,
                                                   const BrowserRecord& record,
                                                   std::string_view url) {
  absl::StatusOr<BrowserId> browser = browsers_.Open(record);
  if (!browser.ok()) return browser;
  absl::Status told = host.NoteUnheard(host.SendBrowserOpened(*browser, record, url));
  if (told.ok()) return browser;
  browsers_.Discard(*browser);
  return told;
}

void ContentProcesses::Close(BrowserId browser) { CloseFor(0, browser); }

void ContentProcesses::CloseFor(ChildId by, BrowserId browser) {
  const BrowserRecord* const found = browsers_.Find(browser);
  if (found == nullptr) return;
  const BrowserRecord record = *found;
  browsers_.Close(browser, by);
  ContentProcess* const process = Find(record.process);
  if (process == nullptr) return;
  // One that cannot be told is about to end.
  process->SendBrowserClosed(browser).IgnoreError();
  nested_->OnBrowserClosed(browser, record, by);
  EndIfUnused(*process);
}

void ContentProcesses::EndIfUnused(ContentProcess& process) {
  if (BrowsersOf(process) == 0) process.ShutDownWhenDelivered();
}

void ContentProcesses::CloseAll() {
  for (ContentProcess* process : processes()) process->ShutDownWhenDelivered();
}

void ContentProcesses::OnEnd(ContentProcess& process, const ProcessEnd& end) {
  const std::vector<BrowserId> browsers = browsers_.ForgetProcess(process.id());
  nested_->OnProcessEnd(process);
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [&](const auto& host) { return host.get() == &process; });
  const std::unique_ptr<ContentProcess> last = std::move(*found);
  hosts_.erase(found);
  // A copy: whoever hears that all have ended may destroy this.
  const auto on_process_end = events_.on_process_end;
  last->OnContentEnd(end);
  if (on_process_end) on_process_end(*last, end, browsers);
}

}  // namespace forkserver
