#include "examples/browser_host/compose/compose_picture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/browser_host/compose/draw_layer.h"
#include "examples/browser_host/compose/picture.h"
#include "transceiver/clock.h"
#include "transceiver/errno_status.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {
namespace {

absl::Status NameIt(std::string_view what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrFormat("%s: %s", what, status.message()));
}

absl::StatusOr<Picture> MapField(const PictureField& field, std::string_view what) {
  absl::StatusOr<Picture> pixels = Picture::Map(field.pixels.fd.get(), field.width, field.height);
  if (!pixels.ok()) return NameIt(what, pixels.status());
  return pixels;
}

// Memory for the whole, with the base in it. What the machine has not got is an errno here and no
// SIGBUS.
absl::StatusOr<forkserver::UnsealedMemfd> CopyBase(const PictureField& field) {
  const absl::StatusOr<Picture> base = MapField(field, "base");
  if (!base.ok()) return base.status();
  const absl::Status there = base->Populate(0, base->height());
  if (!there.ok()) return NameIt("base", there);
  absl::StatusOr<forkserver::UnsealedMemfd> whole =
      forkserver::UnsealedMemfd::Create("composed", base->argb().size_bytes());
  if (!whole.ok()) return whole.status();
  const std::span<uint8_t> bytes = whole->bytes();
  if (madvise(bytes.data(), bytes.size(), MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
    return forkserver::ErrnoStatus(errno, absl::StrFormat("madvise of %d bytes", bytes.size()));
  }
  memcpy(bytes.data(), base->argb().data(), bytes.size());
  return whole;
}

absl::Status DrawField(const LayerField& field, const PixelCanvas& canvas) {
  const std::string what = absl::StrCat("layer ", field.layer);
  const absl::StatusOr<Picture> layer = MapField(field.picture, what);
  if (!layer.ok()) return layer.status();
  const PixelRect place = {
      .x = field.x, .y = field.y, .width = field.frame_width, .height = field.frame_height};
  const PixelRect part = VisiblePart(place, layer->width(), layer->height(), canvas);
  if (part.is_empty()) return absl::OkStatus();
  absl::Status drawn = layer->Populate(static_cast<uint32_t>(part.y - place.y), part.height);
  if (drawn.ok()) {
    drawn = DrawLayer(canvas, layer->argb(), layer->width(), place.x, place.y, part);
  }
  return drawn.ok() ? drawn : NameIt(what, drawn);
}

}  // namespace

absl::StatusOr<Composed> ComposePicture(const Compose& message, int64_t deadline) {
  absl::StatusOr<forkserver::UnsealedMemfd> whole = CopyBase(message.base);
  if (!whole.ok()) return whole.status();
  const PixelCanvas canvas = {.argb = {reinterpret_cast<uint32_t*>(whole->bytes().data()),
                                       whole->bytes().size() / sizeof(uint32_t)},
                              .width = message.base.width,
                              .height = message.base.height};
  for (const LayerField& layer : message.layers.items) {
    if (forkserver::NowNanos() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrFormat("layer %d: not begun in time", layer.layer));
    }
    if (absl::Status drawn = DrawField(layer, canvas); !drawn.ok()) return drawn;
  }
  absl::StatusOr<forkserver::UniqueFd> sealed = std::move(*whole).Seal();
  if (!sealed.ok()) return sealed.status();
  Composed composed = {.picture = {.width = canvas.width, .height = canvas.height}};
  composed.picture.pixels.fd = *std::move(sealed);
  return composed;
}

}  // namespace browser_host
