#include "examples/browser_host/page_picture.h"

#include <stddef.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "examples/browser_host/compose/canvas.h"
#include "examples/browser_host/page_messages.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/huge_page.h"
#include "transceiver/mapping.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

using forkserver::kHugePage;
using forkserver::UniqueFd;

PaintBounds BoundsOf(int64_t begin, absl::Duration work) {
  using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as NowNanos
  return {.time = absl::ToChronoMilliseconds(work),
          .since = Clock::time_point(std::chrono::nanoseconds(begin))};
}

// What is painted on, before it is written to a memfd in one go: pages of a memfd that is painted
// into are a fault each, of 2 us and more, and anonymous memory comes in pages of 2 MiB, where the
// kernel has some. For 2.3 MB that is 0.8 ms instead of 1.4.
int MapOwnCanvas(size_t bytes, forkserver::Mapping& canvas) {
  const bool is_large = bytes > kHugePage / 4;
  // A mapping of whole large pages begins with one.
  const size_t size = is_large ? (bytes + kHugePage - 1) / kHugePage * kHugePage : bytes;
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

void PicturePainter::Begin(ParsedPage page, std::string url, const PictureSize& size,
                           forkserver::UniqueFd canvas, const PageTimes& times, Callback callback) {
  callback_ = std::move(callback);
  canvas_ = std::move(canvas);
  begin_ = forkserver::NowNanos();
  const int64_t loaded = times.begin != 0 ? times.begin : begin_;
  const int64_t frames_end = loaded + absl::ToInt64Nanoseconds(times.frames);
  const int64_t resources_end = begin_ + absl::ToInt64Nanoseconds(times.resources);
  timer_ = loop_.AddTimer(std::min(resources_end, frames_end), [this, frames_end] {
    timer_ = loop_.AddTimer(frames_end, [this] {
      timer_ = 0;
      page_.StopWaiting();
    });
    page_.StopWaitingForResources();
  });
  const int most_height = static_cast<int>(size.height != 0 ? size.height : kMostPictureHeight);
  PaintOptions options = {.width = static_cast<int>(size.width), .most_height = most_height};
  if (size.height != 0) options.height = box_height_ = most_height;
  allowance_.bounds = BoundsOf(loaded, times.frames_work);
  page_.Begin(std::move(page), std::move(url), options, BoundsOf(loaded, times.work),
              [this](const absl::Status& ready) { OnReady(ready); });
}

void PicturePainter::OnReady(const absl::Status& ready) {
  if (timer_ != 0) loop_.CancelTimer(std::exchange(timer_, 0));
  std::exchange(callback_, nullptr)(ready.ok() ? MakePicture() : ready);
}

absl::StatusOr<PagePicture> PicturePainter::MakePicture() {
  const size_t stride = static_cast<size_t>(page_.width()) * sizeof(uint32_t);
  const int height = box_height_ != 0 ? box_height_ : page_.height();
  const size_t rows = static_cast<size_t>(height);
  PagePicture picture = {.width = static_cast<uint32_t>(page_.width()),
                         .height = static_cast<uint32_t>(height)};
  absl::StatusOr<UniqueFd> pixels = Paint(
      {.width = page_.width(), .height = height, .stride = stride}, stride * rows, picture.layers);
  if (!pixels.ok()) return pixels.status();
  picture.pixels = *std::move(pixels);
  picture.nanos = static_cast<uint64_t>(forkserver::NowNanos() - begin_);
  return picture;
}

absl::StatusOr<UniqueFd> PicturePainter::Paint(Canvas canvas, size_t bytes,
                                               std::vector<FrameLayer>& layers) {
  const bool is_given = canvas_.is_open() && IsWorthACanvas(bytes);
  if (!is_given) canvas_.reset();  // its memory is there, whether anybody writes to it or not
  forkserver::Mapping memory;
  const int error = is_given ? MapCanvas(canvas_.get(), memory) : MapOwnCanvas(bytes, memory);
  if (error != 0) return forkserver::ErrnoStatus(error, "mmap a canvas");
  canvas.argb = reinterpret_cast<uint32_t*>(memory.bytes().data());
  canvas.is_white = is_given;
  if (absl::Status painted = page_.PaintInto(canvas, layers); !painted.ok()) return painted;
  constexpr std::string_view kName = "page-picture";
  if (!is_given) return forkserver::CreateSealedMemfd(kName, memory.bytes().first(bytes));
  memory.Unmap();
  if (absl::Status sealed = forkserver::SealMemfd(kName, canvas_.get()); !sealed.ok()) {
    return sealed;
  }
  return std::move(canvas_);
}

}  // namespace browser_host
