// What a content process makes of a page to look at.
//
//     PicturePainter painter(loop, needs);
//     painter.Begin(std::move(parsed), url, {.width = 800}, canvas, PageTimes(),
//                   [](absl::StatusOr<PagePicture> picture) { ... });
#ifndef EXAMPLES_BROWSER_HOST_PAGE_PICTURE_H_
#define EXAMPLES_BROWSER_HOST_PAGE_PICTURE_H_

#include <stdint.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/browser_host/page_painting.h"
#include "examples/browser_host/page_times.h"
#include "examples/browser_host/paint/parsed_page.h"
#include "transceiver/event_loop.h"
#include "transceiver/unique_fd.h"

namespace browser_host {

struct PictureSize {
  uint32_t width = 0;   // in CSS pixels
  uint32_t height = 0;  // of a frame's box, which it fills; 0: as high as the page is
};

struct PagePicture {
  uint32_t width = 0;
  uint32_t height = 0;
  forkserver::UniqueFd pixels = {};     // a sealed memfd
  std::vector<FrameLayer> layers = {};  // to be laid onto it
  uint64_t nanos = 0;                   // that it took, what the page waited for included
};

class PicturePainter {
 public:
  using Callback = std::function<void(absl::StatusOr<PagePicture> picture)>;

  PicturePainter(forkserver::EventLoop& loop, PageNeeds needs);
  PicturePainter(const PicturePainter&) = delete;
  PicturePainter& operator=(const PicturePainter&) = delete;
  ~PicturePainter();

  // Lays out and paints it, once. Calls back once, at once or later, and not after the
  // destruction, which is not to happen in the callback. Errors are PagePainter's, and that there
  // is no memory for it. `canvas`: where it is open, memory that the picture may be painted on.
  // Where `times` are over, errors are PaintBounds': "page takes longer than 9000 ms".
  void Begin(ParsedPage page, std::string url, const PictureSize& size, forkserver::UniqueFd canvas,
             const PageTimes& times, Callback callback);
  // When it has called back with a picture: of the page, which may be higher.
  int page_height() const { return page_.page_height(); }

 private:
  void OnReady(const absl::Status& ready);
  absl::StatusOr<PagePicture> MakePicture();
  // Sealed memory of so many bytes or more.
  absl::StatusOr<forkserver::UniqueFd> Paint(Canvas canvas, size_t bytes,
                                             std::vector<FrameLayer>& layers);

  forkserver::EventLoop& loop_;
  const PageNeeds needs_;
  FrameAllowance allowance_;
  PagePainting page_;
  Callback callback_;
  forkserver::UniqueFd canvas_;
  int box_height_ = 0;  // 0: it is none
  int64_t begin_ = 0;
  forkserver::EventLoop::TimerId timer_ = 0;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PAGE_PICTURE_H_
