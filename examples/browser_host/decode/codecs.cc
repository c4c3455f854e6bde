#include "examples/browser_host/decode/codecs.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "transceiver/clock.h"

namespace browser_host {

absl::Status CheckPixels(const ImageHeader& header, std::span<const uint8_t> pixels) {
  if (pixels.size() == header.pixel_bytes() &&
      reinterpret_cast<uintptr_t>(pixels.data()) % alignof(uint32_t) == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrFormat("%s: %d bytes for its pixels, which are %d",
                                                    ImageFormatName(header.format), pixels.size(),
                                                    header.pixel_bytes()));
}

void ClearRowsFrom(uint32_t row, const ImageHeader& header, std::span<uint8_t> pixels) {
  const std::span<uint8_t> rest = pixels.subspan(row * header.stride());
  std::fill(rest.begin(), rest.end(), uint8_t{0});
}

bool IsOver(int64_t deadline) {
  return deadline != forkserver::kNever && forkserver::NowNanos() >= deadline;
}

absl::StatusOr<DecodedImage> WhatThereIs(const ImageHeader& header, uint32_t rows,
                                         const absl::Status& error, std::string_view warning,
                                         std::span<uint8_t> pixels) {
  if (rows == 0 && !error.ok()) return error;
  ClearRowsFrom(rows, header, pixels);
  DecodedImage image = {.header = header, .rows = rows};
  image.complaint = warning.empty() ? std::string(error.message()) : std::string(warning);
  return image;
}

}  // namespace browser_host
