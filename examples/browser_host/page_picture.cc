#include "examples/browser_host/page_picture.h"

#include <stddef.h>
#include <sys/mman.h>

#include <utility>

#include "absl/status/status.h"
#include "examples/browser_host/page_messages.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/mapping.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

// Of a page's patience. A frame's page has as much for its own, and is to be there in time.
constexpr double kResourcesShare = 0.4;

// What is painted on, before it is written to a memfd in one go: pages of a memfd that is painted
// into are a fault each, of 2 us and more, and anonymous memory comes in pages of 2 MiB, where the
// kernel has some. For 2.3 MB that is 0.8 ms instead of 1.4.
int MapCanvas(size_t bytes, forkserver::Mapping& canvas) {
  constexpr size_t kLargePage = 2 << 20;
  const bool is_large = bytes > kLargePage / 4;
  // A mapping of whole large pages begins with one.
  const size_t size = is_large ? (bytes + kLargePage - 1) / kLargePage * kLargePage : bytes;
  const int error = canvas.Map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (error == 0 && is_large) madvise(canvas.bytes().data(), size, MADV_HUGEPAGE);
  return error;
}

}  // namespace

PicturePainter::PicturePainter(forkserver::EventLoop& loop, PageNeeds needs)
    : loop_(loop), needs_(std::move(needs)), page_(needs_, allowance_) {}

PicturePainter::~PicturePainter() {
  if (timer_ != 0) loop_.CancelTimer(timer_);
}

void PicturePainter::Begin(std::string_view html, std::string url, const PictureSize& size,
                           absl::Duration patience, Callback callback) {
  callback_ = std::move(callback);
  begin_ = forkserver::NowNanos();
  const auto after = [this](absl::Duration time) {
    return forkserver::DeadlineAfter(begin_, absl::ToInt64Nanoseconds(time));
  };
  timer_ = loop_.AddTimer(after(patience * kResourcesShare), [this, end = after(patience)] {
    timer_ = loop_.AddTimer(end, [this] {
      timer_ = 0;
      page_.StopWaiting();
    });
    page_.StopWaitingForResources();
  });
  const int most_height = static_cast<int>(size.height != 0 ? size.height : kMostPictureHeight);
  PaintOptions options = {.width = static_cast<int>(size.width), .most_height = most_height};
  if (size.height != 0) options.height = box_height_ = most_height;
  page_.Begin(html, std::move(url), options, [this](const absl::Status& ready) { OnReady(ready); });
}

void PicturePainter::OnReady(const absl::Status& ready) {
  if (timer_ != 0) loop_.CancelTimer(std::exchange(timer_, 0));
  std::exchange(callback_, nullptr)(ready.ok() ? MakePicture() : ready);
}

absl::StatusOr<PagePicture> PicturePainter::MakePicture() {
  const size_t stride = static_cast<size_t>(page_.width()) * sizeof(uint32_t);
  const int height = box_height_ != 0 ? box_height_ : page_.height();
  const size_t rows = static_cast<size_t>(height);
  forkserver::Mapping canvas;
  if (const int error = MapCanvas(stride * rows, canvas); error != 0) {
    return forkserver::ErrnoStatus(error, "mmap a canvas");
  }
  PagePicture picture = {.width = static_cast<uint32_t>(page_.width()),
                         .height = static_cast<uint32_t>(height)};
  const absl::Status painted =
      page_.PaintInto({.argb = reinterpret_cast<uint32_t*>(canvas.bytes().data()),
                       .width = page_.width(),
                       .height = height,
                       .stride = stride},
                      picture.layers);
  if (!painted.ok()) return painted;
  absl::StatusOr<forkserver::UniqueFd> pixels =
      forkserver::CreateSealedMemfd("page-picture", canvas.bytes().first(stride * rows));
  if (!pixels.ok()) return pixels.status();
  picture.pixels = *std::move(pixels);
  picture.nanos = static_cast<uint64_t>(forkserver::NowNanos() - begin_);
  return picture;
}

}  // namespace browser_host
