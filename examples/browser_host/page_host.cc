#include "examples/browser_host/page_host.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transceiver/clock.h"

namespace browser_host {
namespace {

constexpr int64_t kPatience = 10 * forkserver::kNanosPerSecond;

using forkserver::Resolver;
using forkserver::Url;

absl::Status LoadsNothing(const forkserver::BrowserClaimField& from) {
  return absl::FailedPreconditionError(absl::StrCat("browser ", from.browser, " loads nothing"));
}

}  // namespace

PageHost::~PageHost() { CancelTimer(); }

void PageHost::Load(Loading loading) {
  waiting_.push_back(std::move(loading));
  if (!is_loading_) Begin();
}

void PageHost::Begin() {
  is_loading_ = true;
  ++pages_;
  Loading& first = waiting_.front();
  resources_ = 0;
  LoadPage message = {.browser = first.browser,
                      .path = first.path,
                      .paint_width = first.paint_width,
                      .paint_height = first.paint_height};
  if (first.file.is_open()) message.page.emplace().fd = std::move(first.file);
  if (!IsDebugged()) {
    timer_ = parent().loop().AddTimer(forkserver::NowNanos() + kPatience, [this] {
      timer_ = 0;
      Kill(absl::DeadlineExceededError("no answer within 10 s"));
      EndPage({.error = "no answer within 10 s"});
    });
  }
  // A process that cannot be told is about to end, and takes this page with it.
  Send(message).IgnoreError();
}

bool PageHost::IsLoading(const forkserver::BrowserClaimField& from) const {
  return is_loading_ && waiting_.front().browser == from.browser;
}

absl::Status PageHost::Receive(PageItems& message) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  PageSummary& summary = result_.summary;
  for (const PageItem& item : message.list.items) {
    switch (item.kind) {
      case PageItemKind::kTitle:
        summary.title = item.text.str();
        break;
      case PageItemKind::kHeading:
        summary.headings.push_back(item.text.str());
        break;
      case PageItemKind::kLink:
        summary.links.push_back(item.text.str());
        break;
    }
  }
  if (summary.headings.size() + summary.links.size() <= kMaxItemsOfAPage) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxItemsOfAPage, " items"));
}

absl::Status PageHost::Receive(LoadResource& message, Resolver<ResourceLoaded> resolver) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  if (message.what == FetchFor::kDocument) {
    return absl::InvalidArgumentError("a document that is no frame's");
  }
  if (++resources_ > kMaxResourcesOfAPage) {
    resolver.Reject(absl::ResourceExhaustedError("too many for one page"));
    return absl::OkStatus();
  }
  const absl::StatusOr<Url> url = Url::Parse(message.url.view());
  if (!url.ok()) {
    resolver.Reject(url.status());
    return absl::OkStatus();
  }
  // Its process may be gone before what it wants is there.
  auto answer = std::make_shared<Resolver<ResourceLoaded>>(std::move(resolver));
  services_.loader().Load(*url, message.what, [answer](absl::StatusOr<Loaded> loaded) {
    if (!loaded.ok()) return answer->Reject(loaded.status());
    answer->Resolve({.body = {forkserver::StrangersFd(std::move(loaded->body))}}).IgnoreError();
  });
  return absl::OkStatus();
}

absl::Status PageHost::Receive(OpenDecoder&, Resolver<DecoderOpened> resolver) {
  auto answer = std::make_shared<Resolver<DecoderOpened>>(std::move(resolver));
  ConnectToDecoder(services_.decoder(), *this, [answer](absl::StatusOr<ClientsEnd> end) {
    if (!end.ok()) return answer->Reject(end.status());
    answer->Resolve({.end = *std::move(end)}).IgnoreError();
  });
  return absl::OkStatus();
}

absl::Status PageHost::Receive(LoadFrame& message, Resolver<FrameLoaded> resolver) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  resolver.Reject(absl::UnimplementedError("no frames yet"));
  return absl::OkStatus();
}

absl::Status PageHost::Receive(PagePainted& message) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  if (waiting_.front().paint_width == 0 || result_.picture != nullptr) {
    return absl::FailedPreconditionError("a picture that nobody waits for");
  }
  if (!message.layers.items.empty()) return absl::PermissionDeniedError("a layer that is not its");
  if (message.width != waiting_.front().paint_width) {
    return absl::InvalidArgumentError(
        absl::StrCat("a picture ", message.width, " wide, of ", waiting_.front().paint_width));
  }
  absl::StatusOr<Picture> picture =
      Picture::Map(message.pixels.fd.get(), message.width, message.height);
  if (!picture.ok()) return picture.status();
  result_.picture = std::make_shared<const Picture>(*std::move(picture));
  result_.paint_nanos = message.paint_nanos;
  return absl::OkStatus();
}

absl::Status PageHost::Receive(PageDone& message) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  PageResult result = std::move(result_);
  result.summary.text_bytes = message.text_bytes;
  result.error = message.error.str();
  result.no_picture = message.no_picture.str();
  EndPage(std::move(result));
  return absl::OkStatus();
}

void PageHost::EndPage(PageResult result) {
  CancelTimer();
  result_ = {};
  is_loading_ = false;
  const Loading ended = std::move(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty() && is_running()) Begin();
  ended.on_end(PageEnd::kDone, std::move(result));
}

void PageHost::CancelTimer() {
  if (timer_ != 0) parent().loop().CancelTimer(std::exchange(timer_, 0));
}

void PageHost::OnContentEnd(const forkserver::ProcessEnd& end) {
  if (is_loading_) EndPage({.error = "its process ended: " + end.ToString()});
  for (const Loading& waiting : std::exchange(waiting_, {})) {
    waiting.on_end(PageEnd::kNotBegun, {});
  }
}

}  // namespace browser_host
