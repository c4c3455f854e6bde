// A picture, as decoder and content process speak of it: its header, and what bounds it.
//
// Pixels are cairo's CAIRO_FORMAT_ARGB32: 32 bits in the machine's order, alpha on top, colours
// multiplied by it, rows without a gap between them.
//
// Pure values. The content side needs no more than this: it links none of the decoding libraries.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_IMAGE_H_
#define EXAMPLES_BROWSER_HOST_DECODE_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "transceiver/clock.h"

namespace browser_host {

enum class ImageFormat : uint8_t { kPng, kJpeg, kWebp };
constexpr ImageFormat LastValue(ImageFormat) { return ImageFormat::kWebp; }

// "PNG"
std::string_view ImageFormatName(ImageFormat format);

struct ImageHeader {
  ImageFormat format = ImageFormat::kPng;
  uint32_t width = 0;
  uint32_t height = 0;

  size_t stride() const { return size_t{4} * width; }  // bytes from a row to the next
  size_t pixel_bytes() const { return stride() * height; }
  friend bool operator==(const ImageHeader&, const ImageHeader&) = default;
};

// What a picture may cost. Whatever is over a bound is refused by its header, before any memory is
// had for its pixels.
struct DecodeBounds {
  size_t encoded_bytes = size_t{32} << 20;
  uint32_t width = 32'767;  // cairo's largest, and height
  uint32_t height = 32'767;
  uint64_t pixels = uint64_t{1} << 25;  // 128 MiB of them
  size_t chunks = 65'536;               // of a PNG
  int scans = 100;  // of a progressive JPEG, each of which is all of the picture
  // What the library may have besides the pixels: a progressive JPEG's coefficients.
  size_t working_bytes = size_t{512} << 20;
  // NowNanos: a decoding that has not ended by then gives what there is. WebP is not held to it;
  // image_decoder.h says how long that can take.
  int64_t deadline = forkserver::kNever;
};

struct DecodedImage {
  ImageHeader header = {};
  // Rows from the top that the file had something for; those below are transparent.
  uint32_t rows = 0;
  // Empty, or what the library first had against the file.
  std::string complaint = {};
};

// Ok, or "PNG: 40000x2 pixels, over 32767x32767".
absl::Status CheckHeader(const ImageHeader& header, const DecodeBounds& bounds);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_IMAGE_H_
