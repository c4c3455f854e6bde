#include <webp/decode.h>

#include <bit>
#include <memory>

#include "absl/strings/str_cat.h"
#include "examples/browser_host/decode/codecs.h"

namespace browser_host {
namespace {

// libwebp has numbers; these are the names that it has for them.
const char* NameOf(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OK:
      return "OK";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_INVALID_PARAM:
      return "invalid parameter";
    case VP8_STATUS_BITSTREAM_ERROR:
      return "bitstream error";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "unsupported feature";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file ends too early";
    case VP8_STATUS_USER_ABORT:
      return "aborted";
  }
  return "unknown error";
}

absl::Status ErrorOf(VP8StatusCode code) {
  const std::string why = absl::StrCat("WebP: ", NameOf(code));
  return code == VP8_STATUS_OUT_OF_MEMORY ? absl::ResourceExhaustedError(why)
                                          : absl::InvalidArgumentError(why);
}

}  // namespace

absl::StatusOr<ImageHeader> ReadWebpHeader(std::span<const uint8_t> bytes,
                                           const DecodeBounds& bounds) {
  WebPBitstreamFeatures features;
  const VP8StatusCode read = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (read != VP8_STATUS_OK) return ErrorOf(read);
  if (features.has_animation) {
    return absl::UnimplementedError("WebP: an animation, of which none is decoded");
  }
  const ImageHeader header = {.format = ImageFormat::kWebp,
                              .width = static_cast<uint32_t>(features.width),
                              .height = static_cast<uint32_t>(features.height)};
  if (absl::Status fits = CheckHeader(header, bounds); !fits.ok()) return fits;
  return header;
}

absl::StatusOr<DecodedImage> DecodeWebp(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                        std::span<uint8_t> pixels) {
  const absl::StatusOr<ImageHeader> header = ReadWebpHeader(bytes, bounds);
  if (!header.ok()) return header.status();
  if (absl::Status fit = CheckPixels(*header, pixels); !fit.ok()) return fit;
  if (IsOver(bounds.deadline)) {
    return absl::DeadlineExceededError("WebP: not decoded by its deadline");
  }
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return absl::InternalError("WebP: another libwebp");
  config.output.colorspace =
      std::endian::native == std::endian::little ? MODE_bgrA : MODE_Argb;  // premultiplied
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {
      .rgba = pixels.data(), .stride = static_cast<int>(header->stride()), .size = pixels.size()};
  // The one that decodes by and by, since it knows how far it came.
  const std::unique_ptr<WebPIDecoder, void (*)(WebPIDecoder*)> decoder(
      WebPIDecode(nullptr, 0, &config), WebPIDelete);
  if (decoder == nullptr) return ErrorOf(VP8_STATUS_OUT_OF_MEMORY);
  const VP8StatusCode decoded = WebPIUpdate(decoder.get(), bytes.data(), bytes.size());
  int rows = 0;
  if (decoded == VP8_STATUS_OK) {
    rows = static_cast<int>(header->height);
  } else if (WebPIDecGetRGB(decoder.get(), &rows, nullptr, nullptr, nullptr) == nullptr) {
    rows = 0;
  }
  return WhatThereIs(*header, static_cast<uint32_t>(rows),
                     decoded == VP8_STATUS_OK ? absl::OkStatus() : ErrorOf(decoded), "", pixels);
}

}  // namespace browser_host
