#include "examples/browser_host/compose/picture.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_format.h"
#include "examples/browser_host/compose/canvas.h"
#include "transceiver/errno_status.h"
#include "transceiver/sealed_memfd.h"

namespace browser_host {

absl::Status CheckPictureSize(uint32_t width, uint32_t height) {
  if (width > 0 && width <= kMostPictureWidth && height > 0 && height <= kMostPictureHeight) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrFormat("%d by %d pixels", width, height));
}

absl::StatusOr<Picture> Picture::Map(int fd, uint32_t width, uint32_t height) {
  if (absl::Status size = CheckPictureSize(width, height); !size.ok()) return size;
  // The largest that there is, so that the error of a wrong size names it.
  const size_t most = BytesOfPixels(kMostPictureWidth, kMostPictureHeight);
  forkserver::Mapping memory;
  const int error = forkserver::MapSealedMemfd(fd, most, forkserver::SealedAccess::kRead, memory);
  if (error != 0) {
    const std::string why =
        absl::StrFormat("%d by %d pixels: %s", width, height, forkserver::ErrnoName(error));
    // Whoever has painted it can do nothing about that.
    return error == ENOMEM ? absl::ResourceExhaustedError(why) : absl::InvalidArgumentError(why);
  }
  const size_t bytes = BytesOfPixels(width, height);
  const bool is_on_canvas = IsWorthACanvas(bytes) && memory.bytes().size() == kCanvasBytes;
  if (memory.bytes().size() != bytes && !is_on_canvas) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%d by %d pixels in %d bytes", width, height, memory.bytes().size()));
  }
  return Picture(std::move(memory), width, height);
}

std::span<const uint32_t> Picture::argb() const {
  return {reinterpret_cast<const uint32_t*>(memory_.bytes().data()), size_t{width_} * height_};
}

absl::Status Picture::Populate(uint32_t first, uint32_t count) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t row = BytesOfPixels(width_, 1);
  const size_t begin = first * row / page * page;
  const size_t size = (size_t{first} + count) * row - begin;
  if (madvise(memory_.bytes().data() + begin, size, MADV_POPULATE_READ) == 0) {
    return absl::OkStatus();
  }
  // Linux before 5.14 has no such advice: there it comes out at the first use.
  if (errno == EINVAL) return absl::OkStatus();
  return forkserver::ErrnoStatus(errno, absl::StrFormat("madvise of %d bytes of pixels", size));
}

}  // namespace browser_host
