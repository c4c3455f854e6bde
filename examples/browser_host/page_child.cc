#include "examples/browser_host/page_child.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "examples/browser_host/broken_tabs.h"
#include "examples/browser_host/page_metrics.h"
#include "examples/browser_host/page_prefs.h"
#include "examples/browser_host/page_reader.h"
#include "examples/browser_host/page_summary.h"
#include "examples/browser_host/page_times.h"
#include "examples/browser_host/paint/pixels.h"
#include "examples/browser_host/paint/text_encoding.h"
#include "examples/browser_host/picture_bounds.h"
#include "examples/browser_host/plain_text_page.h"
#include "examples/browser_host/rehearsal_page.h"
#include "transceiver/clock.h"
#include "transceiver/unique_fd.h"

namespace browser_host {
namespace {

using forkserver::UniqueFd;

// After its picture a page's memory is let go: the parent may have been woken on this processor,
// and would wait for it.
constexpr int64_t kLetsGoAfter = forkserver::kNanosPerMilli;

// What the painter bounds it with.
static_assert(kMostPageHeight == kMostPixelsOfASide);

// Of any page that can be read, whose text can be three times its bytes; the painter has bounds of
// its own. The time is half of what the parent waits for an answer: a page that takes the parser
// longer is told to be such a one, and its process goes on.
constexpr PaintBounds kParseBounds = {.html_bytes = 3 * kMaxPageBytes,
                                      .time = std::chrono::seconds(5)};

std::string_view Cut(std::string_view text) {
  return text.substr(0, std::min(kMaxItemBytes, text.find('\0')));
}

std::vector<PageItem> ItemsOf(const PageSummary& summary) {
  std::vector<PageItem> items = {{.kind = PageItemKind::kTitle, .text = Cut(summary.title)}};
  for (const std::string& heading : summary.headings) {
    items.push_back({.kind = PageItemKind::kHeading, .text = Cut(heading)});
  }
  for (const std::string& link : summary.links) {
    items.push_back({.kind = PageItemKind::kLink, .text = Cut(link)});
  }
  return items;
}

absl::StatusOr<std::string> Decoded(absl::StatusOr<std::string> bytes, const LoadPage& message) {
  if (!bytes.ok()) return bytes;
  std::string text = ToUtf8(*std::move(bytes), message.charset.view());
  return message.is_plain_text ? PlainTextPage(text) : text;
}

absl::StatusOr<std::string> ReadHtml(LoadPage& message, const std::string& url) {
  if (message.page) return Decoded(ReadPage(message.page->fd.get(), "the given file"), message);
  if (message.path.view().empty()) {
    BreakFor(url);
    return absl::NotFoundError("there is no such page");
  }
  const std::string name = message.path.str();
  const absl::StatusOr<UniqueFd> opened = OpenPage(name);
  if (opened.ok()) return Decoded(ReadPage(opened->get(), name), message);
  return absl::Status(opened.status().code(),
                      absl::StrCat("in its process: ", opened.status().message()));
}

// A page of a megabyte can take half a gigabyte while it is parsed, and malloc keeps what is freed
// below something that is not. What pages mostly take is kept: the next one needs it again.
void GiveFreeMemoryBack() {
  constexpr size_t kMuch = 16 * 1024 * 1024;
  if (mallinfo2().fordblks >= kMuch) malloc_trim(0);
}

absl::StatusOr<PageSummary> Summarize(const ParsedPage& page) {
  PageSummary summary = SummarizePage(page);
  if (summary.headings.size() + summary.links.size() <= kMaxItemsOfAPage) return summary;
  return absl::ResourceExhaustedError(
      absl::StrCat("more than ", kMaxItemsOfAPage, " headings and links"));
}

}  // namespace

void PageChild::Rehearse() {
  absl::StatusOr<ParsedPage> page = ParsedPage::Parse(kRehearsalPage, kParseBounds);
  if (!page.ok() || !Summarize(*page).ok()) return;
  painter_ = std::make_unique<PicturePainter>(loop(), PageNeeds());
  painter_->Begin(*std::move(page), "about:rehearsal", {.width = 800}, UniqueFd(), PageTimes(),
                  [](const absl::StatusOr<PagePicture>&) {});
}

absl::Status PageChild::Init() {
  // Until here what it had of memory was to be seen.
  LetGoOfPainter();
  return absl::OkStatus();
}

absl::Status PageChild::Receive(forkserver::BrowserOpened& message) {
  const uint64_t browser = message.as.browser;
  browsers_[browser] = {.as = std::move(message.as), .url = message.url.str()};
  return absl::OkStatus();
}

absl::Status PageChild::Receive(forkserver::BrowserClosed& message,
                                forkserver::Resolver<forkserver::Done> resolver) {
  // From Done on nothing may be said in its name.
  if (shown_ == message.browser) {
    DropPage();
    LetGoSoon();
  }
  browsers_.erase(message.browser);
  return resolver.Resolve({});
}

absl::Status PageChild::Receive(LoadPage& message) {
  const auto browser = browsers_.find(message.browser);
  if (browser == browsers_.end()) {
    return absl::NotFoundError(absl::StrCat("no browser ", message.browser));
  }
  if (answer_) return absl::FailedPreconditionError("the page before it is not done");
  answer_.emplace();
  answer_->done.from = browser->second.as;
  shown_ = message.browser;
  loaded_at_ = forkserver::NowNanos();
  canvas_ = message.canvas ? UniqueFd(std::move(message.canvas->fd)) : UniqueFd();
  const PictureSize size = {.width = message.paint_width, .height = message.paint_height};
  const bool is_about = !message.page && AboutClient::Shows(browser->second.url);
  if (!is_about) return Show(ReadHtml(message, browser->second.url), browser->second, size);
  ShowAboutPage(browser->second, size);
  return absl::OkStatus();
}

void PageChild::ShowAboutPage(const Opened& browser, const PictureSize& size) {
  if (about_ == nullptr) {
    about_ = std::make_unique<AboutClient>(
        loop(), AboutClient::Options{.need_data = [this] {
          const absl::Status asked =
              Call(OpenAboutData{}, [this](absl::StatusOr<AboutDataOpened> opened) {
                if (!opened.ok()) return about_->Fail(opened.status());
                about_->Connect(std::move(opened->end));
              });
          if (!asked.ok()) about_->Fail(asked);
        }});
  }
  about_->Get(browser.url,
              [this, id = browser.as.browser, size](const absl::StatusOr<std::string>& html) {
                // Another one may be shown by now.
                const auto found = browsers_.find(id);
                if (found == browsers_.end() || shown_ != id || !answer_) return;
                Show(html, found->second, size).IgnoreError();
              });
}

absl::Status PageChild::Show(const absl::StatusOr<std::string>& html, const Opened& browser,
                             const PictureSize& size) {
  absl::StatusOr<ParsedPage> page =
      html.ok() ? ParsedPage::Parse(*html, kParseBounds) : html.status();
  const absl::StatusOr<PageSummary> summary = page.ok() ? Summarize(*page) : page.status();
  if (summary.ok()) {
    answer_->items = ItemsOf(*summary);
    answer_->done.text_bytes = summary->text_bytes;
    context().telemetry.Add(kPagesRead);
    context().telemetry.Record(kPageTextBytes, summary->text_bytes);
  } else {
    canvas_.reset();
    const std::string why(summary.status().message());
    answer_->done.error = Cut(why);
    context().telemetry.Event(kPageFailed, why);
  }
  if (!summary.ok() || size.width == 0) {
    answer_->is_whole = true;
    LetGoSoon();
    return GoOnAnswering();
  }
  // What it says goes with its picture, or the parent would be woken in the midst of the work.
  Paint(*std::move(page), browser, size);
  return absl::OkStatus();
}

void PageChild::Paint(ParsedPage page, const Opened& browser, const PictureSize& size) {
  if (resources_ == nullptr) {
    resources_ = std::make_unique<PageResources>(loop(), ResourceCalls());
  }
  LetGoOfPainter();
  const bool blocks_images = prefs().GetInt(kImagePref, kImagesShown) == kImagesBlocked;
  painter_ = std::make_unique<PicturePainter>(
      loop(), resources_->For(browser.as, browser.url, {.fetches_images = !blocks_images}));
  painter_->Begin(std::move(page), browser.url, size, std::move(canvas_), {.begin = loaded_at_},
                  [this](absl::StatusOr<PagePicture> picture) { OnPainted(std::move(picture)); });
}

void PageChild::OnPainted(absl::StatusOr<PagePicture> picture) {
  resources_->Forget();
  answer_->is_whole = true;
  answer_->done.blocked_images = resources_->blocked_images();
  answer_->done.undecoded_images = resources_->undecoded_images();
  answer_->done.undecoded = Cut(resources_->undecoded());
  if (picture.ok()) {
    PagePainted& painted = answer_->picture.emplace(
        PagePainted{.from = answer_->done.from,
                    .width = picture->width,
                    .height = picture->height,
                    .pixels = {forkserver::StrangersFd(std::move(picture->pixels))},
                    .paint_nanos = picture->nanos,
                    .page_height = static_cast<uint32_t>(painter_->page_height())});
    for (const FrameLayer& layer : picture->layers) {
      painted.layers.items.push_back({.layer = layer.layer,
                                      .x = static_cast<uint32_t>(layer.rect.x),
                                      .y = static_cast<uint32_t>(layer.rect.y),
                                      .width = static_cast<uint32_t>(layer.rect.width),
                                      .height = static_cast<uint32_t>(layer.rect.height)});
    }
  } else {
    answer_->done.no_picture = Cut(std::string(picture.status().message()));
  }
  GoOnAnswering().IgnoreError();
  // It is the painter that calls, and the parent has waited for its picture long enough.
  LetGoSoon();
}

void PageChild::LetGoOfPainter() {
  if (lets_go_ != 0) loop().CancelTimer(std::exchange(lets_go_, 0));
  painter_.reset();
}

void PageChild::LetGoSoon() {
  if (lets_go_ != 0) return;
  lets_go_ = loop().AddTimer(forkserver::NowNanos() + kLetsGoAfter, [this] {
    lets_go_ = 0;
    LetGoOfPainter();
    GiveFreeMemoryBack();
  });
}

void PageChild::DropPage() {
  if (resources_ != nullptr) resources_->Forget();
  LetGoOfPainter();
  canvas_.reset();
  answer_.reset();
  shown_ = 0;
}

PageResources::Calls PageChild::ResourceCalls() {
  return {
      .load = [this](const LoadResource& wanted,
                     auto callback) { return Call(wanted, std::move(callback)); },
      .load_frame = [this](const LoadFrame& wanted,
                           auto callback) { return Call(wanted, std::move(callback)); },
      .open_decoder = [this](auto callback) { return Call(OpenDecoder{}, std::move(callback)); }};
}

void PageChild::CleanUp() {
  DropPage();
  resources_.reset();
  about_.reset();
}

void PageChild::ReportMemory(forkserver::MemoryReporter& report) {
  uint64_t unsent = 0;
  if (answer_) {
    for (const PageItem& item : answer_->items) unsent += sizeof(item) + item.text.view().size();
  }
  report.Add("explicit/page/unsent-items", unsent);
  uint64_t browsers = 0;
  for (const auto& [id, opened] : browsers_) {
    browsers += sizeof(id) + sizeof(opened) + opened.url.size();
  }
  report.Add("explicit/browsers", browsers);
}

absl::Status PageChild::GoOnAnswering() {
  absl::Status sent;
  while (sent.ok() && answer_->sent < answer_->items.size()) {
    const auto first = answer_->items.begin() + static_cast<ptrdiff_t>(answer_->sent);
    const size_t count = std::min(kMaxItemsOfAMessage, answer_->items.size() - answer_->sent);
    PageItems message = {.from = answer_->done.from};
    message.list.items.assign(first, first + static_cast<ptrdiff_t>(count));
    sent = Send(message);
    if (sent.ok()) answer_->sent += count;
  }
  if (sent.ok() && answer_->picture) {
    sent = Send(*answer_->picture);
    if (sent.ok()) answer_->picture.reset();
  }
  if (sent.ok()) sent = Send(answer_->done);
  if (absl::IsResourceExhausted(sent)) {
    // By then the page may have been dropped.
    OnRoom([this] {
      if (answer_ && answer_->is_whole) GoOnAnswering().IgnoreError();
    });
    return absl::OkStatus();
  }
  answer_.reset();
  return sent;
}

}  // namespace browser_host
