// The three formats, each with its library. `bytes` begin as the format's do, and are within the
// bounds; `pixels` are as DecodeImage's.
#ifndef EXAMPLES_BROWSER_HOST_DECODE_CODECS_H_
#define EXAMPLES_BROWSER_HOST_DECODE_CODECS_H_

#include <stdint.h>

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/browser_host/decode/image.h"

namespace browser_host {

absl::StatusOr<ImageHeader> ReadPngHeader(std::span<const uint8_t> bytes,
                                          const DecodeBounds& bounds);
absl::StatusOr<DecodedImage> DecodePng(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                       std::span<uint8_t> pixels);

absl::StatusOr<ImageHeader> ReadJpegHeader(std::span<const uint8_t> bytes,
                                           const DecodeBounds& bounds);
absl::StatusOr<DecodedImage> DecodeJpeg(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                        std::span<uint8_t> pixels);

absl::StatusOr<ImageHeader> ReadWebpHeader(std::span<const uint8_t> bytes,
                                           const DecodeBounds& bounds);
absl::StatusOr<DecodedImage> DecodeWebp(std::span<const uint8_t> bytes, const DecodeBounds& bounds,
                                        std::span<uint8_t> pixels);

// Whether `pixels` are what `header` wants, aligned.
absl::Status CheckPixels(const ImageHeader& header, std::span<const uint8_t> pixels);

// Rows that nothing came for.
void ClearRowsFrom(uint32_t row, const ImageHeader& header, std::span<uint8_t> pixels);

// One that never comes costs no look at the clock.
bool IsOver(int64_t deadline);

// What a decoding comes to that ended with `error`, which is Ok for one that went well.
absl::StatusOr<DecodedImage> WhatThereIs(const ImageHeader& header, uint32_t rows,
                                         const absl::Status& error, std::string_view warning,
                                         std::span<uint8_t> pixels);

}  // namespace browser_host

#endif  // EXAMPLES_BROWSER_HOST_DECODE_CODECS_H_
