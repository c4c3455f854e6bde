// How a content process comes by what its pages need: style sheets, images and frames' documents,
// by data: URLs, from the parent, or by file: URLs, which a `file` process opens itself.
//
//     PageResources resources(loop(), {.load = ..., .load_frame = ..., .open_decoder = ...});
//     PageNeeds needs = resources.For(claim, url, {});
//     PagePainting page(needs, frames);
//     resources.Forget();                      // the page is over
//
// A few things are asked for at a time, the rest waits: the parent's answers are descriptors, of
// which a process has a bounded number. Images are decoded by the data decoder process, to which
// there is one line; this process never parses one.
//
// Threads: the loop's. Callbacks come while both this and the page are there: Forget is called when
// a page is over.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_RESOURCES_H_
#define EXAMPLES_BROWSER_HOST_PAGE_RESOURCES_H_

#include <stddef.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "child/process/content_messages.h"
#include "examples/browser_host/decode/decoder_client.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/page_painting.h"
#include "transceiver/event_loop.h"

namespace browser_host {

class PageResources {
 public:
  // The port's calls.
  struct Calls {
    std::function<absl::Status(const LoadResource&,
                               std::function<void(absl::StatusOr<ResourceLoaded>)>)>
        load = {};
    std::function<absl::Status(const LoadFrame&, std::function<void(absl::StatusOr<FrameLoaded>)>)>
        load_frame = {};
    std::function<absl::Status(std::function<void(absl::StatusOr<DecoderOpened>)>)> open_decoder =
        {};
  };

  PageResources(forkserver::EventLoop& loop, Calls calls);

  struct Options {
    bool fetches_images = true;  // false: those of http: and https: URLs are refused
  };

  // For the page of that browser, until Forget. `needs` borrows this.
  PageNeeds For(forkserver::BrowserClaimField page, std::string url, const Options& options);
  // How many images the page was refused, its frames' of this process with them.
  uint32_t blocked_images() const { return blocked_images_; }
  // How many came and were not decoded, and why the first was not.
  uint32_t undecoded_images() const { return undecoded_images_; }
  const std::string& undecoded() const { return undecoded_; }
  // Nothing is asked for any more, and nobody is called back.
  void Forget();

 private:
  using BytesCallback = std::function<void(absl::StatusOr<std::string> bytes)>;

  static constexpr size_t kMostUnderWay = 16;

  void LoadBytes(const std::string& url, FetchFor what, const BytesCallback& callback);
  absl::Status NoteUndecoded(absl::Status why);
  void LoadImage(const std::string& url, PageNeeds::PixelsCallback callback);
  void LoadFrameDocument(const std::string& url, const PageRect& box,
                         const PageNeeds::FrameCallback& callback);
  absl::StatusOr<std::string> ReadOwnFile(const std::string& url) const;
  // `ask` is called when it is its turn, and calls back Done when it was answered.
  void Queue(std::function<void()> ask);
  void OnAnswer();

  // Calls back nothing when the page is over.
  template <typename Callback>
  auto OfThisPage(Callback callback);

  const Calls calls_;
  forkserver::BrowserClaimField page_;
  std::string page_url_;
  Options options_;
  uint32_t blocked_images_ = 0;
  uint32_t undecoded_images_ = 0;
  std::string undecoded_;
  std::deque<std::function<void()>> waiting_;
  size_t under_way_ = 0;
  std::shared_ptr<bool> is_wanted_ = std::make_shared<bool>(false);
  DecoderClient decoder_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_RESOURCES_H_
