#include "examples/browser_host/tab.h"

#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "examples/browser_host/fetch/content_type.h"
#include "examples/browser_host/message_page.h"
#include "examples/browser_host/page_reader.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {

using forkserver::OpenedBrowser;
using forkserver::Url;

namespace {

// Of the page that is shown in its place.
std::string_view TitleOf(const PageResult& lost) {
  if (lost.died != 0) return "This page's process has ended";
  return lost.was_read ? "Page not painted" : "Page not loaded";
}

}  // namespace

Tab::Tab(forkserver::ContentProcesses& content, const Loader& loader, const BrowserOptions& options,
         const Site& site, forkserver::GroupId group, std::vector<OpenedPage>& pages, Events events)
    : content_(content),
      loader_(loader),
      options_(options),
      site_(site),
      group_(group),
      pages_(pages),
      events_(std::move(events)) {
  pages_.reserve(site.pages.size());
}

void Tab::OpenNext() {
  if (pages_.size() < site_.pages.size()) return Begin(site_.pages[pages_.size()]);
  if (const forkserver::BrowserRecord* record = content_.browsers().Find(browser_)) {
    if (auto* host = static_cast<PageHost*>(content_.Find(record->process))) {
      events_.on_last_page(*host);
    }
  }
  if (!options_.keeps_open) CloseBrowser(0);
  events_.on_end();
}

void Tab::Begin(const Page& page) {
  absl::StatusOr<Url> url = Url::Parse(page.url);
  if (!url.ok()) return OnPageEnd(PageEnd::kDone, NotRead(url.status().message()));
  // What they show, their process knows.
  if (url->HasScheme("about")) return Open({.load = {.url = *std::move(url)}, .loading = {}});
  if (page.path.empty()) {
    loader_.Load(*url, FetchFor::kDocument,
                 [this](absl::StatusOr<Loaded> loaded) { OnLoaded(std::move(loaded)); });
    return;
  }
  absl::StatusOr<PageHost::Loading> loading = LoadingOf(page);
  if (!loading.ok()) return OnPageEnd(PageEnd::kDone, NotRead(loading.status().message()));
  Open({.load = {.url = *std::move(url)}, .loading = *std::move(loading)});
}

absl::StatusOr<PageHost::Loading> Tab::LoadingOf(const Page& page) const {
  PageHost::Loading loading;
  // Of what is in it the parent knows nothing.
  if (absl::Status shown = CheckPageType(ContentTypeOfName(page.path)); !shown.ok()) return shown;
  loading.is_plain_text = IsPlainText(ContentTypeOfName(page.path));
  if (IsFile() || options_.pages_are == PagesAre::kOpenedByIt) {
    // Whole: in a sandbox it has no working directory.
    loading.path = std::filesystem::absolute(page.path).string();
    return loading;
  }
  absl::StatusOr<forkserver::UniqueFd> file = OpenPage(page.path);
  if (!file.ok()) return file.status();
  loading.file = *std::move(file);
  return loading;
}

void Tab::OnLoaded(absl::StatusOr<Loaded> loaded) {
  if (is_stopped_) return;
  if (!loaded.ok()) {
    return OnPageEnd(PageEnd::kDone, NotRead(loaded.status().message()));
  }
  http_status_ = loaded->http_status;
  if (absl::Status shown = CheckPageType(loaded->content_type); !shown.ok()) {
    return OnPageEnd(PageEnd::kDone, NotRead(shown.message()));
  }
  Document document = {.load = {.url = std::move(loaded->url)}, .loading = {}};
  document.load.opener_policy = std::move(loaded->opener_policy);
  document.load.embedder_policy = std::move(loaded->embedder_policy);
  document.loading.file = std::move(loaded->body);
  document.loading.charset = std::move(loaded->charset);
  document.loading.is_plain_text = IsPlainText(loaded->content_type);
  Open(std::move(document));
}

