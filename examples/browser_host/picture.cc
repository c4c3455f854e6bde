#include "examples/browser_host/picture.h"

#include <stddef.h>

#include "absl/strings/str_format.h"
#include "examples/browser_host/page_messages.h"
#include "transceiver/errno_status.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {

absl::StatusOr<Picture> Picture::Map(int fd, uint32_t width, uint32_t height) {
  if (width == 0 || width > kMostPictureWidth || height == 0 || height > kMostPictureHeight) {
    return absl::InvalidArgumentError(absl::StrFormat("a picture of %d by %d", width, height));
  }
  const size_t bytes = size_t{width} * height * sizeof(uint32_t);
  forkserver::Mapping memory;
  const int error = forkserver::MapSealedMemfd(fd, bytes, forkserver::SealedAccess::kRead, memory);
  if (error != 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("map a picture: %s", forkserver::ErrnoName(error)));
  }
  if (memory.bytes().size() != bytes) {
    return absl::InvalidArgumentError(
        absl::StrFormat("a picture of %d by %d in %d bytes", width, height, memory.bytes().size()));
  }
  return Picture(std::move(memory), width, height);
}

std::span<const uint32_t> Picture::pixels() const {
  return {reinterpret_cast<const uint32_t*>(memory_.bytes().data()), size_t{width_} * height_};
}

}  // namespace browser_host
