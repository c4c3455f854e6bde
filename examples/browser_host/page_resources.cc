#include "examples/browser_host/page_resources.h"

#include <string.h>

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "examples/browser_host/data_url.h"
#include "examples/browser_host/fetch/content_type.h"
#include "examples/browser_host/file_url.h"
#include "examples/browser_host/page_reader.h"
#include "examples/browser_host/paint/text_encoding.h"
#include "examples/browser_host/plain_text_page.h"

namespace browser_host {
namespace {

// A page may have as many images as the painter asks for.
DecoderClient::Options DecoderOptions(std::function<void()> need_decoder) {
  return {.most_pictures = kMaxResourcesOfAPage, .need_decoder = std::move(need_decoder)};
}

Pixels PixelsOf(const DecodedPicture& picture) {
  Pixels pixels = {.width = static_cast<int>(picture.header.width),
                   .height = static_cast<int>(picture.header.height),
                   .argb = {}};
  pixels.argb.resize(picture.header.pixel_bytes() / sizeof(uint32_t));
  memcpy(pixels.argb.data(), picture.pixels.bytes().data(), picture.header.pixel_bytes());
  return pixels;
}

bool IsFileUrl(const std::string& url) { return absl::StartsWithIgnoreCase(url, "file:"); }

// `charset`: of the response; or empty.
std::string HtmlOf(std::string bytes, std::string_view charset, bool is_plain_text) {
  std::string text = ToUtf8(std::move(bytes), charset);
  return is_plain_text ? PlainTextPage(text) : text;
}

}  // namespace

PageResources::PageResources(forkserver::EventLoop& loop, Calls calls)
    : calls_(std::move(calls)),
      decoder_(loop, DecoderOptions([this] {
                 const absl::Status asked =
                     calls_.open_decoder([this](absl::StatusOr<DecoderOpened> line) {
                       if (!line.ok()) return decoder_.Fail(line.status());
                       decoder_.Connect(std::move(line->end));
                     });
                 if (!asked.ok()) decoder_.Fail(asked);
               })) {}

template <typename Callback>
auto PageResources::OfThisPage(Callback callback) {
  return [wanted = is_wanted_, callback = std::move(callback)](auto&&... answer) {
    if (*wanted) callback(std::forward<decltype(answer)>(answer)...);
  };
}

PageNeeds PageResources::For(forkserver::BrowserClaimField page, std::string url,
                             const Options& options) {
  Forget();
  page_ = std::move(page);
  page_url_ = std::move(url);
  options_ = options;
  blocked_images_ = 0;
  undecoded_images_ = 0;
  undecoded_.clear();
  is_wanted_ = std::make_shared<bool>(true);
  return {
      .style_sheet =
          [this](const std::string& of, const PageNeeds::TextCallback& callback) {
            LoadBytes(of, FetchFor::kStyleSheet, callback);
          },
      .image = [this](const std::string& of,
                      PageNeeds::PixelsCallback callback) { LoadImage(of, std::move(callback)); },
      .frame =
          [this](const std::string& of, const PageRect& box,
                 const PageNeeds::FrameCallback& callback) {
            LoadFrameDocument(of, box, callback);
          }};
}

void PageResources::Forget() {
  *is_wanted_ = false;
  decoder_.Forget();
  waiting_.clear();
  under_way_ = 0;
}

void PageResources::Queue(std::function<void()> ask) {
  if (under_way_ >= kMostUnderWay) return waiting_.push_back(std::move(ask));
  ++under_way_;
  ask();
}

void PageResources::OnAnswer() {
  --under_way_;
  if (waiting_.empty()) return;
  const std::function<void()> next = std::move(waiting_.front());
  waiting_.pop_front();
  Queue(next);
}

absl::StatusOr<std::string> PageResources::ReadOwnFile(const std::string& url) const {
  const std::optional<std::string> path = PathOfFileUrl(url);
  if (!path) return absl::InvalidArgumentError("names no file");
  if (!IsFileUrl(page_url_)) return absl::PermissionDeniedError("not for a page of the web");
  const absl::StatusOr<forkserver::UniqueFd> file = OpenPage(*path);
  if (!file.ok()) return file.status();
  return ReadPage(file->get(), *path);
}

void PageResources::LoadBytes(const std::string& url, FetchFor what,
                              const BytesCallback& callback) {
  if (IsDataUrl(url)) return callback(DataUrlBytes(url));
  if (IsFileUrl(url)) return callback(ReadOwnFile(url));
  if (url.empty() || url.size() > kMaxResourceUrlBytes) {
    return callback(absl::InvalidArgumentError("no URL to load"));
  }
  Queue([this, url, what, callback] {
    const absl::Status asked = calls_.load(
        {.from = page_, .what = what, .url = url},
        OfThisPage([this, url, callback](absl::StatusOr<ResourceLoaded> loaded) {
          // First: the callback may be the page's end.
          OnAnswer();
          callback(loaded.ok() ? ReadPage(loaded->body.fd.get(), url) : loaded.status());
        }));
    if (asked.ok()) return;
    OnAnswer();
    callback(asked);
  });
}

absl::Status PageResources::NoteUndecoded(absl::Status why) {
  if (undecoded_images_++ == 0) undecoded_ = std::string(why.message());
  return why;
}

void PageResources::LoadImage(const std::string& url, PageNeeds::PixelsCallback callback) {
  if (!options_.fetches_images && !IsDataUrl(url) && !IsFileUrl(url)) {
    ++blocked_images_;
    return callback(absl::PermissionDeniedError("images are blocked"));
  }
  LoadBytes(url, FetchFor::kImage,
            [this, callback = std::move(callback)](const absl::StatusOr<std::string>& bytes) {
              if (!bytes.ok()) return callback(bytes.status());
              const absl::Status begun = decoder_.Decode(
                  {reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()},
                  OfThisPage([this, callback](const absl::StatusOr<DecodedPicture>& picture) {
                    if (!picture.ok()) return callback(NoteUndecoded(picture.status()));
                    callback(PixelsOf(*picture));
                  }));
              if (!begun.ok()) callback(NoteUndecoded(begun));
            });
}

void PageResources::LoadFrameDocument(const std::string& url, const PageRect& box,
                                      const PageNeeds::FrameCallback& callback) {
  // Whose documents these are, only their own process can say.
  if (IsFileUrl(url)) {
    const std::string_view type = ContentTypeOfName(PathOfFileUrl(url).value_or(""));
    const absl::Status shown = CheckPageType(type);
    absl::StatusOr<std::string> html = shown.ok() ? ReadOwnFile(url) : shown;
    if (!html.ok()) return callback(html.status());
    return callback(
        FrameContent{.url = url, .html = HtmlOf(*std::move(html), "", IsPlainText(type))});
  }
  if (IsDataUrl(url)) {
    absl::StatusOr<std::string> html = DataUrlBytes(url);
    if (!html.ok()) return callback(html.status());
    return callback(
        FrameContent{.html = HtmlOf(*std::move(html), "", IsPlainText(DataUrlType(url)))});
  }
  if (url.size() > kMaxResourceUrlBytes) {
    return callback(absl::InvalidArgumentError("its URL is too long"));
  }
  const LoadFrame wanted = {.from = page_,
                            .url = url,
                            .width = static_cast<uint32_t>(box.width),
                            .height = static_cast<uint32_t>(box.height)};
  const absl::Status asked = calls_.load_frame(
      wanted, OfThisPage([callback](absl::StatusOr<FrameLoaded> loaded) {
        if (!loaded.ok()) return callback(loaded.status());
        FrameContent content = {.url = loaded->url.str(), .layer = loaded->layer};
        if (loaded->body) {
          absl::StatusOr<std::string> html = ReadPage(loaded->body->fd.get(), content.url);
          if (!html.ok()) return callback(html.status());
          content.html = HtmlOf(*std::move(html), loaded->charset.view(), loaded->is_plain_text);
          content.layer = 0;
        }
        callback(std::move(content));
      }));
  if (!asked.ok()) callback(asked);
}

}  // namespace browser_host
