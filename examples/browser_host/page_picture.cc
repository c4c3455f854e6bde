#include "examples/browser_host/page_picture.h"

#include <stddef.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "examples/browser_host/page_messages.h"
#include "examples/browser_host/paint/painter.h"
#include "transceiver/clock.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {

absl::StatusOr<PagePicture> PaintPicture(std::string_view html, std::string url, uint32_t width) {
  const int64_t begin = forkserver::NowNanos();
  const auto page = PagePainter::Create(
      {.html = html, .url = std::move(url)},
      {.width = static_cast<int>(width), .most_height = static_cast<int>(kMostPictureHeight)});
  if (!page.ok()) return page.status();
  PagePainter& painter = **page;
  if (absl::Status laid_out = painter.Layout(); !laid_out.ok()) return laid_out;
  const size_t stride = static_cast<size_t>(painter.pixel_width()) * sizeof(uint32_t);
  const size_t rows = static_cast<size_t>(painter.pixel_height());
  auto memory = forkserver::UnsealedMemfd::Create("page-picture", stride * rows);
  if (!memory.ok()) return memory.status();
  const absl::Status painted =
      painter.PaintInto({.argb = reinterpret_cast<uint32_t*>(memory->bytes().data()),
                         .width = painter.pixel_width(),
                         .height = painter.pixel_height(),
                         .stride = stride});
  if (!painted.ok()) return painted;
  absl::StatusOr<forkserver::UniqueFd> pixels = std::move(*memory).Seal();
  if (!pixels.ok()) return pixels.status();
  return PagePicture{.width = static_cast<uint32_t>(painter.pixel_width()),
                     .height = static_cast<uint32_t>(painter.pixel_height()),
                     .pixels = *std::move(pixels),
                     .nanos = static_cast<uint64_t>(forkserver::NowNanos() - begin)};
}

}  // namespace browser_host
