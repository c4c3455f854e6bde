#include "examples/browser_host/decode/image.h"

#include "absl/strings/str_format.h"

namespace browser_host {

std::string_view ImageFormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kWebp:
      return "WebP";
  }
  return "unknown format";
}

absl::Status CheckHeader(const ImageHeader& header, const DecodeBounds& bounds) {
  const std::string_view name = ImageFormatName(header.format);
  if (header.width == 0 || header.height == 0) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: %dx%d pixels", name, header.width, header.height));
  }
  if (header.width > bounds.width || header.height > bounds.height) {
    return absl::ResourceExhaustedError(absl::StrFormat("%s: %dx%d pixels, over %dx%d", name,
                                                        header.width, header.height, bounds.width,
                                                        bounds.height));
  }
  const uint64_t pixels = uint64_t{header.width} * header.height;
  if (pixels > bounds.pixels) {
    return absl::ResourceExhaustedError(absl::StrFormat(
        "%s: %dx%d pixels, over %d in all", name, header.width, header.height, bounds.pixels));
  }
  return absl::OkStatus();
}

}  // namespace browser_host
