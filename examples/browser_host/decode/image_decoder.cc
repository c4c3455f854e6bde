#include "examples/browser_host/decode/image_decoder.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "examples/browser_host/decode/codecs.h"

namespace browser_host {
namespace {

struct Codec {
  absl::StatusOr<ImageHeader> (*read_header)(std::span<const uint8_t>, const DecodeBounds&);
  absl::StatusOr<DecodedImage> (*decode)(std::span<const uint8_t>, const DecodeBounds&,
                                         std::span<uint8_t>);
};

// In the order of ImageFormat.
constexpr Codec kCodecs[] = {
    {ReadPngHeader, DecodePng}, {ReadJpegHeader, DecodeJpeg}, {ReadWebpHeader, DecodeWebp}};

absl::StatusOr<Codec> CodecFor(std::span<const uint8_t> bytes, const DecodeBounds& bounds) {
  if (bytes.size() > bounds.encoded_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("picture: %d bytes, over %d", bytes.size(), bounds.encoded_bytes));
  }
  const absl::StatusOr<ImageFormat> format = FormatOfImage(bytes);
  if (!format.ok()) return format.status();
  return kCodecs[static_cast<size_t>(*format)];
}

bool HasAt(std::span<const uint8_t> bytes, size_t at, std::string_view wanted) {
  return bytes.size() >= at + wanted.size() &&
         std::equal(wanted.begin(), wanted.end(), bytes.begin() + static_cast<ptrdiff_t>(at),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

}  // namespace

absl::StatusOr<ImageFormat> FormatOfImage(std::span<const uint8_t> bytes) {
  if (HasAt(bytes, 0, "\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (HasAt(bytes, 0, "\xff\xd8\xff")) return ImageFormat::kJpeg;
  if (HasAt(bytes, 0, "RIFF") && HasAt(bytes, 8, "WEBP")) return ImageFormat::kWebp;
  return absl::InvalidArgumentError("picture: neither PNG nor JPEG nor WebP");
}

absl::StatusOr<ImageHeader> ReadImageHeader(std::span<const uint8_t> bytes,
                                            const DecodeBounds& bounds) {
  const absl::StatusOr<Codec> codec = CodecFor(bytes, bounds);
  if (!codec.ok()) return codec.status();
  return codec->read_header(bytes, bounds);
}

absl::StatusOr<DecodedImage> DecodeImage(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                         std::span<uint8_t> pixels) {
  const absl::StatusOr<Codec> codec = CodecFor(bytes, bounds);
  if (!codec.ok()) return codec.status();
  return codec->decode(bytes, bounds, pixels);
}

}  // namespace browser_host
