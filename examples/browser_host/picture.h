// The picture of a page, as the parent has it from a content process: memory that nobody can change
// or cut short any more, of which nothing but its size is believed.
#ifndef EXAMPLES_BROWSER_HOST_PICTURE_H_
#define EXAMPLES_BROWSER_HOST_PICTURE_H_

#include <stdint.h>

#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "transceiver/mapping.h"

namespace browser_host {

class Picture {
 public:
  // `fd` is borrowed. InvalidArgument: it is no such memory, or of another size.
  static absl::StatusOr<Picture> Map(int fd, uint32_t width, uint32_t height);

  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }
  // Row by row (paint/pixels.h).
  std::span<const uint32_t> pixels() const;

 private:
  Picture(forkserver::Mapping memory, uint32_t width, uint32_t height)
      : memory_(std::move(memory)), width_(width), height_(height) {}

  forkserver::Mapping memory_;
  uint32_t width_;
  uint32_t height_;
};

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_PICTURE_H_