void Tab::Open(Document document) {
  document.load.initiated_by = forkserver::InitiatedBy::kUser;
  document.load.attributes = options_.attributes;
  // The parent lays out nothing.
  document.load.parent_pages = forkserver::ParentPages::kInPrivilegedProcess;
  document.loading.paint_width = options_.paint_width;
  document.loading.is_secure = document.load.url.HasScheme("https");
  // std::function wants what can be copied.
  auto kept = std::make_shared<PageHost::Loading>(std::move(document.loading));
  content_.Open({.load = std::move(document.load),
                 .group = group_,
                 .stdio = {forkserver::Stdio::Null(), {}, {}}},
                [this, kept](absl::StatusOr<OpenedBrowser> opened) {
                  if (opened.ok() && opened->process != nullptr) {
                    return LoadIn(*opened, std::move(*kept));
                  }
                  OnPageEnd(PageEnd::kDone, NotRead(opened.ok() ? "is the parent's own"
                                                                : opened.status().message()));
                });
}

void Tab::LoadIn(const OpenedBrowser& opened, PageHost::Loading loading) {
  CloseBrowser(opened.browser);
  loading.browser = opened.browser;
  loading.on_end = [this](PageEnd end, PageResult result) { OnPageEnd(end, std::move(result)); };
  static_cast<PageHost&>(*opened.process).Load(std::move(loading));
}

void Tab::OnPageEnd(PageEnd end, PageResult result) {
  if (lost_) {
    // Its picture, where it could be painted, and else none.
    lost_->picture = std::move(result.picture);
    lost_->paint_nanos = result.paint_nanos;
    FinishPage(*std::exchange(lost_, std::nullopt));
    if (!is_stopped_) OpenNextSoon();
    return;
  }
  // An error as others, of a page that was read.
  if (result.error.empty() && !result.no_picture.empty()) {
    result.error = "not painted: " + std::exchange(result.no_picture, "");
  }
  const bool is_lost = end == PageEnd::kDone && !result.error.empty();
  if (is_lost && !is_stopped_) {
    if (result.died == 0 || !options_.when_reported) return Explain(std::move(result));
    const pid_t died = result.died;
    return options_.when_reported(
        died, [this, alive = alive_, result = std::move(result)](const std::string& report) {
          if (!*alive || is_stopped_) return;
          report_ = report;
          Explain(result);
        });
  }
  if (end == PageEnd::kDone && !is_lost) FinishPage(std::move(result));
  if (!is_stopped_) OpenNextSoon();
}

void Tab::OpenNextSoon() {
  content_.parent().loop().AddTimer(0, [this, alive = alive_] {
    if (*alive && !is_stopped_) OpenNext();
  });
}

void Tab::Explain(PageResult lost) {
  lost_ = std::move(lost);
  const bool has_crashed = lost_->died != 0;
  const std::string note = report_.empty() ? "" : "Crash report " + report_;
  const std::string html = MessagePage({.title = TitleOf(*lost_),
                                        .url = site_.pages[pages_.size()].url,
                                        .text = lost_->error,
                                        .note = note});
  absl::StatusOr<forkserver::UniqueFd> body = forkserver::CreateSealedMemfd(
      "message-page", {reinterpret_cast<const uint8_t*>(html.data()), html.size()});
  if (!options_.paints_errors || !body.ok()) return OnPageEnd(PageEnd::kDone, {});
  Document document = {
      .load = {.url = *Url::Parse(has_crashed ? "about:framecrashed" : "about:neterror")},
      .loading = {}};
  document.loading.file = *std::move(body);
  Open(std::move(document));
}

void Tab::FinishPage(PageResult result) {
  const Page& page = site_.pages[pages_.size()];
  OpenedPage& opened = pages_.emplace_back(OpenedPage{.url = page.url,
                                                      .result = std::move(result),
                                                      .http_status = std::exchange(http_status_, 0),
                                                      .report = std::exchange(report_, {})});
  // It may be large, and there may be many.
  std::shared_ptr<const Picture> picture = std::exchange(opened.result.picture, nullptr);
  opened.result.shared = {};
  if (picture != nullptr && options_.on_picture) {
    opened.picture_width = picture->width();
    opened.picture_height = picture->height();
    opened.picture_file = options_.on_picture(page.url, std::move(picture));
  }
  if (options_.on_page) options_.on_page();
}

void Tab::CloseBrowser(forkserver::BrowserId next) {
  content_.Close(std::exchange(browser_, next));
}

}  // namespace browser_host
