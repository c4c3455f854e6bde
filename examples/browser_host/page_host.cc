#include "examples/browser_host/page_host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/compose/canvas.h"
#include "examples/browser_host/page_times.h"
#include "transceiver/errno_status.h"
#include "transceiver/one_line.h"

namespace browser_host {
namespace {

using forkserver::Resolver;
using forkserver::Url;

void KeepFirst(const PageItem& item, std::vector<std::string>& items) {
  if (items.size() < kKeptItems) items.push_back(item.text.str());
}

absl::StatusOr<uint64_t> SizeOf(const forkserver::UniqueFd& body) {
  struct stat status;
  if (fstat(body.get(), &status) != 0) return forkserver::ErrnoStatus(errno, "fstat");
  return static_cast<uint64_t>(status.st_size);
}

// Whether it cannot be duplicated, as is done for a process that is still being launched: this
// program's own shortage (EMFILE, ENFILE), and no fault of the process's.
absl::Status CheckDuplicate(const char* what, int fd) {
  const forkserver::UniqueFd duplicate(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (duplicate.is_open()) return absl::OkStatus();
  return forkserver::ErrnoStatus(errno, absl::StrCat("duplicate ", what, ": fcntl"));
}

absl::Status LoadsNothing(const forkserver::BrowserClaimField& from) {
  return absl::FailedPreconditionError(absl::StrCat("browser ", from.browser, " loads nothing"));
}

// How high a page is that is no frame's is its process's to find out.
bool MayUseCanvas(const PageHost::Loading& page) {
  if (page.paint_width == 0) return false;
  return page.paint_height == 0 ||
         IsWorthACanvas(BytesOfPixels(page.paint_width, page.paint_height));
}

}  // namespace

PageHost::PageHost(forkserver::ParentProcess& parent, forkserver::ContentProcesses& siblings,
                   PageServices& services)
    : ContentHost(parent, siblings),
      services_(services),
      patience_(parent.loop()),
      frames_(*this, services, PaintNested) {
  WhenLaunched([this](const absl::StatusOr<forkserver::ProcessHandle>& process) {
    if (process.ok()) pid_ = process->pid;
  });
}

PageHost::~PageHost() {
  *alive_ = false;
  if (refused_ != 0) parent().loop().CancelTimer(refused_);
}

void PageHost::Load(Loading loading) {
  waiting_.push_back(std::move(loading));
  // Where the process is ending, they are told when it has.
  if (!is_loading_ && MayBeGivenWork()) Begin();
}

void PageHost::Begin() {
  is_loading_ = true;
  ++pages_;
  embedder_ = waiting_.front().embedder;
  Loading& first = waiting_.front();
  tally_ = std::make_shared<ResourceTally>();
  decoder_lines_ = 0;
  frames_.Begin(first.browser, first.is_secure);
  LoadPage message = {.browser = first.browser,
                      .path = first.path,
                      .charset = first.charset,
                      .paint_width = first.paint_width,
                      .paint_height = first.paint_height,
                      .is_plain_text = first.is_plain_text};
  if (first.file.is_open()) message.page.emplace().fd = std::move(first.file);
  if (MayUseCanvas(first)) {
    if (std::optional<forkserver::UniqueFd> canvas = services_.canvases().Take()) {
      message.canvas.emplace().fd = *std::move(canvas);
    }
  }
  if (!IsDebugged()) {
    patience_.Begin(kAnswerPatience, [this] {
      Kill(absl::DeadlineExceededError("no answer within 10 s"));
      LosePage("no answer within 10 s");
    });
  }
  absl::Status sent = Send(message);
  if (absl::IsResourceExhausted(sent) && message.canvas) {
    // One less that is to be duplicated, and one more to do it with, where those are what lacks.
    message.canvas.reset();
    sent = Send(message);
  }
  if (!sent.ok() && message.page) {
    const absl::Status can =
        CheckDuplicate("the page's file for its process", message.page->fd.get());
    if (!can.ok()) return RefuseSoon(can);
  }
  // A process that cannot be told is about to end, and takes this page with it.
  MustBeTold(std::move(sent)).IgnoreError();
}

void PageHost::RefuseSoon(const absl::Status& why) {
  patience_.End();
  refused_ = parent().loop().AddTimer(0, [this, why = std::string(why.message())] {
    refused_ = 0;
    EndPage(NotRead(why));
  });
}

bool PageHost::IsLoading(const forkserver::BrowserClaimField& from) const {
  return is_loading_ && !is_composing_ && waiting_.front().browser == from.browser;
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
        ++result_.headings;
        KeepFirst(item, summary.headings);
        break;
      case PageItemKind::kLink:
        ++result_.links;
        KeepFirst(item, summary.links);
        break;
    }
  }
  if (result_.headings + result_.links <= kMaxItemsOfAPage) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxItemsOfAPage, " items"));
}

