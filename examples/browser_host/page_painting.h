// A page on its way from its bytes to its picture: laid out, then again with the style sheets and
// images that it needs, then its frames, and then painted.
//
//     FrameAllowance frames;
//     PagePainting page(needs, frames);
//     page.Begin(std::move(parsed), url, {.width = 800}, PaintBounds(), [&](absl::Status ready) {
//       if (ready.ok()) page.PaintInto(canvas, layers);
//     });
//     page.StopWaiting();                  // on second thoughts: with what has come by now
//
// What a page needs is the business of PageNeeds: it has the bytes and the pixels from elsewhere,
// and says of each frame's document whether it is this process's, whose bytes it gives, or another
// process's, whose picture is a layer somewhere. A document of this process is a PagePainting in
// this one, painted into its frame's box. What does not come, or is beyond a bound, is left out,
// and nothing of the page is lost by it; a frame without a document, or with one that cannot be
// shown, has a page that says why.
//
// Callbacks may come at once or later, on the same thread; none comes after the destruction.
#ifndef EXAMPLES_BROWSER_HOST_PAGE_PAINTING_H_
#define EXAMPLES_BROWSER_HOST_PAGE_PAINTING_H_

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/paint/painter.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "examples/browser_host/paint/pixels.h"

namespace browser_host {

// The document of a frame: one of the two.
struct FrameContent {
  std::string url = {};  // after redirects
  std::string html = {};
  uint64_t layer = 0;  // its picture is another process's
};

struct PageNeeds {
  using TextCallback = std::function<void(absl::StatusOr<std::string> text)>;
  using PixelsCallback = std::function<void(absl::StatusOr<Pixels> pixels)>;
  using FrameCallback = std::function<void(absl::StatusOr<FrameContent> content)>;

  std::function<void(const std::string& url, TextCallback callback)> style_sheet = {};
  std::function<void(const std::string& url, PixelsCallback callback)> image = {};
  // `box`: of the page's window; its size is the frame's.
  std::function<void(const std::string& url, const PageRect& box, FrameCallback callback)> frame =
      {};
};

// Of a page with all the frames in it, so that pages that frame themselves end.
struct FrameAllowance {
  size_t frames = 32;
  int depth = 4;
  // Of each frame's page that is this process's. The time is one for all of them, where `since` is
  // set.
  PaintBounds bounds = {};
};

// Another process's picture, where it goes in this one.
struct FrameLayer {
  uint64_t layer = 0;
  PageRect rect = {};
};

class PagePainting {
 public:
  // Both are borrowed.
  PagePainting(const PageNeeds& needs, FrameAllowance& allowance, int depth = 0);
  PagePainting(const PagePainting&) = delete;
  PagePainting& operator=(const PagePainting&) = delete;
  ~PagePainting();

  // Calls `on_ready` once, at once or later: it can be painted, or why not, as PagePainter says. It
  // may paint it, and does not destroy this. `bounds`: of this page; of frames the allowance's.
  void Begin(ParsedPage parsed, std::string url, const PaintOptions& options,
             const PaintBounds& bounds, std::function<void(absl::Status ready)> on_ready);
  // Images and style sheets that are not there yet are left out, and the frames begin.
  void StopWaitingForResources();
  // What is not there yet is left out.
  void StopWaiting();

  // When it is ready.
  int width() const { return painter_->pixel_width(); }
  int height() const { return std::min(page_height(), options_.most_height); }
  // What it would be without `most_height`; kMostPixelsOfASide of one that is as high or higher.
  int page_height() const { return painter_->pixel_height(); }
  // Adds the layers that belong onto it.
  absl::Status PaintInto(const Canvas& canvas, std::vector<FrameLayer>& layers);

 private:
  struct Frame {
    PageRect rect = {};
    uint64_t layer = 0;
    std::unique_ptr<PagePainting> page = {};
    absl::Status failed = {};  // why there is nothing to be shown
  };

  // Calls back nothing after the destruction.
  template <typename Callback>
  auto WhileAlive(Callback callback);
  void LayOut();
  void Need(const NeededResource& needed);
  void OnArrival();
  void BeginFrames();
  void OnFrame(size_t index, absl::StatusOr<FrameContent> content);
  void OnFrameReady();
  void Finish(absl::Status ready);

  const PageNeeds& needs_;
  FrameAllowance& allowance_;
  const int depth_;
  PaintOptions options_;
  std::function<void(absl::Status ready)> on_ready_;
  std::unique_ptr<PagePainter> painter_;
  bool resources_are_over_ = false;
  bool has_stopped_waiting_ = false;
  // What was asked for and has not come, and one for whoever is asking.
  size_t awaited_ = 0;
  std::vector<Frame> frames_;
  bool frames_have_begun_ = false;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_PAINTING_H_
