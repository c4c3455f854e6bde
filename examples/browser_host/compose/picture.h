// The picture of a page, or of a frame in it, as it travels between processes: a memfd that nobody
// can change or cut short any more (transceiver/sealed_memfd.h), with pixels row by row as
// paint/pixels.h has them. Of its sender nothing is believed: what is mapped here has the seals,
// and exactly as many bytes as its size says, or as a canvas has (canvas.h), which it begins.
#ifndef EXAMPLES_BROWSER_HOST_COMPOSE_PICTURE_H_
#define EXAMPLES_BROWSER_HOST_COMPOSE_PICTURE_H_

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/picture_bounds.h"
#include "transceiver/mapping.h"

namespace browser_host {

inline size_t BytesOfPixels(uint32_t width, uint32_t height) {
  return size_t{width} * height * sizeof(uint32_t);
}

// InvalidArgument, in one line: "10 by 0 pixels".
absl::Status CheckPictureSize(uint32_t width, uint32_t height);

class Picture {
 public:
  // `fd` is borrowed. InvalidArgument: another size, or no such memory ("3 by 2 pixels in 20
  // bytes", "3 by 2 pixels: EPERM"). ResourceExhausted: this process has no room for it (ENOMEM),
  // whoever has painted it. Nothing is read yet: its memory may be a hole.
  static absl::StatusOr<Picture> Map(int fd, uint32_t width, uint32_t height);

  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }
  std::span<const uint32_t> argb() const;

  // Has rows [first, first + count) there, or says why not: what cannot be had (huge pages that ran
  // out) would be a SIGBUS at its first use. Rows are within the picture.
  absl::Status Populate(uint32_t first, uint32_t count) const;

 private:
  Picture(forkserver::Mapping memory, uint32_t width, uint32_t height)
      : memory_(std::move(memory)), width_(width), height_(height) {}

  forkserver::Mapping memory_;
  uint32_t width_;
  uint32_t height_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_COMPOSE_PICTURE_H_