absl::Status PageHost::Receive(LoadResource& message, Resolver<ResourceLoaded> resolver) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  if (message.what == FetchFor::kDocument) {
    return absl::InvalidArgumentError("a document that is no frame's");
  }
  const absl::StatusOr<size_t> number = tally_->Ask(message.url.view());
  if (!number.ok()) {
    resolver.Reject(number.status());
    return absl::OkStatus();
  }
  const absl::StatusOr<Url> url = MayLoad(message);
  if (!url.ok()) {
    tally_->Miss(*number, url.status());
    resolver.Reject(url.status());
    return absl::OkStatus();
  }
  // Its process may be gone before what it wants is there.
  auto answer = std::make_shared<Resolver<ResourceLoaded>>(std::move(resolver));
  loads_.push_back(services_.loader().Load(
      *url, message.what,
      [tally = tally_, number = *number, answer](absl::StatusOr<Loaded> loaded) {
        absl::StatusOr<uint64_t> size = loaded.ok() ? SizeOf(loaded->body) : loaded.status();
        if (!size.ok()) {
          tally->Miss(number, size.status());
          return answer->Reject(size.status());
        }
        if (absl::Status may = tally->Have(number, *size); !may.ok()) return answer->Reject(may);
        answer->Resolve({.body = {forkserver::StrangersFd(std::move(loaded->body))}}).IgnoreError();
      }));
  return absl::OkStatus();
}

absl::StatusOr<Url> PageHost::MayLoad(const LoadResource& wanted) const {
  absl::StatusOr<Url> url = Url::Parse(wanted.url.view());
  // Mixed content (w3.org/TR/mixed-content): images cannot change the page.
  const bool may_be_mixed = wanted.what == FetchFor::kImage;
  if (url.ok() && waiting_.front().is_secure && url->HasScheme("http") && !may_be_mixed) {
    return absl::PermissionDeniedError("not by http, in a page of https");
  }
  return url;
}

absl::Status PageHost::Receive(OpenDecoder&, Resolver<DecoderOpened> resolver) {
  if (++decoder_lines_ > kMaxDecoderLinesOfAPage) {
    resolver.Reject(absl::ResourceExhaustedError("too many lines for one page"));
    return absl::OkStatus();
  }
  auto answer = std::make_shared<Resolver<DecoderOpened>>(std::move(resolver));
  ConnectToDecoder(services_.decoder(), *this, [answer](absl::StatusOr<ClientsEnd> end) {
    if (!end.ok()) return answer->Reject(end.status());
    answer->Resolve({.end = *std::move(end)}).IgnoreError();
  });
  return absl::OkStatus();
}

absl::Status PageHost::Receive(OpenAboutData&, Resolver<AboutDataOpened> resolver) {
  absl::StatusOr<AboutChildsEnd> end = services_.OpenAboutData(*this);
  if (AboutHost::IsFault(end.status())) return end.status();
  if (end.ok()) return resolver.Resolve({.end = *std::move(end)});
  resolver.Reject(end.status());
  return absl::OkStatus();
}

absl::Status PageHost::Receive(LoadFrame& message, Resolver<FrameLoaded> resolver) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  frames_.Load(message, std::move(resolver));
  return absl::OkStatus();
}

absl::Status PageHost::Receive(PagePainted& message) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  if (waiting_.front().paint_width == 0 || result_.picture != nullptr) {
    return absl::FailedPreconditionError("a picture that nobody waits for");
  }
  if (message.width != waiting_.front().paint_width) {
    return absl::InvalidArgumentError(
        absl::StrCat("a picture ", message.width, " wide, of ", waiting_.front().paint_width));
  }
  const uint32_t box_height = waiting_.front().paint_height;
  if (box_height != 0 && message.height != box_height) {
    return absl::InvalidArgumentError(
        absl::StrCat("a picture ", message.height, " high, of ", box_height));
  }
  absl::StatusOr<Picture> picture =
      Picture::Map(message.pixels.fd.get(), message.width, message.height);
  if (absl::IsResourceExhausted(picture.status())) {
    result_.no_picture = absl::StrCat("mmap of its picture, ", picture.status().message());
    return absl::OkStatus();
  }
  if (!picture.ok()) return picture.status();
  std::vector<PlacedFrame> placed;
  for (const LayerPlace& place : message.layers.items) {
    constexpr uint32_t kFar = kMostPictureHeight;
    if (place.x > kFar || place.y > kFar) return absl::InvalidArgumentError("a layer far away");
    placed.push_back({.layer = place.layer,
                      .x = static_cast<int32_t>(place.x),
                      .y = static_cast<int32_t>(place.y),
                      .width = place.width,
                      .height = place.height});
  }
  absl::StatusOr<std::vector<ComposeLayer>> layers =
      services_.layers().Place(id(), message.from.browser, placed);
  if (!layers.ok()) return layers.status();
  layers_ = *std::move(layers);
  result_.picture = std::make_shared<const Picture>(*std::move(picture));
  result_.shared = {
      .pixels = std::make_shared<const forkserver::UniqueFd>(std::move(message.pixels.fd)),
      .width = message.width,
      .height = message.height};
  result_.paint_nanos = message.paint_nanos;
  if (message.height == kMostPictureHeight && message.page_height > message.height) {
    result_.page_height = std::min(message.page_height, kMostPageHeight);
  }
  return absl::OkStatus();
}

