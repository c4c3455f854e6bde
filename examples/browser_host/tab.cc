#include "examples/browser_host/tab.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "examples/browser_host/page_reader.h"

namespace browser_host {

using forkserver::OpenedBrowser;
using forkserver::Url;

Tab::Tab(forkserver::ContentProcesses& content, const BrowserOptions& options, const Site& site,
         forkserver::GroupId group, std::vector<OpenedPage>& pages, Events events)
    : content_(content),
      options_(options),
      site_(site),
      group_(group),
      pages_(pages),
      events_(std::move(events)) {
  pages_.reserve(site.pages.size());
}

void Tab::OpenNext() {
  while (pages_.size() < site_.pages.size()) {
    const Page& page = site_.pages[pages_.size()];
    PageHost::Loading loading;
    if (Prepare(page, loading)) return Open(page, std::move(loading));
  }
  if (const forkserver::BrowserRecord* record = content_.browsers().Find(browser_)) {
    if (auto* host = static_cast<PageHost*>(content_.Find(record->process))) {
      events_.on_last_page(*host);
    }
  }
  if (!options_.keeps_open) CloseBrowser(0);
  events_.on_end();
}

bool Tab::Prepare(const Page& page, PageHost::Loading& loading) {
  loading.paint_width = options_.paint_width;
  if (IsFile() || options_.pages_are == PagesAre::kOpenedByIt) {
    // Whole: in a sandbox it has no working directory.
    loading.path = std::filesystem::absolute(page.path).string();
    return true;
  }
  absl::StatusOr<forkserver::UniqueFd> file = OpenPage(page.path);
  if (file.ok()) {
    loading.file = *std::move(file);
    return true;
  }
  FinishPage({.error = std::string(file.status().message())});
  return false;
}

void Tab::Open(const Page& page, PageHost::Loading loading) {
  absl::StatusOr<Url> url = Url::Parse(page.url);
  if (!url.ok()) return OnPageEnd(PageEnd::kDone, {.error = std::string(url.status().message())});
  // std::function wants what can be copied.
  auto kept = std::make_shared<PageHost::Loading>(std::move(loading));
  content_.Open({.load = {.url = *std::move(url),
                          .initiated_by = forkserver::InitiatedBy::kUser,
                          .attributes = options_.attributes},
                 .group = group_,
                 .stdio = {forkserver::Stdio::Null(), {}, {}}},
                [this, kept](absl::StatusOr<OpenedBrowser> opened) {
                  if (opened.ok() && opened->process != nullptr) {
                    return LoadIn(*opened, std::move(*kept));
                  }
                  OnPageEnd(PageEnd::kDone,
                            {.error = opened.ok() ? "is the parent's own"
                                                  : std::string(opened.status().message())});
                });
}

void Tab::LoadIn(const OpenedBrowser& opened, PageHost::Loading loading) {
  CloseBrowser(opened.browser);
  loading.browser = opened.browser;
  loading.on_end = [this](PageEnd end, PageResult result) { OnPageEnd(end, std::move(result)); };
  static_cast<PageHost&>(*opened.process).Load(std::move(loading));
}

void Tab::OnPageEnd(PageEnd end, PageResult result) {
  const bool was_ended = is_stopped_ && !result.error.empty();
  if (end == PageEnd::kDone && !was_ended) FinishPage(std::move(result));
  if (!is_stopped_) OpenNext();
}

void Tab::FinishPage(PageResult result) {
  const Page& page = site_.pages[pages_.size()];
  OpenedPage& opened =
      pages_.emplace_back(OpenedPage{.url = page.url, .result = std::move(result)});
  // It may be large, and there may be many.
  const std::shared_ptr<const Picture> picture = std::exchange(opened.result.picture, nullptr);
  if (picture != nullptr && options_.on_picture) {
    opened.picture_width = picture->width();
    opened.picture_height = picture->height();
    absl::StatusOr<std::string> file = options_.on_picture(page.url, *picture);
    if (file.ok()) {
      opened.picture_file = *std::move(file);
    } else {
      opened.result.no_picture = std::string(file.status().message());
    }
  }
  if (options_.on_page) options_.on_page();
}

void Tab::CloseBrowser(forkserver::BrowserId next) {
  content_.Close(std::exchange(browser_, next));
}

}  // namespace browser_host