absl::Status PageHost::Receive(PageDone& message) {
  if (!IsLoading(message.from)) return LoadsNothing(message.from);
  PageResult result = std::move(result_);
  result.summary.text_bytes = message.text_bytes;
  result.error = message.error.str();
  result.was_read = result.error.empty();
  if (result.no_picture.empty()) result.no_picture = message.no_picture.str();
  result.missing = tally_->Missing();
  result.blocked_images = message.blocked_images;
  result.undecoded_images = message.undecoded_images;
  result.undecoded = message.undecoded.str();
  if (layers_.empty()) {
    EndPage(std::move(result));
  } else {
    Compose(std::move(result));
  }
  return absl::OkStatus();
}

void PageHost::Compose(PageResult result) {
  // What it may take from here on is the compositor's, which has a patience of its own.
  patience_.End();
  is_composing_ = true;
  result_ = result;
  services_.compositor().Compose(
      {.base = result.shared, .layers = std::exchange(layers_, {})},
      [this, alive = alive_, result](const absl::StatusOr<SharedPicture>& whole) {
        if (*alive && is_composing_) OnComposed(result, whole);
      });
}

void PageHost::OnComposed(PageResult result, const absl::StatusOr<SharedPicture>& whole) {
  absl::StatusOr<Picture> picture =
      whole.ok() ? Picture::Map(whole->pixels->get(), whole->width, whole->height)
                 : absl::StatusOr<Picture>(whole.status());
  if (picture.ok()) {
    result.picture = std::make_shared<const Picture>(*std::move(picture));
    result.shared = *whole;
  } else {
    // The page is what it is without them.
    parent().Log(absl::StrCat(Name(), ": without its frames, for ",
                              forkserver::OneLine(std::string(picture.status().message()))));
  }
  EndPage(std::move(result));
}

void PageHost::PaintNested(forkserver::ContentProcess& nested, FrameDocument document,
                           FrameLoads::PictureCallback callback) {
  static_cast<PageHost&>(nested).Load(
      {.browser = document.browser,
       .file = std::move(document.body),
       .charset = std::move(document.charset),
       .is_plain_text = document.is_plain_text,
       .is_secure = document.is_secure,
       .paint_width = document.width,
       .embedder = document.embedder,
       .paint_height = document.height,
       .on_end = [callback = std::move(callback)](PageEnd end, const PageResult& result) {
         if (end == PageEnd::kNotBegun)
           return callback(absl::UnavailableError("its process ended"));
         if (result.picture != nullptr) return callback(result.shared);
         callback(absl::UnavailableError(result.error.empty() ? result.no_picture : result.error));
       }});
}

void PageHost::EndPage(PageResult result) {
  patience_.End();
  if (refused_ != 0) parent().loop().CancelTimer(std::exchange(refused_, 0));
  result_ = {};
  layers_.clear();
  for (const LoadId load : std::exchange(loads_, {})) services_.loader().Cancel(load);
  frames_.End();
  is_loading_ = false;
  is_composing_ = false;
  const Loading ended = std::move(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty() && is_running()) Begin();
  ended.on_end(PageEnd::kDone, std::move(result));
}

void PageHost::LosePage(absl::string_view why) {
  PageResult result = NotRead(why);
  result.died = pid_;
  EndPage(std::move(result));
}

void PageHost::OnContentEnd(const forkserver::ProcessEnd& end) {
  if (is_composing_) {
    EndPage(std::move(result_));
  } else if (is_loading_) {
    LosePage("its process ended: " + end.ToString());
  }
  for (const Loading& waiting : std::exchange(waiting_, {})) {
    waiting.on_end(PageEnd::kNotBegun, {});
  }
}

}  // namespace browser_host
